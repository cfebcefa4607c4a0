/**
 * Points as 3D Slicer keeps them: `.mrk.json`, schema 1.0.3, written in LPS (x to the left, y to the
 * back), which is RAS with the first two signs turned.
 */
import { foreignKind, utf8 } from '../../base/index.ts';
import { refuseField } from '../case/packed.ts';
import { DataError } from '../errors.ts';
import { boundedPoints, markupOf, textOfPoints, type Markup } from './points-text.ts';

const schema =
  'https://raw.githubusercontent.com/slicer/slicer/master/Modules/Loadable/Markups/Resources/Schema/markups-schema-v1.0.3.json#';
const schemaForm =
  /^https:\/\/raw\.githubusercontent\.com\/.{1,200}markups-schema-v1\.\d\.\d\.json#?$/i;

/** One list of fiducials that 3D Slicer opens; whole microns. */
export function encodeMarkups(points: readonly Markup[]): Uint8Array {
  const controlPoints = points.map(({ label, position: [x, y, z] }, n) => ({
    id: String(n + 1),
    label,
    description: '',
    associatedNodeID: '',
    position: [-x, -y, z].map((mm) => Math.round(mm * 1000) / 1000 + 0),
    orientation: [-1, 0, 0, 0, -1, 0, 0, 0, 1],
    selected: true,
    locked: false,
    visibility: true,
    positionStatus: 'defined',
  }));
  const list = {
    type: 'Fiducial',
    coordinateSystem: 'LPS',
    coordinateUnits: 'mm',
    locked: false,
    fixedNumberOfControlPoints: false,
    labelFormat: '%N-%d',
    lastUsedControlPointNumber: points.length,
    controlPoints,
  };
  return utf8(`${JSON.stringify({ '@schema': schema, markups: [list] }, null, 1)}\n`);
}

/**
 * The placed points of all fiducial lists in a file, with or without a byte order mark, their names without the blanks around them. LPS and RAS are read as the file says; points
 * that are not placed (`positionStatus` other than `defined`) are left out.
 *
 * @throws {DataError} when the bytes are not such a file, or hold lines, curves or other units.
 */
export function decodeMarkups(bytes: Uint8Array): Markup[] {
  const file = asObject(parse(bytes), 'file');
  const named = file['@schema'];
  if (typeof named !== 'string' || !schemaForm.test(named)) {
    throw new DataError(
      { code: 'not_recognised', format: 'mrk.json' },
      "expected 3D Slicer's markups schema 1.x, got another or none; save the points as .mrk.json",
    );
  }
  return boundedPoints(asList(file.markups, 'markups').flatMap(readList));
}

function readList(value: unknown): Markup[] {
  const list = asObject(value, 'markups');
  if (list.type !== 'Fiducial') {
    throw new DataError(
      { code: 'unsupported', field: 'type' },
      'type: expected Fiducial (points), got another kind of markup; save the points alone',
    );
  }
  const units = list.coordinateUnits ?? 'mm'; // absent in files older than 1.0.1: mm
  const inMm = units === 'mm' || (Array.isArray(units) && units[0] === 'mm');
  if (!inMm) refuseField('coordinateUnits', 'mm', 'another unit');
  const system = list.coordinateSystem;
  if (system !== 'LPS' && system !== 'RAS') {
    refuseField('coordinateSystem', 'LPS or RAS', 'another or none');
  }
  return asList(list.controlPoints ?? [], 'controlPoints').flatMap((entry) => {
    const point = asObject(entry, 'controlPoints');
    if ((point.positionStatus ?? 'defined') !== 'defined') return [];
    return [markupOf(point.label ?? '', asList(point.position, 'position'), system)];
  });
}

function parse(bytes: Uint8Array): unknown {
  const text = textOfPoints(bytes, 'mrk.json');
  try {
    return JSON.parse(text);
  } catch (cause) {
    const came = foreignKind(bytes) ?? 'something else; save the points as .mrk.json';
    throw new DataError(
      { code: 'not_recognised', format: 'mrk.json' },
      `expected JSON in UTF-8, got ${came}`,
      { cause },
    );
  }
}

function asObject(value: unknown, field: string): Record<string, unknown> {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isObject ? (value as Record<string, unknown>) : refuseField(field, 'an object', 'another');
}

function asList(value: unknown, field: string): unknown[] {
  return Array.isArray(value) ? (value as unknown[]) : refuseField(field, 'a list', 'another');
}
