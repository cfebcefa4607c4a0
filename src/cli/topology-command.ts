/** `annulus topology`: how fast a graph of nodes mixes, what that costs, and what it looks like. */
import { basename } from 'node:path';
import { foreignText, printableLine } from '../base/index.ts';
import type { FileGraph, MixingRate, Topology } from '../gossip/index.ts';
import { exitCodes, usageError, type ExitCode } from './errors.ts';
import { readInput, writeOutput } from './files.ts';
import { parseCount, readNumbers } from './numbers.ts';
import { topologyTable, type TopologyRow } from './topology-text.ts';
import type { World } from './world.ts';

/** What `KIND` may be. */
export const topologyChoices = [
  'ring',
  'torus',
  'star',
  'complete',
  'exponential',
  'one-peer-exponential',
  'base',
  'regular',
  'erdos-renyi',
  'small-world',
  'el-oracle',
  'el-local',
  'matching',
  'clusters',
  'file',
  'all',
] as const;

/** One of them. */
export type TopologyChoice = (typeof topologyChoices)[number];

/** Flags of `topology`, as typed. */
export interface TopologyFlags {
  readonly nodes?: string;
  readonly degree?: string;
  readonly edgeRate?: string;
  readonly rewireRate?: string;
  readonly redrawn?: true;
  readonly groups?: string;
  readonly file?: string;
  readonly directed?: true;
  readonly seed: string;
  readonly parameters: string;
  readonly out?: string;
  readonly format: string;
}

/** Flags that describe a graph, and the kinds that have what they say. */
const uses: readonly (readonly [keyof TopologyFlags, string, readonly TopologyChoice[]])[] = [
  ['degree', '--degree', ['base', 'regular', 'small-world', 'el-oracle', 'el-local', 'all']],
  ['edgeRate', '--edge-rate', ['erdos-renyi', 'all']],
  ['rewireRate', '--rewire-rate', ['small-world', 'all']],
  ['redrawn', '--redrawn', ['regular', 'erdos-renyi', 'small-world', 'all']],
  ['groups', '--groups', ['clusters', 'all']],
  ['file', '--file', ['file']],
  ['directed', '--directed', ['file']],
  ['nodes', '--nodes', topologyChoices.filter((kind) => kind !== 'file')],
  ['out', '--out', topologyChoices.filter((kind) => kind !== 'all')],
];

/** Bytes of a parameter that is sent. */
const parameterBytes = 4;

/** A topology with the names of its nodes. */
interface Named {
  readonly topology: Topology;
  readonly names: readonly string[];
}

/**
 * Tells the rate of one topology, or of all side by side, and draws one.
 *
 * @throws {CliError} 'usage'; {GossipError} 'bad_topology' or 'bad_graph_file'
 */
export async function topologyCommand(
  kind: TopologyChoice,
  flags: TopologyFlags,
  world: World,
): Promise<ExitCode> {
  for (const [key, flag, kinds] of uses) {
    if (flags[key] !== undefined && !kinds.includes(kind)) {
      throw usageError(`${flag}: not of topology ${kind}; leave it out`);
    }
  }
  const parameters = parseCount('--parameters', flags.parameters);
  if (parameters < 1) throw usageError('--parameters: expected at least 1, got 0');
  const rows: TopologyRow[] = [];
  const leftOut: string[] = [];
  for (const { topology, names } of await topologiesOf(kind, flags)) {
    try {
      rows.push(await rowOf(topology, names.length, { parameters, seed: flags.seed }));
    } catch (error) {
      if (kind !== 'all' || !(error instanceof Error) || !('code' in error)) throw error;
      if (error.code !== 'bad_topology') throw error;
      leftOut.push(error.message);
    }
    if (flags.out !== undefined) await draw(topology, names, { ...flags, path: flags.out });
  }
  if (flags.format === 'json') world.out(`${JSON.stringify({ rows, leftOut })}\n`);
  else {
    const picture = flags.out === undefined ? '' : `picture  ${printableLine(flags.out)}\n`;
    const missing = leftOut.map((line) => `left out: ${line}\n`).join('');
    world.out(`${topologyTable(rows, { parameters })}${missing}${picture}`);
  }
  return exitCodes.done;
}

async function rowOf(
  topology: Topology,
  nodes: number,
  { parameters, seed }: { readonly parameters: number; readonly seed: string },
): Promise<TopologyRow> {
  const { mixingRate } = await import('../gossip/index.ts');
  const rate: MixingRate = mixingRate(topology, nodes, seed);
  const bytesPerStep = Math.round(rate.sendsMean * parameters * parameterBytes);
  const { stepsToThousandth: steps } = rate;
  return {
    topology: labelOf(topology),
    nodes,
    ...rate,
    bytesPerStep,
    bytesToThousandth: steps === null ? null : bytesPerStep * steps,
  };
}

async function topologiesOf(kind: TopologyChoice, flags: TopologyFlags): Promise<Named[]> {
  if (kind === 'file') {
    const { names, edges, directed } = await readGraph(flags);
    return [{ topology: { kind: 'edges', edges, directed }, names }];
  }
  const { mixingSizeMax } = await import('../gossip/index.ts');
  const nodes = parseCount('--nodes', flags.nodes ?? '16');
  if (nodes < 2 || nodes > mixingSizeMax) {
    throw usageError(`--nodes: expected a whole number from 2 to ${mixingSizeMax}, got ${nodes}`);
  }
  const names = Array.from({ length: nodes }, (_, i) => String(i));
  const kinds = topologyChoices.filter((each) =>
    kind === 'all' ? each !== 'file' && each !== 'all' : each === kind,
  );
  return kinds.map((each) => ({ topology: topologyOf(each, nodes, flags), names }));
}

/** Defaults suit the number of nodes, so that each kind is there for any. */
function topologyOf(kind: TopologyChoice, nodes: number, flags: TopologyFlags): Topology {
  const redrawn = flags.redrawn === true;
  const count = (flag: string, text: string | undefined, otherwise: number): number =>
    text === undefined ? otherwise : parseCount(flag, text);
  const rate = (flag: string, text: string | undefined, otherwise: number): number =>
    text === undefined ? otherwise : (readNumbers(flag, text, 1)[0] ?? otherwise);
  const even = nodes < 3 ? 1 : Math.min(6, 2 * Math.floor((nodes - 1) / 2));
  const degree = count('--degree', flags.degree, even);
  switch (kind) {
    case 'base':
      return { kind, k: count('--degree', flags.degree, 1) };
    case 'regular':
      return { kind, degree, redrawn };
    case 'erdos-renyi': {
      const connects = Math.min(1, (2 * Math.log(nodes)) / nodes);
      return { kind, edgeRate: rate('--edge-rate', flags.edgeRate, connects), redrawn };
    }
    case 'small-world':
      return { kind, degree, rewireRate: rate('--rewire-rate', flags.rewireRate, 0.1), redrawn };
    case 'el-oracle':
    case 'el-local':
      return { kind, degree };
    case 'clusters': {
      const groups = count('--groups', flags.groups, Math.min(4, nodes));
      if (groups < 1 || groups > nodes) {
        throw usageError(`--groups: expected a whole number from 1 to ${nodes}, got ${groups}`);
      }
      return {
        kind,
        groups: Array.from({ length: nodes }, (_, i) => Math.floor((i * groups) / nodes)),
      };
    }
    case 'file':
    case 'all':
      throw usageError(`expected one topology, got ${kind}`);
    case 'ring':
    case 'torus':
    case 'star':
    case 'complete':
    case 'exponential':
    case 'one-peer-exponential':
    case 'matching':
      return { kind };
  }
}

/** `regular 6 redrawn`: a kind with what decides its rate. */
function labelOf(topology: Topology): string {
  const { kind } = topology;
  const words: (string | number)[] = [kind];
  if ('k' in topology) words.push(topology.k);
  if ('degree' in topology) words.push(topology.degree);
  if ('edgeRate' in topology) words.push(Number(topology.edgeRate.toFixed(3)));
  if ('rewireRate' in topology) words.push(topology.rewireRate);
  if ('redrawn' in topology && topology.redrawn) words.push('redrawn');
  if ('groups' in topology) words.push(new Set(topology.groups).size);
  if (kind === 'edges') words.push(topology.directed ? 'directed' : 'undirected');
  return words.join(' ');
}

async function readGraph({ file, directed }: TopologyFlags): Promise<FileGraph> {
  if (file === undefined) throw usageError('topology file: expected --file FILE');
  const { GossipError, graphFileCharactersMax, readEdgeList, readGraphml } =
    await import('../gossip/index.ts');
  const bytes = await readInput(file, 2 * graphFileCharactersMax);
  let text: string;
  try {
    text = foreignText(bytes);
  } catch (error) {
    throw usageError(`${file}: expected a list of edges or GraphML as UTF-8 text`, error);
  }
  const isGraphml = text.trimStart().startsWith('<');
  if (isGraphml && directed === true) {
    throw usageError('--directed: GraphML says it itself; leave it out');
  }
  try {
    return isGraphml ? readGraphml(text) : readEdgeList(text, directed === true);
  } catch (error) {
    if (!(error instanceof GossipError)) throw error;
    throw usageError(`${file}: ${error.message}`, error);
  }
}

async function draw(
  topology: Topology,
  names: readonly string[],
  { seed, path }: { readonly seed: string; readonly path: string },
): Promise<void> {
  if (!path.endsWith('.svg'))
    throw usageError(`--out: expected a name ending in .svg, got ${basename(path)}`);
  const { mixingGraph, mixingRate, topologyCourse, torusShape } =
    await import('../gossip/index.ts');
  const { graphPicture } = await import('../report/index.ts');
  const course = topologyCourse(topology, names.length);
  const steps = course.kind === 'cycle' ? course.length : 1;
  const links = Array.from({ length: steps }, (_, step) =>
    mixingGraph(topology, names.length, { seed, round: 0, step }),
  ).flatMap(({ incoming }) =>
    incoming.flatMap((heard, to) => heard.map(({ from }) => [from, to] as const)),
  );
  const { gap } = mixingRate(topology, names.length, seed);
  const shown = { static: '', cycle: `, all ${steps} steps`, drawn: ', first step' }[course.kind];
  const pairs = new Set(links.map(([from, to]) => from * names.length + to));
  const directed = links.some(([from, to]) => !pairs.has(to * names.length + from));
  const groups = topology.kind === 'clusters' ? topology.groups : [];
  await writeOutput(
    path,
    graphPicture({
      title: `${labelOf(topology)}, ${names.length} nodes${shown}`,
      facts: `spectral gap ${gap.toFixed(4)}`,
      nodes: names.map((name, index) => ({ name, group: groups[index] ?? 0 })),
      links,
      directed,
      layout:
        topology.kind === 'star'
          ? 'hub'
          : topology.kind === 'torus'
            ? { columns: torusShape(names.length)[1] }
            : 'circle',
    }),
  );
}
