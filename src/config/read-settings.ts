/**
 * Lays a YAML tree over a room's defaults. The defaults are the form: a key they lack is unknown, a
 * value must be of their type. Ranges are the room's own business: its `validate` runs afterwards and
 * what it refuses is reported at the line where it was written.
 */
import { AnnulusError, messageOf } from '../base/index.ts';
import { ConfigError, placeOf } from './errors.ts';
import { nearest } from './nearest.ts';
import type { Tree } from './yaml-tree.ts';

/** Where values come from, for messages. */
export interface Source {
  readonly file: string;
  /** Path so far, for instance `training.student`; empty at the top. */
  readonly path: string;
}

type Form = number | string | boolean | readonly Form[] | { readonly [key: string]: Form };

/**
 * `defaults` with every key of `tree` in place of its own. Lists are replaced as a whole, maps key by key.
 * @throws {ConfigError} 'unknown_key', 'bad_value'
 */
export function layOver<T extends object>(tree: Tree, defaults: T, source: Source): T {
  return overlay(tree, defaults as unknown as Form, source) as unknown as T;
}

/**
 * Runs a room's `validate` over `settings`. Its complaint is repeated with the file and line of the
 * key it names, or of the section when that key was left at its default.
 * @throws {ConfigError} 'bad_value'
 */
export function validated<T>(
  settings: T,
  validate: (settings: T) => unknown,
  tree: Tree | null,
  source: Source,
): T {
  try {
    validate(settings);
  } catch (error) {
    if (!isCoded(error)) throw error;
    const section = source.path.split('.').at(-1) ?? '';
    const field = fieldOf(error)
      .split('.')
      .filter((part, index) => index > 0 || part !== section);
    const key = joined(source.path, field.join('.'));
    const place = tree === null ? null : (placeIn(tree, field.at(-1) ?? '') ?? tree);
    const { line, from: file = source.file } = place ?? { line: 0 };
    const reason = messageOf(error);
    throw new ConfigError(
      { code: 'bad_value', file, line, key, expected: reason, came: '' },
      `${placeOf(file, line)}: ${key}: ${reason}`,
      { cause: error },
    );
  }
  return settings;
}

/** @throws {ConfigError} 'bad_value' naming place and key. */
export function refuseValue(tree: Tree, source: Source, expected: string): never {
  const came = describe(tree);
  const key = source.path === '' ? 'the file' : source.path;
  const { line, from: file = source.file } = tree;
  throw new ConfigError(
    { code: 'bad_value', file, line, key: source.path, expected, came },
    `${placeOf(file, line)}: ${key}: expected ${expected}, got ${came}`,
  );
}

/** The items of a list. @throws {ConfigError} 'bad_value' unless there are `countMin` to `countMax`. */
export function itemsOf(
  tree: Tree,
  source: Source,
  countMin: number,
  countMax: number,
): readonly Tree[] {
  if (tree.kind !== 'list') return refuseValue(tree, source, 'a list');
  if (tree.items.length < countMin || tree.items.length > countMax) {
    return refuseValue(tree, source, `a list of ${countMin} to ${countMax}`);
  }
  return tree.items;
}

/** @throws {ConfigError} 'unknown_key' with the nearest known one. */
export function refuseUnknownKeys(tree: Tree, known: readonly string[], source: Source): void {
  if (tree.kind !== 'map') return refuseValue(tree, source, `a map of ${listed(known)}`);
  for (const [key, { keyLine: line, value }] of tree.entries) {
    if (known.includes(key)) continue;
    const suggestion = nearest(key, known);
    const path = joined(source.path, key);
    const hint =
      suggestion === null
        ? `expected ${listed(known)}`
        : `did you mean ${joined(source.path, suggestion)}?`;
    const { from: file = source.file } = value;
    throw new ConfigError(
      { code: 'unknown_key', file, line, key: path, suggestion },
      `${placeOf(file, line)}: unknown key ${path}: ${hint}`,
    );
  }
}

/** The value under `key`, or `null` when the map lacks it. */
export function childOf(tree: Tree | null, key: string): Tree | null {
  return tree?.kind === 'map' ? (tree.entries.get(key)?.value ?? null) : null;
}

/** A path of a setting as messages write it: `training.student.rounds`. */
export function joined(path: string, key: string): string {
  return [path, key].filter((part) => part !== '').join('.');
}

function overlay(tree: Tree, form: Form, source: Source): Form {
  if (Array.isArray(form)) return listLike(tree, source, form as readonly Form[]);
  if (typeof form === 'object') {
    refuseUnknownKeys(tree, Object.keys(form), source);
    const pairs = Object.entries(form).map(([key, value]): [string, Form] => {
      const child = childOf(tree, key);
      const path = joined(source.path, key);
      return [key, child === null ? value : overlay(child, value, { ...source, path })];
    });
    return Object.fromEntries(pairs);
  }
  if (tree.kind !== 'leaf' || typeof tree.value !== typeof form || tree.value === null) {
    return refuseValue(tree, source, article(typeof form));
  }
  if (typeof tree.value === 'number' && !Number.isFinite(tree.value)) {
    return refuseValue(tree, source, 'a finite number');
  }
  return tree.value;
}

/** Lists in settings hold numbers: shapes, spacings, widths; or texts, if the form's first is one. */
function listLike(tree: Tree, source: Source, form: readonly Form[]): Form[] {
  return itemsOf(tree, source, 0, 64).map((item, index) => {
    const path = `${source.path}[${index}]`;
    if (typeof form[0] === 'string') {
      if (item.kind === 'leaf' && typeof item.value === 'string') return item.value;
      return refuseValue(item, { ...source, path }, 'a text');
    }
    if (item.kind !== 'leaf' || typeof item.value !== 'number' || !Number.isFinite(item.value)) {
      return refuseValue(item, { ...source, path }, 'a number');
    }
    return item.value;
  });
}

function describe(tree: Tree): string {
  if (tree.kind === 'map') return 'a map';
  if (tree.kind === 'list') return `a list of ${tree.items.length}`;
  if (tree.value === null) return 'nothing';
  if (typeof tree.value === 'string') return `"${tree.value.slice(0, 60)}"`;
  return String(tree.value);
}

function article(type: string): string {
  if (type === 'boolean') return 'true or false';
  return type === 'number' ? 'a number' : 'a text';
}

function listed(words: readonly string[]): string {
  return words.length < 2
    ? words.join('')
    : `${words.slice(0, -1).join(', ')} or ${words.at(-1) ?? ''}`;
}

function isCoded(error: unknown): error is AnnulusError {
  return error instanceof AnnulusError;
}

/** Rooms name the offending setting `key`, `field` or `path` in their facts. */
function fieldOf(error: AnnulusError): string {
  const facts = error.facts as { key?: unknown; field?: unknown; path?: unknown };
  const name = facts.key ?? facts.field ?? facts.path;
  return typeof name === 'string' ? name.replace(/\[\d+\]$/, '') : '';
}

/** Where the first entry called `key` stands, at any depth; `null` when there is none. */
function placeIn(tree: Tree, key: string): Pick<Tree, 'line' | 'from'> | null {
  if (tree.kind !== 'map') return null;
  const own = tree.entries.get(key);
  if (own !== undefined) return { ...own.value, line: own.keyLine };
  for (const { value } of tree.entries.values()) {
    const place = placeIn(value, key);
    if (place !== null) return place;
  }
  return null;
}
