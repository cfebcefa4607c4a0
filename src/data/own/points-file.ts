/** A file of points, of any program that this room reads; told by its content, and by its name where the content does not tell. */
import { decodeFcsv } from './fcsv.ts';
import { decodeMarkups } from './markups.ts';
import { decodeMps } from './mps.ts';
import { decodePointsTable } from './points-table.ts';
import type { Markup } from './points-text.ts';

/** How names of files of points end, in small letters, and who writes them. */
export const pointsFileEnds: readonly string[] = ['.mrk.json', '.fcsv', '.mps', '.csv', '.tsv'];

/** The name without the end that says its kind; null for a file that is none of points. */
export function stemOfPoints(name: string): string | null {
  const end = pointsFileEnds.find((one) => name.toLowerCase().endsWith(one));
  return end === undefined ? null : name.slice(0, -end.length);
}

/**
 * The points in a file, in RAS.
 *
 * @param name of the file, without folders
 * @throws {DataError} as the reader of its kind
 */
export function decodePoints(bytes: Uint8Array, name: string): Markup[] {
  const small = name.toLowerCase();
  if (small.endsWith('.fcsv')) return decodeFcsv(bytes);
  if (small.endsWith('.mps')) return decodeMps(bytes, stemOfPoints(name) ?? name);
  if (small.endsWith('.csv') || small.endsWith('.tsv')) return decodePointsTable(bytes);
  return decodeMarkups(bytes);
}
