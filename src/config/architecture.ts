/** Reading a network's description: written out, or by the name of one that is written out elsewhere. */
import { taskIds } from '../data/index.ts';
import { modelSpecFor, type Architecture } from './model-settings.ts';
import {
  childOf,
  refuseUnknownKeys,
  refuseValue,
  validated,
  type Source,
} from './read-settings.ts';
import { readYaml, type Tree } from './yaml-tree.ts';

/** Descriptions as YAML by name: the files of `config/models`. */
export type ModelLibrary = ReadonlyMap<string, string>;

/**
 * The network of one file of the library.
 * @throws {ConfigError} naming file, line and key
 */
export function loadArchitecture(text: string, file: string): Architecture {
  return read(readYaml(text, file), null, { file, path: '' });
}

/** Keys over the base's; another kind of network begins from nothing; a name stands for the library's. */
export function readArchitecture(
  tree: Tree,
  base: Architecture,
  source: Source,
  library: ModelLibrary,
): Architecture {
  if (tree.kind !== 'leaf' || typeof tree.value !== 'string') return read(tree, base, source);
  const text = library.get(tree.value);
  if (text === undefined) {
    refuseValue(tree, source, ['a map', ...library.keys()].join(' or '));
  }
  return loadArchitecture(text, `config/models/${tree.value}.yaml`);
}

function read(tree: Tree, base: Architecture | null, source: Source): Architecture {
  const kind = childOf(tree, 'kind');
  const isSameKind = kind === null || (kind.kind === 'leaf' && kind.value === base?.kind);
  const under = isSameKind && base !== null ? base : {};
  if (under === base) refuseUnknownKeys(tree, Object.keys(base), source);
  else if (tree.kind !== 'map') refuseValue(tree, source, 'a map');
  const architecture = { ...under, ...(plain(tree, source) as object) } as Architecture;
  return validated(architecture, (value) => modelSpecFor(value, taskIds), tree, source);
}

/** The tree as plain values, for a reader that is strict itself. */
function plain(tree: Tree, source: Source): unknown {
  if (tree.kind === 'leaf') return tree.value;
  if (tree.kind === 'list') return tree.items.map((item) => plain(item, source));
  return Object.fromEntries(
    [...tree.entries].map(([key, { value }]) => {
      if (key === '__proto__') refuseValue(value, source, 'another key');
      return [key, plain(value, source)];
    }),
  );
}
