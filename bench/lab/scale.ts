/**
 * How fast the laboratory is from 8 to 1,024 nodes: rounds per second, processor time of a node's round, peak memory; one process
 * for each size, and the same number of node-rounds, so that the compiler of JavaScript has as much to warm up at each.
 * `node bench/lab/scale.ts [nodes …] [--node-rounds 102400] [--topology regular] [--svg docs/lab/scale.svg]`
 */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { labDefaults, runLab } from '../../src/experiment/index.ts';
import { bandFile } from '../../src/report/index.ts';

const sizes = [8, 16, 32, 64, 128, 256, 512, 1024];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    // 1,024 nodes and 100 rounds.
    'node-rounds': { type: 'string', default: '102400' },
    topology: { type: 'string', default: 'regular' },
    svg: { type: 'string', default: '' },
    one: { type: 'boolean', default: false },
  },
});
const nodeRounds = Number(values['node-rounds']);
const roundsOf = (nodes: number): number => Math.ceil(nodeRounds / nodes);

/** What one process found. */
interface Figures {
  readonly nodes: number;
  readonly seconds: number;
  /** Of the processor, all threads. */
  readonly cpuSeconds: number;
  readonly peakMiB: number;
  readonly error: number;
}

if (values.one) await runOne(Number(positionals[0]));
else runAll(positionals.length > 0 ? positionals.map(Number) : sizes);

function runAll(all: readonly number[]): void {
  print(['nodes', 'rounds', 'seconds', 'rounds/s', 'cpu µs/n-rnd', 'peak MiB', 'error']);
  const found = all.map((nodes) => {
    const rounds = roundsOf(nodes);
    const flags = ['--one', '--node-rounds', String(nodeRounds), '--topology', values.topology];
    const self = fileURLToPath(import.meta.url);
    const { stdout } = spawnSync(process.execPath, [self, String(nodes), ...flags], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const figures = JSON.parse(stdout) as Figures;
    const { seconds, cpuSeconds, peakMiB, error } = figures;
    const cost = (1e6 * cpuSeconds) / rounds / nodes;
    print([
      ...[nodes, rounds, seconds.toFixed(2), (rounds / seconds).toFixed(1), cost.toFixed(1)],
      ...[peakMiB.toFixed(0), error.toPrecision(3)],
    ]);
    return { ...figures, cost };
  });
  if (values.svg === '') return;
  const point = (
    x: number,
    y: number,
  ): { x: number; middle: number; low: number; high: number } => {
    return { x, middle: y, low: y, high: y };
  };
  const figure = bandFile({
    title: 'Cost of a node in a round',
    ...{ xLabel: 'nodes in one process', yLabel: 'µs of processor time', isLogY: true },
    isLogX: true,
    curves: [
      {
        name: `${values.topology}, degree 4, quadratics of 10 numbers, ${nodeRounds} node-rounds`,
        colour: '#0072b2',
        points: found.map(({ nodes, cost }) => point(nodes, cost)),
      },
    ],
  });
  writeFileSync(values.svg, figure);
}

async function runOne(nodes: number): Promise<void> {
  const topology = { ...labDefaults.topology, kind: values.topology };
  const rounds = roundsOf(nodes);
  const measureEvery = Math.ceil(rounds / 100);
  const settings = { ...labDefaults, nodes, rounds, topology, measureEvery };
  const cpuBefore = process.cpuUsage();
  const startMs = performance.now();
  const { record } = await runLab(
    { settings, files: {}, fork: null },
    {
      ...{ workers: 1, untilRound: null, snapshots: [], state: null },
      signal: new AbortController().signal,
      onRound: () => undefined,
    },
  );
  const { user, system } = process.cpuUsage(cpuBefore);
  const figures: Figures = {
    nodes,
    seconds: (performance.now() - startMs) / 1000,
    cpuSeconds: (user + system) / 1e6,
    peakMiB: process.resourceUsage().maxRSS / 1024,
    error: record.final.error,
  };
  process.stdout.write(JSON.stringify(figures));
}

function print(cells: readonly (string | number)[]): void {
  process.stdout.write(`${cells.map((cell) => String(cell).padStart(12)).join('')}\n`);
}
