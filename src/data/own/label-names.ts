/**
 * What a site calls its points and structures, and what they are here: a table in its configuration, a line each, such as
 * `Hinge RCC = RCC` or `STJ = ignore`. Capital letters, blanks, dashes and underscores make no difference.
 */
import { DataError } from '../errors.ts';
import { heartLabels, pointNames, type PointName } from '../tasks.ts';

/** What a name can stand for: a point, a whole map of calcium or of the heart, a structure of the heart, or nothing. */
export type LabelMeaning = PointName | 'calc' | 'heart' | 'ignore' | `heart:${number}`;

/** Meanings by name, its letters made small and its blanks taken out. */
export type LabelNames = ReadonlyMap<string, LabelMeaning>;

const linesMax = 64;
const nameLengthMax = 128;

/** Our own names, and what the method's authors call the non-coronary cusp. */
const ownNames: readonly (readonly [string, LabelMeaning])[] = [
  ...pointNames.map((name) => [name, name] as const),
  ['ACC', 'NCC'],
  ['calc', 'calc'],
  ['calcium', 'calc'],
  ['heart', 'heart'],
  ...heartLabels.map((name, n) => [name, `heart:${n + 1}`] as const),
];

/**
 * Our own names, and those of `lines` over them.
 *
 * @throws {DataError} 'bad_setting' naming the line
 */
export function labelNames(lines: readonly string[]): LabelNames {
  const names = new Map(ownNames.map(([name, meaning]) => [key(name), meaning]));
  const refuse = (line: string, expected: string): never => {
    throw new DataError(
      { code: 'bad_setting', field: 'names' },
      `names: expected ${expected}, got "${line.slice(0, 60)}"`,
    );
  };
  if (lines.length > linesMax) refuse(`${lines.length} lines`, `at most ${linesMax}`);
  const meanings = [...pointNames, 'calc', ...heartLabels, 'ignore'].join(', ');
  for (const line of lines) {
    const at = line.lastIndexOf('=');
    const [theirs, ours] = [line.slice(0, at).trim(), line.slice(at + 1).trim()];
    if (at < 0 || key(theirs) === '' || theirs.length > nameLengthMax) {
      refuse(line, 'their name = ours, such as Hinge RCC = RCC');
    }
    const meaning =
      key(ours) === 'ignore' ? 'ignore' : new Map(ownNames.map(([name, m]) => [key(name), m])).get(key(ours)); // prettier-ignore
    if (meaning === undefined) refuse(line, `one of ${meanings} behind the =`);
    else names.set(key(theirs), meaning);
  }
  return names;
}

/** What a name stands for; null when nobody has said. */
export function meaningOf(names: LabelNames, typed: string): LabelMeaning | null {
  return names.get(key(typed)) ?? null;
}

function key(name: string): string {
  return name.toLowerCase().replace(/[\s_-]+/g, '');
}
