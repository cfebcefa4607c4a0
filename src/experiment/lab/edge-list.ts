/**
 * A graph from a file: an edge list, two numbers a line and `#` for remarks, as networkx and others write it, or GraphML. Read
 * strictly: anything else is refused with its line.
 */
import { mixingLinksMax, type Edge } from '../../gossip/index.ts';
import { LabError } from './errors.ts';

/** Edges between nodes 0 to n - 1. */
export interface EdgeList {
  readonly edges: readonly Edge[];
  /** Whether [from, to] is another edge than [to, from]. */
  readonly directed: boolean;
}

const charactersMax = 64 * 1024 * 1024;

/**
 * @param name of the file, for messages
 * @throws {LabError} 'bad_graph'
 */
export function readEdgeList(text: string, name: string, nodes: number): EdgeList {
  if (text.length > charactersMax) refuse(name, 0, `at most ${charactersMax} characters`, 'more');
  const list = /^\s*</.test(text) ? readGraphMl(text, name) : readLines(text, name);
  if (list.edges.length > mixingLinksMax)
    refuse(name, 0, `at most ${mixingLinksMax} edges`, 'more');
  const far = list.edges.flat().find((node) => node >= nodes);
  if (far !== undefined) refuse(name, 0, `nodes from 0 to ${nodes - 1}`, String(far));
  return list;
}

function readLines(text: string, name: string): EdgeList {
  const edges = text.split(/\r?\n/).flatMap((line, index): Edge[] => {
    const words = line.replace(/#.*/, '').trim();
    if (words === '') return [];
    const [, a, b] = /^(\d{1,7})[\s,]+(\d{1,7})$/.exec(words) ?? [];
    if (a === undefined || b === undefined) refuse(name, index + 1, 'two whole numbers', words);
    return [[Number(a), Number(b)]];
  });
  return { edges, directed: false };
}

/** Nodes in the order in which the file names them; nothing but `node`, `edge` and `edgedefault` is looked at. */
function readGraphMl(text: string, name: string): EdgeList {
  // Entities could unfold without end, and a graph has no need of them.
  if (/<!(DOCTYPE|ENTITY)/i.test(text)) refuse(name, 0, 'GraphML without DOCTYPE', 'one');
  const plain = text.replace(/<!--[^]*?-->/g, '');
  const kind = /<graph\b[^>]*\bedgedefault\s*=\s*["'](directed|undirected)["']/.exec(plain)?.[1];
  if (kind === undefined) refuse(name, 0, 'a graph with edgedefault', 'none');
  const places = new Map<string, number>();
  for (const [tag] of plain.matchAll(/<node\b[^>]*>/g)) {
    const id = attribute(tag, 'id') ?? refuse(name, 0, 'a node with id', tag);
    if (places.has(id)) refuse(name, 0, 'each node once', id);
    places.set(id, places.size);
  }
  const edges = [...plain.matchAll(/<edge\b[^>]*>/g)].map(([tag]): Edge => {
    const end = (key: string): number => {
      const id = attribute(tag, key);
      const place = id === undefined ? undefined : places.get(id);
      return place ?? refuse(name, 0, `an edge whose ${key} is one of the nodes`, tag);
    };
    return [end('source'), end('target')];
  });
  return { edges, directed: kind === 'directed' };
}

function attribute(tag: string, key: string): string | undefined {
  return new RegExp(`\\b${key}\\s*=\\s*["']([^"'<>&]*)["']`).exec(tag)?.[1];
}

function refuse(file: string, line: number, expected: string, came: string): never {
  const place = line === 0 ? file : `${file}:${line}`;
  const short = came.slice(0, 60);
  throw new LabError({ code: 'bad_graph' }, `${place}: expected ${expected}, got ${short}`);
}
