/**
 * Points as MITK keeps them: `.mps`, XML. A point has a number and no name, so it is called as its file is, with the number
 * where a file holds several: `RCC.mps` holds RCC, `hps.mps` holds `hps 0`, `hps 1`, … Places are ITK's: mm along LPS, in the
 * set's own Geometry3D, which turns and shifts them where it is not the identity.
 */
import { refuseField } from '../case/packed.ts';
import { DataError } from '../errors.ts';
import { boundedPoints, markupOf, numberOf, textOfPoints, type Markup } from './points-text.ts';

const format = 'mps';
const rows = [0, 1, 2] as const;

/** From a place in a point set to LPS mm, row by row. */
interface SetGeometry {
  readonly matrix: readonly number[];
  readonly offset: readonly number[];
}

/**
 * The points of the only point set of a file.
 *
 * @param name what a file with one point is called
 * @throws {DataError} when it is no such file, or holds several sets or moments
 */
export function decodeMps(bytes: Uint8Array, name: string): Markup[] {
  const text = textOfPoints(bytes, format).replace(/<!--[^]*?-->/g, '');
  if (!/^\s*(<\?xml[^>]*>\s*)?<point_set_file\b/.test(text)) {
    throw new DataError(
      { code: 'not_recognised', format },
      "expected MITK's point_set_file, got something else; save the points as .mps",
    );
  }
  if (/<!(DOCTYPE|ENTITY)/i.test(text)) refuseField('xml', 'no definitions of its own', 'some');
  const sets = blocksOf(text, 'point_set');
  if (sets.length !== 1) refuseField('point_set', 'one set of points', `${sets.length}`);
  const series = blocksOf(sets[0] ?? '', 'time_series');
  if (series.length > 1) refuseField('time_series', 'points of one moment', `${series.length}`);
  const within = series[0] ?? sets[0] ?? '';
  const geometry = geometryOf(within);
  const points = blocksOf(within, 'point').map((point) => {
    const id = textOf(point, 'id');
    const place = ['x', 'y', 'z'].map((axis) => numberOf(textOf(point, axis)));
    return { id, place: placed(place, geometry) };
  });
  return boundedPoints(
    points.map(({ id, place }) =>
      markupOf(points.length === 1 ? name : `${name} ${id}`, place, 'LPS'),
    ),
  );
}

function placed(place: readonly number[], { matrix, offset }: SetGeometry): number[] {
  return rows.map((row) =>
    rows.reduce(
      (sum, column) => sum + (matrix[row * 3 + column] ?? 0) * (place[column] ?? NaN),
      offset[row] ?? 0,
    ),
  );
}

/** The identity where the file says nothing, as MITK takes it. @throws {DataError} 'bad_field' for a broken one */
function geometryOf(series: string): SetGeometry {
  const [found] = blocksOf(series, 'Geometry3D');
  if (found === undefined) return { matrix: [1, 0, 0, 0, 1, 0, 0, 0, 1], offset: [0, 0, 0] };
  const tag = (name: string): string => new RegExp(`<${name}\\b[^>]*>`).exec(found)?.[0] ?? '';
  const attribute = (of: string, name: string): number =>
    numberOf(new RegExp(`\\b${name}\\s*=\\s*"([^"]{1,40})"`).exec(of)?.[1]);
  const [turn, shift] = [tag('IndexToWorld'), tag('Offset')];
  const matrix = rows.flatMap((row) => rows.map((column) => attribute(turn, `m_${row}_${column}`)));
  const offset = ['x', 'y', 'z'].map((axis) => attribute(shift, axis));
  if (![...matrix, ...offset].every(Number.isFinite)) {
    refuseField('Geometry3D', 'IndexToWorld with nine numbers and Offset with three', 'another');
  }
  return { matrix, offset };
}

/** What stands between the tags of each `name`, none of which holds another of its kind. */
function blocksOf(text: string, name: string): string[] {
  const form = new RegExp(`<${name}(?:\\s[^>]*)?>([^]*?)</${name}\\s*>`, 'g');
  return [...text.matchAll(form)].map(([, inside]) => inside ?? '');
}

/** @throws {DataError} 'bad_field' when it is not there */
function textOf(point: string, name: string): string {
  const [found] = blocksOf(point, name);
  return found?.trim() ?? refuseField(name, 'a value for each point', 'none');
}
