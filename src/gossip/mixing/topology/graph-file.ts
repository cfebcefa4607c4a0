/** Graphs from files: a list of edges, or GraphML. Strict, so that a slip in a file is no other graph. docs/specs/mixing.md, 4 */
import { GossipError } from '../../errors.ts';
import { mixingLinksMax, mixingSizeMax, type Edge } from '../mixing-graph.ts';
import { graphmlParts } from './graphml.ts';

/** A graph as a file has it. */
export interface FileGraph {
  /** Names of the nodes; their places are the indices of `edges`. */
  readonly names: readonly string[];
  readonly edges: readonly Edge[];
  /** Whether edges go one way, [from, to]. */
  readonly directed: boolean;
}

/** Largest file that is read. */
export const graphFileCharactersMax: number = 2 ** 24;

/** Longest name of a node. */
const nameMax = 64;

/**
 * One edge a line: two names, with spaces, tabs or a comma between, and nothing else but the `{}` that networkx writes. Empty lines
 * and those that begin with # are passed over. Nodes are in the order of their numbers when all names are numbers, else as they come.
 * @throws {GossipError} 'bad_graph_file'
 */
export function readEdgeList(text: string, directed: boolean): FileGraph {
  checkLength(text);
  const graph = new GrowingGraph(directed);
  text.split(/\r?\n/).forEach((content, index) => {
    const line = index + 1;
    const trimmed = content.trim();
    if (trimmed === '' || trimmed.startsWith('#')) return;
    const words = trimmed.replace(/\s*\{\}$/, '').split(/\s*,\s*|\s+/);
    const [from, to] = words;
    if (words.length !== 2 || from === undefined || to === undefined) {
      throw badFile(
        line,
        'expected two names of nodes and nothing more; weights follow from the graph',
      );
    }
    graph.addEdge(graph.node(from, line), graph.node(to, line), line);
  });
  return graph.finished();
}

/**
 * The nodes and edges of the one graph of a GraphML document, without its data. Nodes are in the order of the document.
 * @throws {GossipError} 'bad_graph_file' for what is not GraphML, and for document types, nested and mixed graphs, hyperedges, ports
 */
export function readGraphml(text: string): FileGraph {
  checkLength(text);
  const { directed, nodes, edges } = graphmlParts(text);
  const graph = new GrowingGraph(directed);
  const known = new Map<string, number>();
  for (const { id, line } of nodes) {
    if (known.has(id)) throw badFile(line, 'expected each node once');
    known.set(id, graph.node(id, line));
  }
  for (const { source, target, line } of edges) {
    const [from, to] = [known.get(source), known.get(target)];
    if (from === undefined || to === undefined) throw badFile(line, 'expected nodes of this graph');
    graph.addEdge(from, to, line);
  }
  return graph.finished(false);
}

class GrowingGraph {
  readonly #directed: boolean;
  readonly #names = new Map<string, number>();
  readonly #edges: Edge[] = [];
  readonly #seen = new Set<number>();

  constructor(directed: boolean) {
    this.#directed = directed;
  }

  node(name: string, line: number): number {
    const known = this.#names.get(name);
    if (known !== undefined) return known;
    if (!/^[^\s\p{C}]+$/u.test(name) || name.length > nameMax) {
      throw badFile(line, `expected a name of up to ${nameMax} characters without spaces`);
    }
    if (this.#names.size === mixingSizeMax)
      throw badFile(line, `expected at most ${mixingSizeMax} nodes`);
    this.#names.set(name, this.#names.size);
    return this.#names.size - 1;
  }

  addEdge(from: number, to: number, line: number): void {
    if (from === to)
      throw badFile(line, 'expected two different nodes: every node hears itself anyway');
    const [a, b] = this.#directed || from < to ? [from, to] : [to, from];
    const key = a * mixingSizeMax + b;
    if (this.#seen.has(key)) throw badFile(line, 'expected each edge once');
    if (2 * this.#seen.size >= mixingLinksMax)
      throw badFile(line, `expected at most ${mixingLinksMax / 2} edges`);
    this.#seen.add(key);
    this.#edges.push([from, to]);
  }

  finished(mayReorder = true): FileGraph {
    const names = [...this.#names.keys()];
    if (names.length === 0) throw badFile(0, 'expected a graph with at least one edge');
    const isNumbered = mayReorder && names.every((name) => /^(0|[1-9]\d{0,8})$/.test(name));
    if (!isNumbered) return { names, edges: this.#edges, directed: this.#directed };
    const sorted = [...names].sort((a, b) => Number(a) - Number(b));
    const places = new Map(sorted.map((name, place) => [name, place]));
    const placeOf = (index: number): number => places.get(names[index] ?? '') ?? index;
    const edges = this.#edges.map(([a, b]): Edge => [placeOf(a), placeOf(b)]);
    return { names: sorted, edges, directed: this.#directed };
  }
}

function checkLength(text: string): void {
  if (text.length <= graphFileCharactersMax) return;
  throw badFile(0, `expected at most ${graphFileCharactersMax} characters, got ${text.length}`);
}

function badFile(line: number, message: string): GossipError {
  const where = line === 0 ? '' : `line ${line}: `;
  return new GossipError({ code: 'bad_graph_file', line }, `${where}${message}`);
}
