/**
 * How long a decision takes among processes on loopback: from the proposer's clock, as the block says it, to the moment when the
 * block lies in a node's log. All nodes are on one machine, so it is one clock. Votes, their durable records and the log's are in it.
 *
 *   npm run build && node --disable-warning=ExperimentalWarning bench/node/decisions.ts [--nodes 8] [--seconds 60] [--folder DIR]
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { writeTestnet } from '../../src/daemon/index.ts';
import { ended, say, smokeOf, startNode, statusOf, type BenchNode } from './bench-nodes.ts';

const { values } = parseArgs({
  options: {
    nodes: { type: 'string', default: '8' },
    seconds: { type: 'string', default: '60' },
    folder: { type: 'string' },
  },
});
const folder = values.folder ?? mkdtempSync(join(tmpdir(), 'annulus-decisions-'));
say(
  `${cpus()[0]?.model ?? ''}, ${cpus().length} cores, load ${loadavg()[0]?.toFixed(1) ?? ''}, Node ${process.version}`,
);
const nodes: BenchNode[] = (
  await writeTestnet({
    ...{ folder, count: Number(values.nodes), settings: smokeOf(100_000), workers: 1 },
    nowMs: Date.now(),
    onCase: () => undefined,
  })
).map((node) => ({ ...node, child: null, height: 0, said: '' }));
try {
  for (const node of nodes) startNode(node);
  await pause(Number(values.seconds) * 1000);
  await Promise.all(nodes.map(statusOf));
} finally {
  for (const { child } of nodes) child?.kill('SIGTERM');
  for (const { child } of nodes) await ended(child);
}

/** Operations of a block and how long it took at one node, ms; ascending. */
const times = new Map<string, number[]>();
for (const { home } of nodes) {
  const place = join(home, 'node', 'log', 'decisions');
  for (const name of readdirSync(place)) {
    const { body } = JSON.parse(readFileSync(join(place, name), 'utf8')) as {
      body: { ts: number; ops: { op: string }[] };
    };
    const ops = body.ops.map(({ op }) => op).join('+');
    const list = times.get(ops) ?? [];
    list.push(statSync(join(place, name)).mtimeMs - body.ts);
    times.set(ops, list);
  }
}
for (const [ops, list] of [...times, ['all', [...times.values()].flat()] as const]) {
  const sorted = list.toSorted((a, b) => a - b);
  const at = (share: number): string =>
    (sorted[Math.floor(share * (sorted.length - 1))] ?? NaN).toFixed(0);
  say(
    `${ops.padEnd(10)} ${sorted.length} times: half within ${at(0.5)} ms, nine of ten within ${at(0.9)} ms, the fastest ${at(0)} ms`,
  );
}
say(`heights ${nodes.map(({ height }) => height).join(' ')}`);
if (values.folder === undefined) rmSync(folder, { recursive: true });
