/**
 * Points as a table, `.csv` or `.tsv`: a line of column names, then a line for each point. One column is `label` or `name`; three
 * say where, and which way the axes run: `r,a,s` or `l,p,s`, as 3D Slicer exports a table of points. `x,y,z` could be either.
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

const systems: readonly (readonly [readonly [string, string, string], PointAxes])[] = [
  [['r', 'a', 's'], 'RAS'],
  [['l', 'p', 's'], 'LPS'],
];

/** @throws {DataError} when it is no such table, or does not say which way its axes run */
export function decodePointsTable(bytes: Uint8Array): Markup[] {
  const text = textOfPoints(bytes, 'csv');
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '' && !line.startsWith('#'));
  const [head = '', ...rows] = lines;
  const delimiter = [';', '\t'].find((one) => head.includes(one)) ?? ',';
  const columns = fieldsOf(head, delimiter).map((name) => name.trim().toLowerCase());
  const label = columns.findIndex((name) => name === 'label' || name === 'name');
  if (label < 0) {
    throw new DataError(
      { code: 'not_recognised', format: 'csv' },
      'expected a first line with the names of the columns, such as label,r,a,s, got another',
    );
  }
  const system = systems.find(([letters]) => letters.every((one) => columns.includes(one)));
  if (system === undefined) return refuseAxes(columns);
  const [letters, axes] = system;
  const places = letters.map((letter) => columns.indexOf(letter));
  // Where ; stands between the fields, a spreadsheet writes 1,5 for 1.5.
  const read = (field: string | undefined): number =>
    numberOf(delimiter === ';' ? field?.replace(',', '.') : field);
  return boundedPoints(
    rows.map((row) => {
      const fields = fieldsOf(row, delimiter);
      return markupOf(
        fields[label] ?? '',
        places.map((index) => read(fields[index])),
        axes,
      );
    }),
  );
}

/** @throws {DataError} 'ask_first' where x, y and z are given, 'bad_field' where nothing is */
function refuseAxes(columns: readonly string[]): never {
  const fix = 'name the columns r,a,s (to the right, front, up) or l,p,s (to the left, back, up)';
  if (!['x', 'y', 'z'].every((name) => columns.includes(name))) {
    refuseField('columns', 'label with r,a,s or l,p,s', `others: ${fix}`);
  }
  throw new DataError(
    { code: 'ask_first', option: 'columns' },
    `columns: expected to know which way x, y and z run, got nothing about it: ${fix}`,
  );
}
