/** The elements of a GraphML document that make its graph. Only the XML that GraphML needs: no document type, no entities of its own. */
import { GossipError } from '../../errors.ts';

interface GraphmlParts {
  readonly directed: boolean;
  readonly nodes: readonly { readonly id: string; readonly line: number }[];
  readonly edges: readonly {
    readonly source: string;
    readonly target: string;
    readonly line: number;
  }[];
}

interface Tag {
  readonly name: string;
  readonly kind: 'open' | 'close' | 'empty';
  readonly attributes: ReadonlyMap<string, string>;
  readonly line: number;
}

/** What may stand in what. Data and descriptions hold text that is passed over. */
const children: Readonly<Record<string, readonly string[]>> = {
  '': ['graphml'],
  graphml: ['key', 'graph', 'desc', 'data'],
  key: ['desc', 'default'],
  graph: ['node', 'edge', 'desc', 'data'],
  node: ['desc', 'data'],
  edge: ['desc', 'data'],
  desc: [],
  data: [],
  default: [],
};

/** Elements whose text is passed over; elsewhere there is none. */
const withText: readonly string[] = ['desc', 'data', 'default'];

/** @throws {GossipError} 'bad_graph_file' */
export function graphmlParts(text: string): GraphmlParts {
  const nodes: { id: string; line: number }[] = [];
  const edges: { source: string; target: string; line: number }[] = [];
  const within: string[] = [];
  // An object, since the compiler sees no assignment in a closure.
  const graph: { directed: boolean | null } = { directed: null };
  const open = (tag: Tag): void => {
    const parent = within.at(-1) ?? '';
    if (children[parent]?.includes(tag.name) !== true) {
      throw bad(tag.line, `expected ${children[parent]?.join(' or ') ?? ''} here, got ${tag.name}`);
    }
    if (tag.name === 'graph') {
      if (graph.directed !== null) throw bad(tag.line, 'expected one graph');
      graph.directed = directionOf(tag);
    }
    if (tag.name === 'node') nodes.push({ id: attribute(tag, 'id'), line: tag.line });
    if (tag.name === 'edge') edges.push(edgeOf(tag, graph.directed === true));
    if (tag.kind === 'open') within.push(tag.name);
  };
  const between = (characters: string, line: number): void => {
    if (characters.trim() === '' || withText.includes(within.at(-1) ?? '')) return;
    throw bad(line, 'expected an element, got text');
  };
  eachTag(text, between, (tag) => {
    if (tag.kind !== 'close') open(tag);
    else if (within.pop() !== tag.name) throw bad(tag.line, `expected no end of ${tag.name} here`);
  });
  if (within.length > 0) throw bad(0, `expected the end of ${within.at(-1) ?? ''}`);
  if (graph.directed === null) throw bad(0, 'expected a graph in GraphML');
  return { directed: graph.directed, nodes, edges };
}

function directionOf(tag: Tag): boolean {
  const word = attribute(tag, 'edgedefault');
  if (word !== 'directed' && word !== 'undirected') {
    throw bad(tag.line, 'expected edgedefault to be directed or undirected');
  }
  return word === 'directed';
}

function edgeOf(tag: Tag, directed: boolean): GraphmlParts['edges'][number] {
  const own = tag.attributes.get('directed');
  if (own !== undefined && own !== String(directed)) {
    throw bad(tag.line, 'expected all edges to be directed, or none');
  }
  if (tag.attributes.has('sourceport') || tag.attributes.has('targetport')) {
    throw bad(tag.line, 'expected edges without ports');
  }
  return { source: attribute(tag, 'source'), target: attribute(tag, 'target'), line: tag.line };
}

function attribute(tag: Tag, name: string): string {
  const value = tag.attributes.get(name);
  if (value === undefined) throw bad(tag.line, `expected ${tag.name} to have ${name}`);
  return value;
}

/** Goes through tags, and the text between them, in order; comments and the declaration are passed over. */
function eachTag(
  text: string,
  between: (characters: string, line: number) => void,
  take: (tag: Tag) => void,
): void {
  let line = 1;
  let at = text.startsWith('<?xml ') ? endOf(text, '?>', 0, 1) : 0;
  line += linesIn(text.slice(0, at));
  while (at < text.length) {
    const start = text.indexOf('<', at);
    const characters = text.slice(at, start < 0 ? text.length : start);
    between(characters, line);
    line += linesIn(characters);
    if (start < 0) return;
    const isComment = text.startsWith('<!--', start);
    at = isComment ? endOf(text, '-->', start, line) : endOf(text, '>', start, line);
    const body = text.slice(start, at);
    if (!isComment) take(tagOf(body, line));
    line += linesIn(body);
  }
}

/** `<name a="1">`, `</name>` or `<name a="1"/>`; a value holds no `<` and, here, no `>`. */
function tagOf(body: string, line: number): Tag {
  const parts =
    /^<(\/?)([A-Za-z][\w:.-]{0,40})((?:\s+[\w:.-]{1,40}\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*(\/?)>$/.exec(
      body,
    );
  if (parts === null)
    throw bad(line, 'expected an element of GraphML; document types are not read');
  const [, slash, name, list, end] = parts;
  if (slash === '/' && (list !== '' || end === '/')) throw bad(line, 'expected a plain end');
  const attributes = new Map<string, string>();
  for (const [, key, double, single] of (list ?? '').matchAll(
    /([\w:.-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g,
  )) {
    if (key === undefined || attributes.has(key)) throw bad(line, 'expected each attribute once');
    attributes.set(key, unescaped(double ?? single ?? '', line));
  }
  const kind = slash === '/' ? 'close' : end === '/' ? 'empty' : 'open';
  return { name: name ?? '', kind, attributes, line };
}

const entities: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
};

function unescaped(value: string, line: number): string {
  return value.replace(/&([^;]{0,10};?)/g, (_, name: string) => {
    const character = name.endsWith(';') ? entities[name.slice(0, -1)] : undefined;
    if (character === undefined) throw bad(line, 'expected only &amp; &lt; &gt; &quot; and &apos;');
    return character;
  });
}

function endOf(text: string, mark: string, from: number, line: number): number {
  const found = text.indexOf(mark, from);
  if (found < 0) throw bad(line, `expected ${mark}`);
  return found + mark.length;
}

function linesIn(text: string): number {
  return text.split('\n').length - 1;
}

function bad(line: number, message: string): GossipError {
  const where = line === 0 ? '' : `line ${line}: `;
  return new GossipError({ code: 'bad_graph_file', line }, `${where}${message}`);
}
