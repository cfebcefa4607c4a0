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
import { makeTask } from '../../src/experiment/lab/make-task.ts';
import { QuadraticTask } from '../../src/experiment/lab/quadratic-task.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '100' } },
});
const sizes = positionals.length > 0 ? positionals.map(Number) : [16, 100, 1024];

interface PeerRun {
  readonly errors: readonly number[];
  readonly seconds: number;
}

print([
  'nodes',
  'noise',
  'error ours',
  'NumPy',
  'most apart',
  'node-rnd/s',
  'NumPy',
  'ratio',
  'as matrix',
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
    ...[`${(100 * apart).toPrecision(2)} %`, speed(seconds).toFixed(0)],
    ...[speed(peer.nodes.seconds).toFixed(0), (peer.nodes.seconds / seconds).toFixed(2)],
    (peer.matrix.seconds / seconds).toFixed(2),
  ]);
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

function peerOf(settings: LabSettings): { readonly nodes: PeerRun; readonly matrix: PeerRun } {
  const task = makeTask(settings);
  if (!(task instanceof QuadraticTask)) throw new TypeError('expected quadratics');
  const { incoming } = new Graphs(settings, undefined).at(0, 0);
  const handed = {
    ...{ nodes: settings.nodes, rounds: settings.rounds, seed: settings.seed },
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
  return JSON.parse(stdout) as { readonly nodes: PeerRun; readonly matrix: PeerRun };
}

function short(value: number | undefined): string {
  return value === undefined ? '-' : value.toPrecision(4);
}

function print(cells: readonly (string | number)[]): void {
  process.stdout.write(`${cells.map((cell) => String(cell).padStart(12)).join('')}\n`);
}
