/**
 * YAML as a small tree in which every value knows its line. The one door to the `yaml` package.
 * Narrower than YAML on purpose: no aliases (a few lines of them unfold into gigabytes), no tags, keys
 * are plain words, nothing twice, and size and depth are bounded before anything is built.
 */
import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  type Node as YamlNode,
} from 'yaml';
import { ConfigError, placeOf } from './errors.ts';
import { yamlWords } from './yaml-words.ts';

const bytesMax = 256 * 1024;
const depthMax = 12;

/** Where a value was written. */
interface Place {
  /** From 1; 0 when it did not come from a file. */
  readonly line: number;
  /** Who wrote it, where several had a hand in one tree: `--set`. */
  readonly from?: string;
}

/** A value with the place where it stands. */
export type Tree = Place &
  (
    | { readonly kind: 'map'; readonly entries: ReadonlyMap<string, Entry> }
    | { readonly kind: 'list'; readonly items: readonly Tree[] }
    | { readonly kind: 'leaf'; readonly value: Leaf }
  );

/** A plain value of YAML, as the core schema reads it. */
export type Leaf = string | number | boolean | null;

/** A value under a key, and the line that the key stands on; 0 when it did not come from a file. */
export interface Entry {
  readonly keyLine: number;
  readonly value: Tree;
}

/**
 * Reads one document.
 * @throws {ConfigError} 'bad_yaml' with the line, 'too_large'
 */
export function readYaml(text: string, file: string): Tree {
  if (text.length > bytesMax) {
    throw new ConfigError(
      { code: 'too_large', file },
      `${file}: expected at most ${bytesMax} characters, got ${text.length}`,
    );
  }
  const counter = new LineCounter();
  const refuse = (line: number, why: string): never => {
    throw new ConfigError({ code: 'bad_yaml', file, line }, `${placeOf(file, line)}: ${why}`);
  };
  const lineAt = (offset: number | undefined): number =>
    offset === undefined ? 1 : counter.linePos(offset).line;

  checkDepth(text, refuse);
  const document = parseDocument(text, { lineCounter: counter, prettyErrors: false });
  const [problem] = [...document.errors, ...document.warnings];
  if (problem !== undefined) refuse(lineAt(problem.pos[0]), yamlWords[problem.code]);

  const convert = (node: YamlNode | null, depth: number): Tree => {
    const line = lineAt(node?.range?.[0]);
    if (depth > depthMax) refuse(line, `expected at most ${depthMax} levels`);
    if (node === null) return { kind: 'leaf', line, value: null };
    if (isAlias(node)) refuse(line, 'aliases (*name) are not allowed: write the value again');
    if ((node as { anchor?: unknown }).anchor !== undefined) {
      refuse(line, 'anchors (&name) are not allowed: write the value again');
    }
    if (node.tag?.startsWith('tag:yaml.org,2002:') === false) refuse(line, 'tags are not allowed');
    if (isSeq(node)) {
      const items = node.items.map((item) => convert(item as YamlNode | null, depth + 1));
      return { kind: 'list', line, items };
    }
    if (isMap(node)) {
      const entries = new Map<string, Entry>();
      for (const { key, value } of node.items) {
        const keyLine = lineAt((key as YamlNode | null)?.range?.[0]);
        if (!isScalar(key) || typeof key.value !== 'string') {
          return refuse(keyLine, 'expected a word as key');
        }
        entries.set(key.value, { keyLine, value: convert(value as YamlNode | null, depth + 1) });
      }
      return { kind: 'map', line, entries };
    }
    const value: unknown = isScalar(node) ? node.value : undefined;
    if (isLeaf(value)) return { kind: 'leaf', line, value };
    return refuse(line, 'expected a text, a number, yes or no, a list or a map');
  };
  return convert(document.contents, 0);
}

/** Refuses towers of brackets before the parser climbs them on the stack. */
function checkDepth(text: string, refuse: (line: number, why: string) => never): void {
  let depth = 0;
  let line = 1;
  for (const char of text) {
    if (char === '\n') line++;
    if (char === '[' || char === '{') depth++;
    if (char === ']' || char === '}') depth = Math.max(0, depth - 1);
    if (depth > 4 * depthMax) refuse(line, `expected at most ${depthMax} levels`);
  }
  const deepest = text.split('\n').findIndex((row) => indentOf(row) > 40 * depthMax);
  if (deepest >= 0) refuse(deepest + 1, `expected at most ${depthMax} levels`);
}

/** Leading spaces and dashes: both open levels. */
function indentOf(row: string): number {
  return /^[\s\-?:]*/.exec(row)?.[0].length ?? 0;
}

function isLeaf(value: unknown): value is Leaf {
  return value === null || ['string', 'number', 'boolean'].includes(typeof value);
}
