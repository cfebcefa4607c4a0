/**
 * A test network for hours: memory, descriptors and disk of every node each minute, and what they grow by in an hour at the end.
 * The first fifth is left out of the growth: caches and compiled code fill in it. Memory is what the process has of the machine,
 * garbage and all; every quarter of an hour all threads collect theirs, and what they still hold then is said beside it: only that
 * shows whether something piles up.
 *
 *   npm run build && node --disable-warning=ExperimentalWarning bench/node/soak.ts [--minutes 180] [--nodes 4] [--folder DIR]
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { writeTestnet } from '../../src/daemon/index.ts';
import { ended, say, smokeOf, startNode, statusOf, type BenchNode } from './bench-nodes.ts';
import { liveFlags, liveMemoryOf, type LiveMemory } from './live-memory.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '180' },
    nodes: { type: 'string', default: '4' },
    folder: { type: 'string' },
  },
});
const minutes = Number(values.minutes);
const folder = values.folder ?? mkdtempSync(join(tmpdir(), 'annulus-soak-'));

/** A node at one moment. */
interface Sample {
  readonly minute: number;
  readonly memoryMib: number;
  readonly descriptors: number;
  readonly threads: number;
  /** Everything in its home. */
  readonly diskMib: number;
  /** Of it models and updates, which housekeeping bounds; the rest is keys, log and state. */
  readonly bulkMib: number;
  readonly height: number;
}

/** What a node's threads held after a collection. */
interface Held {
  readonly height: number;
  readonly live: LiveMemory;
}

/** Minutes between two collections. */
const collectEvery = 15;

function folderBytes(place: string): number {
  let bytes = 0;
  for (const entry of readdirSync(place, { withFileTypes: true, recursive: true })) {
    try {
      if (entry.isFile()) bytes += statSync(join(entry.parentPath, entry.name)).size;
    } catch {
      // Deleted between the two looks.
    }
  }
  return bytes;
}

/** Null when the process has ended. */
function sampleOf(node: BenchNode, minute: number): Sample | null {
  const { child } = node;
  if (child?.pid === undefined || child.exitCode !== null) return null;
  const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
  const numberOf = (key: string): number =>
    Number(new RegExp(`^${key}:\\s+(\\d+)`, 'm').exec(status)?.[1]);
  const mib = (bytes: number): number => bytes / 2 ** 20;
  return {
    minute,
    memoryMib: numberOf('VmRSS') / 1024,
    descriptors: readdirSync(`/proc/${child.pid}/fd`).length,
    threads: numberOf('Threads'),
    diskMib: mib(folderBytes(node.home)),
    bulkMib: mib(folderBytes(join(node.home, 'node', 'blobs'))),
    height: node.height,
  };
}

/** Has all nodes collect their garbage, and says what is left. */
async function collect(): Promise<void> {
  for (const [at, node] of nodes.entries()) {
    const { child, height, id } = node;
    const live = child === null ? null : await liveMemoryOf(child, node.home);
    if (live === null) continue;
    held[at]?.push({ height, live });
    say(`  ${id} after a collection: ${liveText(live)}`);
  }
}

function liveText({ rss, threads }: LiveMemory): string {
  const mib = (bytes: number): string => (bytes / 2 ** 20).toFixed(1);
  const parts = threads.map(
    ({ thread, heap, external }) => `thread ${thread} ${mib(heap)} + ${mib(external)}`,
  );
  return `${mib(rss)} MiB of the machine; live heap + what lies outside it: ${parts.join(', ')}`;
}

/** Bytes a height by which the network thread's live heap grew between the first collection and the last. */
function liveGrowth(list: readonly Held[]): string {
  const [first, last] = [list[0], list.at(-1)];
  const heapOf = ({ live }: Held): number => live.threads[0]?.heap ?? NaN;
  if (first === undefined || last === undefined || last.height === first.height) return 'not known';
  return ((heapOf(last) - heapOf(first)) / (last.height - first.height)).toFixed(0);
}

/** Slope of a line through the samples by least squares, per hour. */
function growthPerHour(samples: readonly Sample[], of: (sample: Sample) => number): number {
  const meanOf = (numbers: readonly number[]): number =>
    numbers.reduce((sum, one) => sum + one, 0) / numbers.length;
  const x = meanOf(samples.map(({ minute }) => minute));
  const y = meanOf(samples.map(of));
  const products = samples.map((sample) => (sample.minute - x) * (of(sample) - y));
  const squares = samples.map(({ minute }) => (minute - x) ** 2);
  return (60 * meanOf(products)) / meanOf(squares);
}

const nodes: BenchNode[] = (
  await writeTestnet({
    ...{ folder, count: Number(values.nodes), settings: smokeOf(100_000), workers: 1 },
    nowMs: Date.now(),
    onCase: () => undefined,
  })
).map((node) => ({ ...node, child: null, height: 0, said: '' }));
const samples = nodes.map((): Sample[] => []);
const held = nodes.map((): Held[] => []);
const problems: string[] = [];
const stop = new AbortController();
process.once('SIGINT', () => { stop.abort(); }); // prettier-ignore
process.once('SIGTERM', () => { stop.abort(); }); // prettier-ignore
say(
  `${cpus()[0]?.model ?? ''}, ${cpus().length} cores, Node ${process.version}; ${nodes.length} nodes, ${minutes} min, ${folder}`,
);
try {
  for (const node of nodes) startNode(node, [], liveFlags(node.home));
  for (let minute = 1; minute <= minutes && !stop.signal.aborted; minute++) {
    await pause(60_000, undefined, { signal: stop.signal }).catch(() => undefined);
    await Promise.all(nodes.map(statusOf));
    for (const [at, node] of nodes.entries()) {
      const sample = sampleOf(node, minute);
      if (sample === null) problems.push(`${node.id} ended in minute ${minute}: ${node.said}`);
      else samples[at]?.push(sample);
    }
    if (problems.length > 0) break;
    if (minute % 5 === 0 || minute === 1) {
      const of = (key: keyof Sample, digits: number): string =>
        samples.map((list) => list.at(-1)?.[key].toFixed(digits)).join(' ');
      say(
        `minute ${minute}: memory ${of('memoryMib', 0)} MiB, descriptors ${of('descriptors', 0)}, threads ${of('threads', 0)}, ` +
          `disk ${of('diskMib', 1)} MiB, of it bulk ${of('bulkMib', 1)}, height ${of('height', 0)}, load ${loadavg()[0]?.toFixed(1) ?? ''}`,
      );
    }
    if (minute % collectEvery === 0) await collect();
  }
} finally {
  for (const { child } of nodes) child?.kill('SIGTERM');
  for (const { child } of nodes) await ended(child);
}
for (const [at, node] of nodes.entries()) {
  const list = (samples[at] ?? []).filter(({ minute }, _, { length }) => minute > length / 5);
  if (list.length < 2) {
    // Nothing grows between fewer than two looks.
    say(`${node.id}: ${samples[at]?.length ?? 0} samples before the end, too few to say what grew`);
    continue;
  }
  const line = (what: string, of: (sample: Sample) => number): string =>
    `${what} ${Math.min(...list.map(of)).toFixed(1)} to ${Math.max(...list.map(of)).toFixed(1)}, ${growthPerHour(list, of).toFixed(2)} an hour`;
  say(
    `${node.id}: ${line('memory MiB', (s) => s.memoryMib)}; ${line('descriptors', (s) => s.descriptors)}; ${line('bulk MiB', (s) => s.bulkMib)}; ` +
      `rest of the disk MiB ${growthPerHour(list, (s) => s.diskMib - s.bulkMib).toFixed(2)} an hour = ` +
      `${((2 ** 20 * growthPerHour(list, (s) => s.diskMib - s.bulkMib)) / growthPerHour(list, (s) => s.height)).toFixed(0)} bytes a height; ` +
      `${node.height} heights; live heap of the network thread ${liveGrowth(held[at] ?? [])} bytes a height`,
  );
}
if (problems.length > 0) say(`PROBLEMS\n${problems.join('\n')}`);
else if (values.folder === undefined) rmSync(folder, { recursive: true });
process.exitCode = problems.length === 0 ? 0 : 1;
