/**
 * The laboratory beside D-PSGD in plain NumPy (dpsgd.py), on the same graph and the same quadratics: errors by round and
 * node-rounds per second. decentralizepy itself is in no Debian package and on no registry that we use; its D-PSGD is the
 * published algorithm, and that is what the peer carries out.
 * `node bench/lab/beside.ts [nodes …] [--rounds 100]`
 */
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { labDefaults, runLab, type LabSettings } from '../../src/experiment/index.ts';
import { Graphs } from '../../src/experiment/lab/graphs.ts';
import { gradientTask } from '../../src/experiment/lab/make-task.ts';
import { QuadraticTask } from '../../src/experiment/lab/quadratic-task.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '100' } },
});
const sizes = positionals.length > 0 ? positionals.map(Number) : [16, 100, 1024];

/** What NumPy found: node by node, all at once, and errors of runs with other noise. */
interface Peer {
  readonly nodes: PeerRun;
  readonly matrix: PeerRun;
  readonly spread: readonly (readonly number[])[];
}

interface PeerRun {
  readonly errors: readonly number[];
  readonly seconds: number;
}

print([
  ...['nodes', 'noise', 'error ours', 'NumPy', 'apart', 'within 2 sd'],
  ...['node-rnd/s', 'NumPy', 'ratio', 'as matrix'],
]);
for (const nodes of sizes) {
  for (const noiseStdDev of [0, 0.5]) await beside(nodes, noiseStdDev);
}

async function beside(nodes: number, noiseStdDev: number): Promise<void> {
  const rounds = Number(values.rounds);
  const settings: LabSettings = {
    ...{ ...labDefaults, nodes, rounds },
    task: { ...labDefaults.task, noiseStdDev },
    topology: { ...labDefaults.topology, kind: 'regular' },
  };
  const ours: number[] = [];
  // Measuring is not what is compared: the peer's is not timed either.
  await run({ ...settings }, ours);
  const startMs = performance.now();
  await run({ ...settings, measureEvery: rounds }, []);
  const seconds = (performance.now() - startMs) / 1000;
  const peer = peerOf(settings);
  const apart = Math.max(
    ...ours.map((error, round) => Math.abs(error / (peer.nodes.errors[round] ?? 0) - 1)),
  );
  const speed = (took: number): number => (nodes * rounds) / took;
  print([
    ...[nodes, noiseStdDev, short(ours.at(-1)), short(peer.nodes.errors.at(-1))],
    // With noise two runs differ by chance: whether ours is one of the peer's own kind.
    ...(noiseStdDev === 0
      ? [`${(100 * apart).toPrecision(2)} %`, '']
      : ['', `${(100 * shareWithin(ours, peer.spread)).toFixed(0)} %`]),
    speed(seconds).toFixed(0),
    ...[speed(peer.nodes.seconds).toFixed(0), (peer.nodes.seconds / seconds).toFixed(2)],
    (peer.matrix.seconds / seconds).toFixed(2),
  ]);
}

/** Share of the rounds in which the error lies within two standard deviations of the mean of others. */
function shareWithin(errors: readonly number[], others: readonly (readonly number[])[]): number {
  const rounds = errors.slice(1);
  const within = rounds.filter((error, at) => {
    const values = others.map((other) => other[at + 1] ?? 0);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
    return Math.abs(error - mean) <= 2 * Math.sqrt(squares / (values.length - 1));
  });
  return within.length / rounds.length;
}

async function run(settings: LabSettings, errors: number[]): Promise<void> {
  await runLab(
    { settings, files: {}, fork: null },
    {
      ...{ workers: 1, untilRound: null, snapshots: [], state: null },
      signal: new AbortController().signal,
      onRound: ({ error }) => errors.push(error),
    },
  );
}

function peerOf(settings: LabSettings): Peer {
  const task = gradientTask(settings);
  if (!(task instanceof QuadraticTask)) throw new TypeError('expected quadratics');
  const { incoming } = new Graphs(settings, undefined).at(0, 0);
  const handed = {
    ...{ nodes: settings.nodes, rounds: settings.rounds },
    repeats: settings.task.noiseStdDev === 0 ? 0 : 20,
    ...{ dimension: task.dimension, learningRate: settings.training.learningRate },
    ...{ noiseStdDev: settings.task.noiseStdDev, precision: 'float32' },
    ...{ curvature: [...task.curvature], centre: [...task.centre] },
    incoming: incoming.map((links) => links.map(({ from, weight }) => [from, weight])),
  };
  const script = join(dirname(fileURLToPath(import.meta.url)), 'dpsgd.py');
  const { stdout } = spawnSync('/usr/bin/python3', [script], {
    ...{ input: JSON.stringify(handed), encoding: 'utf8', maxBuffer: 2 ** 28 },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  return JSON.parse(stdout) as Peer;
}

function short(value: number | undefined): string {
  return value === undefined ? '-' : value.toPrecision(4);
}

function print(cells: readonly (string | number)[]): void {
  process.stdout.write(`${cells.map((cell) => String(cell).padStart(12)).join('')}\n`);
}
