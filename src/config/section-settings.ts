/** Settings of a room above this one: it says the form and the checks, and its file is read as strictly as a preset. */
import { layered, treeOfOverrides, type Override } from './overrides.ts';
import { childOf, layOver, refuseUnknownKeys, validated, type Source } from './read-settings.ts';
import { readYaml, type Tree } from './yaml-tree.ts';

/** Checks of some of a section's own sections. */
export type SectionParts<T> = { readonly [K in keyof T]?: (part: T[K]) => unknown };

/** What a file with one section at its top is read by. */
export interface SectionForm<T extends object> {
  /** The one key at the top of the file. */
  readonly key: string;
  /** Every setting with its default. */
  readonly defaults: T;
  /** Throws a SettingError whose key is the setting's name without the section's. */
  readonly validate: (settings: T) => unknown;
  /** Checks of the sections below, by their names. */
  readonly parts: SectionParts<T>;
}

/** Whether a file is one of those whose top has the section `key`. @throws {ConfigError} 'bad_yaml', 'too_large' */
export function hasSection(text: string, file: string, key: string): boolean {
  return childOf(readYaml(text, file), key) !== null;
}

/**
 * The section's settings: its defaults, with the file's values over them and `overrides` over those. Keys of overrides begin
 * with the section's.
 * @throws {ConfigError} naming file, line, key, what was expected and what came
 */
export function loadSection<T extends object>(
  text: string,
  file: string,
  form: SectionForm<T>,
  overrides: readonly Override[] = [],
): T {
  const written = readYaml(text, file);
  const asked = treeOfOverrides(overrides);
  const read = (tree: Tree, name: string, base: T): T => {
    refuseUnknownKeys(tree, [form.key], { file: name, path: '' });
    const child = childOf(tree, form.key);
    return child === null ? base : layOver(child, base, { file: name, path: form.key });
  };
  const sources = [...new Set(overrides.map(({ source }) => source))].join(', ');
  const settings = read(asked, sources, read(written, file, form.defaults));
  const all = childOf(layered(asked, written), form.key) ?? written;
  const source: Source = { file, path: form.key };
  for (const name of Object.keys(form.parts) as (keyof T & string)[]) {
    const check = form.parts[name];
    const path = `${form.key}.${name}`;
    if (check !== undefined) {
      validated(settings[name], check, childOf(all, name) ?? all, { file, path });
    }
  }
  return validated(settings, form.validate, all, source);
}
