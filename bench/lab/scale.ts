/**
 * How fast the laboratory is from 8 to 1,024 nodes: rounds per second, time of a node's round, peak memory; one process for each
 * size. `node bench/lab/scale.ts [nodes …] [--rounds 100] [--topology regular] [--svg bench/lab/scale.svg]`
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
    rounds: { type: 'string', default: '100' },
    topology: { type: 'string', default: 'regular' },
    svg: { type: 'string', default: '' },
    one: { type: 'boolean', default: false },
  },
});
const rounds = Number(values.rounds);

/** What one process found. */
interface Figures {
  readonly nodes: number;
  readonly seconds: number;
  readonly peakMiB: number;
  readonly error: number;
}

if (values.one) await runOne(Number(positionals[0]));
else runAll(positionals.length > 0 ? positionals.map(Number) : sizes);

function runAll(all: readonly number[]): void {
  print(['nodes', 'rounds', 'seconds', 'rounds/s', 'µs/node-rnd', 'peak MiB', 'error']);
  const found = all.map((nodes) => {
    const flags = ['--one', '--rounds', String(rounds), '--topology', values.topology];
    const self = fileURLToPath(import.meta.url);
    const { stdout } = spawnSync(process.execPath, [self, String(nodes), ...flags], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const figures = JSON.parse(stdout) as Figures;
    const { seconds, peakMiB, error } = figures;
    const cost = (1e6 * seconds) / rounds / nodes;
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
    ...{ xLabel: 'nodes in one process', yLabel: 'µs for each node and round', isLogY: true },
    isLogX: true,
    curves: [
      {
        name: `${values.topology}, quadratics of 10 numbers, ${rounds} rounds`,
        colour: '#0072b2',
        points: found.map(({ nodes, cost }) => point(nodes, cost)),
      },
    ],
  });
  writeFileSync(values.svg, figure);
}

async function runOne(nodes: number): Promise<void> {
  const topology = { ...labDefaults.topology, kind: values.topology };
  const settings = { ...labDefaults, nodes, rounds, topology };
  const startMs = performance.now();
  const { record } = await runLab(
    { settings, files: {}, fork: null },
    {
      ...{ workers: 1, untilRound: null, snapshots: [], state: null },
      signal: new AbortController().signal,
      onRound: () => undefined,
    },
  );
  const figures: Figures = {
    nodes,
    seconds: (performance.now() - startMs) / 1000,
    peakMiB: process.resourceUsage().maxRSS / 1024,
    error: record.final.error,
  };
  process.stdout.write(JSON.stringify(figures));
}

function print(cells: readonly (string | number)[]): void {
  process.stdout.write(`${cells.map((cell) => String(cell).padStart(12)).join('')}\n`);
}
