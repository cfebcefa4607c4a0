/** Settings from outside the file: all of them as one tree, so that values which belong together may come one by one. */
import { ConfigError } from './errors.ts';
import { readYaml, type Tree } from './yaml-tree.ts';

/** One setting from outside the file, for instance a flag's. */
export interface Override {
  /** Path of the setting: `training.student.rounds`. */
  readonly key: string;
  /** Its value as YAML would write it. */
  readonly text: string;
  /** Who says so, for messages: `--rounds`. */
  readonly source: string;
}

const nothing: Tree = { kind: 'map', line: 0, entries: new Map() };

/** @throws {ConfigError} 'bad_yaml', and 'bad_value' when one setting is given twice */
export function treeOfOverrides(overrides: readonly Override[]): Tree {
  return overrides.reduce((all, { key, text, source }) => {
    const value = from(readYaml(text, source), source);
    const one = key.split('.').reduceRight<Tree>(
      (inner, part) => ({
        ...{ kind: 'map', line: 0, from: source },
        entries: new Map([[part, { keyLine: 0, value: inner }]]),
      }),
      value,
    );
    return under(one, all, (path, other) => {
      const who = other === source ? `${source} twice` : `${other} and by ${source}`;
      throw new ConfigError(
        { code: 'bad_value', file: source, line: 0, key: path, expected: 'one value', came: 'two' },
        `${source}: ${path} is given by ${who}: leave out one`,
      );
    });
  }, nothing);
}

/** What `upper` says, and below it what `lower` says of everything else. */
export function layered(upper: Tree, lower: Tree): Tree {
  return under(upper, lower, () => undefined);
}

function under(
  upper: Tree,
  lower: Tree,
  onBoth: (path: string, lowerFrom: string) => void,
  path = '',
): Tree {
  if (upper.kind !== 'map' || lower.kind !== 'map') {
    onBoth(path, lower.from ?? '');
    return upper;
  }
  const entries = new Map(lower.entries);
  for (const [key, entry] of upper.entries) {
    const below = entries.get(key);
    const inner = path === '' ? key : `${path}.${key}`;
    const value =
      below === undefined ? entry.value : under(entry.value, below.value, onBoth, inner);
    entries.set(key, { ...entry, value });
  }
  return { ...(upper.entries.size === 0 ? lower : upper), entries };
}

/** The tree as said by `source`, which has no lines. */
function from(tree: Tree, source: string): Tree {
  const place = { line: 0, from: source };
  if (tree.kind === 'leaf') return { ...tree, ...place };
  if (tree.kind === 'list') {
    return { ...tree, ...place, items: tree.items.map((item) => from(item, source)) };
  }
  const entries = [...tree.entries].map(
    ([key, { value }]) => [key, { keyLine: 0, value: from(value, source) }] as const,
  );
  return { ...tree, ...place, entries: new Map(entries) };
}
