/**
 * Points as 3D Slicer wrote them before 4.11, and still can: `.fcsv`, lines of
 * `id,x,y,z,ow,ox,oy,oz,vis,sel,lock,label,desc,associatedNodeID` below comments, one of which names the axes:
 * `# CoordinateSystem = 0` (RAS) or `1` (LPS) in files of up to 4.10, `RAS` or `LPS` in later ones.
 */
import { refuseField } from '../case/packed.ts';
import { DataError } from '../errors.ts';
import {
  boundedPoints,
  fieldsOf,
  markupOf,
  numberOf,
  textOfPoints,
  type Markup,
  type PointAxes,
} from './points-text.ts';

const versionForm = /^#\s*Markups fiducial file version\s*=/i;
const systemForm = /^#\s*CoordinateSystem\s*=\s*(\S+)\s*$/i;
const columnsForm = /^#\s*columns\s*=\s*(.+)$/i;
const usualColumns = 'id,x,y,z,ow,ox,oy,oz,vis,sel,lock,label,desc,associatedNodeID';
const systems: Readonly<Record<string, PointAxes>> = { 0: 'RAS', 1: 'LPS', RAS: 'RAS', LPS: 'LPS' };

/** Whether the text begins as such a file does. */
export function isFcsv(text: string): boolean {
  return versionForm.test(text);
}

/** @throws {DataError} when it is no such file, or does not say which way its axes run */
export function decodeFcsv(bytes: Uint8Array): Markup[] {
  const text = textOfPoints(bytes, 'fcsv');
  if (!isFcsv(text)) {
    throw new DataError(
      { code: 'not_recognised', format: 'fcsv' },
      "expected 3D Slicer's points, which begin with # Markups fiducial file version, got something else",
    );
  }
  const lines = text.split(/\r?\n/);
  const axes = axesOf(lines);
  const columns = fieldsOf(
    lines.map((line) => columnsForm.exec(line)?.[1]).find((found) => found !== undefined) ??
      usualColumns,
    ',',
  ).map((name) => name.trim());
  const at = (name: string): number => {
    const index = columns.indexOf(name);
    return index < 0 ? refuseField('columns', `a column ${name}`, 'none') : index;
  };
  const [x, y, z, label] = [at('x'), at('y'), at('z'), at('label')];
  const points = lines
    .filter((line) => line.trim() !== '' && !line.startsWith('#'))
    .map((line) => {
      const fields = fieldsOf(line, ',');
      const place = [x, y, z].map((index) => numberOf(fields[index]));
      return markupOf(fields[label] ?? '', place, axes);
    });
  return boundedPoints(points);
}

/** @throws {DataError} 'bad_field' where nothing, or two different things, or voxels are said */
function axesOf(lines: readonly string[]): PointAxes {
  const said = lines.flatMap((line) => systemForm.exec(line)?.[1] ?? []);
  const [first] = said;
  const axes = first === undefined ? undefined : systems[first.toUpperCase()];
  if (axes !== undefined && said.every((one) => systems[one.toUpperCase()] === axes)) return axes;
  return refuseField(
    'CoordinateSystem',
    '# CoordinateSystem = RAS (or 0) or LPS (or 1)',
    first === undefined ? 'none: save the points again' : 'another: save the points in RAS or LPS',
  );
}
