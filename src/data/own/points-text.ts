/** What files of points have in common, whichever program wrote them: bounds, text, numbers, and lines of fields. */
import { foreignKind, foreignText } from '../../base/index.ts';
import { refuseField } from '../case/packed.ts';
import { DataError } from '../errors.ts';
import type { Vector3 } from '../volume/vector.ts';

/** A named point in RAS mm. */
export interface Markup {
  readonly label: string;
  readonly position: Vector3;
}

/** Largest file of points, bytes: ten thousand points of 3D Slicer take less. */
export const pointsBytesMax: number = 4 * 1024 * 1024;
const pointsMax = 10_000;
const labelLengthMax = 128;
const fieldsMax = 64;

/** Of the four letters of a file's axes: what x and y are multiplied with to be RAS. */
export type PointAxes = 'RAS' | 'LPS';

/**
 * The text of a file of points, with or without a byte order mark.
 *
 * @param format as the file's name ends
 * @throws {DataError} 'too_large', or 'not_recognised' for what is no text
 */
export function textOfPoints(bytes: Uint8Array, format: string): string {
  if (bytes.byteLength > pointsBytesMax) {
    throw new DataError(
      { code: 'too_large', limit: pointsBytesMax },
      `expected at most ${pointsBytesMax} bytes of points, got ${bytes.byteLength}`,
    );
  }
  try {
    return foreignText(bytes);
  } catch (cause) {
    const came = foreignKind(bytes) ?? 'something else; save the points again';
    throw new DataError(
      { code: 'not_recognised', format },
      `expected ${format}, text in UTF-8, got ${came}`,
      { cause },
    );
  }
}

/** @throws {DataError} 'too_large' for more points than anybody marks in a heart */
export function boundedPoints(points: readonly Markup[]): Markup[] {
  if (points.length <= pointsMax) return [...points];
  throw new DataError(
    { code: 'too_large', limit: pointsMax },
    `expected at most ${pointsMax} points, got ${points.length}`,
  );
}

/** A point as a file has it, in RAS. @throws {DataError} 'bad_field' for what is no number or no name */
export function markupOf(label: unknown, xyz: readonly unknown[], axes: PointAxes): Markup {
  if (typeof label !== 'string' || label.length > labelLengthMax) {
    return refuseField('label', `text of at most ${labelLengthMax} characters`, 'something else');
  }
  const [x, y, z, ...rest] = xyz;
  const isPlace = [x, y, z].every(Number.isFinite) && rest.length === 0;
  if (!isPlace) return refuseField('position', 'three finite numbers', 'something else');
  const turn = axes === 'LPS' ? -1 : 1;
  // + 0: never -0.
  return {
    label: label.trim(),
    position: [(x as number) * turn + 0, (y as number) * turn + 0, z as number],
  };
}

const numberForm = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,3})?$/i;

/** The number that a field is, NaN when it is none; nothing is guessed out of `1.2mm` or of nothing. */
export function numberOf(field: string | undefined): number {
  const text = field?.trim() ?? '';
  return text.length <= 40 && numberForm.test(text) ? Number(text) : NaN;
}

/**
 * The fields of a line, the quotes around them taken off; a doubled quote within quotes is one.
 *
 * @throws {DataError} 'bad_field' for a quote that does not end, or more fields than any program writes
 */
export function fieldsOf(line: string, delimiter: string): string[] {
  const fields: string[] = [];
  let at = 0;
  for (;;) {
    if (fields.length === fieldsMax) {
      return refuseField('line', `at most ${fieldsMax} fields`, 'more');
    }
    if (line[at] === '"') {
      let field = '';
      for (at += 1; line[at] !== '"' || line[at + 1] === '"'; at += line[at] === '"' ? 2 : 1) {
        if (at >= line.length) return refuseField('line', 'a quote at the end of a name', 'none');
        field += line[at] ?? '';
      }
      at += 1;
      fields.push(field);
    } else {
      const end = line.indexOf(delimiter, at);
      fields.push(line.slice(at, end < 0 ? line.length : end));
      at = end < 0 ? line.length : end;
    }
    if (at >= line.length) return fields;
    if (line[at] !== delimiter) return refuseField('line', 'a delimiter after a quote', 'text');
    at += 1;
  }
}
