/**
 * How long a decision takes among processes on loopback: from the proposer's clock, as the block says it, to the moment when a node
 * has it on its disk with its proof, and to the moment when the block lies in the node's log, after which the next height goes on. All
 * nodes are on one machine, so it is one clock.
 * Each `--with` is a network of its own with these settings, one after the other in one run: what is compared, by default training
 * that is as urgent as votes and training that gives way. Before them, the same peers with nothing to train, in rounds without
 * updates, which are decisions alone, and in rounds with them. The first half of each run is left out: a program
 * that has just started is not compiled yet, and slower by far (`bench/network/one-message.ts`).
 *
 *   npm run build && node --disable-warning=ExperimentalWarning bench/node/decisions.ts [--nodes 8] [--seconds 60]
 *     [--with compute.niceness=0 --with compute.niceness=10,network.gossipDegree=1] [--profile DIR]
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { writeTestnet } from '../../src/daemon/index.ts';
import { freePorts } from '../../src/host/index.ts';
import { ended, say, smokeOf, startNode, statusOf, type BenchNode } from './bench-nodes.ts';
import type { BenchPeerOptions } from './bench-peer.ts';

const { values } = parseArgs({
  options: {
    nodes: { type: 'string', default: '8' },
    seconds: { type: 'string', default: '60' },
    with: {
      type: 'string',
      multiple: true,
      default: ['compute.niceness=0', 'compute.niceness=10'],
    },
    /** Where the processor profile of the last node goes: one to be opened in a browser's developer tools. */
    profile: { type: 'string' },
  },
});

/** Milliseconds that the main thread of each process has computed, summed; ticks are 10 ms. */
function networkThreadsMs(nodes: readonly BenchNode[]): number {
  return nodes.reduce((sum, { child }) => {
    if (child?.pid === undefined || child.exitCode !== null) return sum;
    const line = readFileSync(`/proc/${child.pid}/task/${child.pid}/stat`, 'utf8');
    const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
    return sum + 10 * (Number(fields[11]) + Number(fields[12]));
  }, 0);
}

/** Peers that learn nothing, as processes: a round is over as soon as its messages are, or without any at its deadline. */
async function measurePeers(isAuthor: boolean): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'annulus-decisions-'));
  const ports = await freePorts('127.0.0.1', Number(values.nodes));
  const folders = ports.map((_, at) => join(folder, `L${at + 1}`));
  const children = folders.map((home, at) =>
    startPeer({ number: at + 1, ports, folder: home, isAuthor, decidedFile: decidedFileOf(home) }),
  );
  try {
    await pause(Number(values.seconds) * 1000);
  } finally {
    for (const child of children) child.kill('SIGTERM');
    await Promise.all(children.map(ended));
  }
  const what = isAuthor ? 'rounds without training' : 'decisions alone';
  say(`${what}, load ${loadavg()[0]?.toFixed(1) ?? ''}`);
  tell(folders, decided);
  tell(folders, inLog);
  rmSync(folder, { recursive: true });
}

function startPeer(options: BenchPeerOptions): ChildProcess {
  const script = fileURLToPath(new URL('bench-peer.ts', import.meta.url));
  const args = ['--disable-warning=ExperimentalWarning', script, JSON.stringify(options)];
  return spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit'] });
}

async function measure(settings: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'annulus-decisions-'));
  const nodes: BenchNode[] = (
    await writeTestnet({
      ...{ folder, count: Number(values.nodes), settings: smokeOf(100_000), workers: 1 },
      nowMs: Date.now(),
      onCase: () => undefined,
    })
  ).map((node) => ({ ...node, child: null, height: 0, said: '' }));
  const computed = { ms: 0 };
  try {
    const last = nodes.at(-1);
    for (const node of nodes) {
      const isProfiled = values.profile !== undefined && node === last;
      const flags = isProfiled ? ['--cpu-prof', `--cpu-prof-dir=${values.profile ?? ''}`] : [];
      startNode(node, settings.split(','), flags);
    }
    await pause(Number(values.seconds) * 1000);
    await Promise.all(nodes.map(statusOf));
    computed.ms = networkThreadsMs(nodes);
  } finally {
    for (const { child } of nodes) child?.kill('SIGTERM');
    for (const { child } of nodes) await ended(child);
  }
  say(`${settings}, load ${loadavg()[0]?.toFixed(1) ?? ''}`);
  tell(
    nodes.map(({ home }) => join(home, 'node')),
    inLog,
  );
  const heights = Math.max(...nodes.map(({ height }) => height));
  say(
    `heights ${nodes.map(({ height }) => height).join(' ')}; ` +
      `${(computed.ms / nodes.length / heights).toFixed(0)} ms of each network thread for a decision, the start and all else included`,
  );
  rmSync(folder, { recursive: true });
}

/** What was waited for, and when it came at each height of a node, ms since 1970. */
interface Arrival {
  readonly what: string;
  readonly timesMs: (store: string) => (height: number) => number | undefined;
}

const decidedFileOf = (store: string): string => `${store}-decided.json`;
const placeOf = (store: string): string => join(store, 'log', 'decisions');

const decided: Arrival = {
  what: 'decided',
  timesMs: (store) => {
    const text = readFileSync(decidedFileOf(store), 'utf8');
    const times = JSON.parse(text) as Record<string, number>;
    return (height) => times[height];
  },
};

/** When the file got its name: it was written before. */
const inLog: Arrival = {
  what: 'in the log',
  timesMs: (store) => (height) => statSync(join(placeOf(store), `${height}.json`)).ctimeMs,
};

/** By the operations of a block, how long it took at each node. */
function tell(stores: readonly string[], { what, timesMs }: Arrival): void {
  const warmFromMs = Date.now() - 500 * Number(values.seconds);
  const times = new Map<string, number[]>();
  for (const store of stores) {
    const place = placeOf(store);
    const timeMs = timesMs(store);
    // Absent at a node that has not begun, on a machine that is too busy.
    for (const name of existsSync(place) ? readdirSync(place) : []) {
      const { body } = JSON.parse(readFileSync(join(place, name), 'utf8')) as {
        body: { h: number; ts: number; ops: { op: string }[] };
      };
      const ops = body.ops.map(({ op }) => op).join('+');
      const atMs = timeMs(body.h);
      if (body.ts < warmFromMs || atMs === undefined) continue;
      times.set(ops, [...(times.get(ops) ?? []), atMs - body.ts]);
    }
  }
  for (const [ops, list] of [...times, ['all', [...times.values()].flat()] as const]) {
    const sorted = list.toSorted((a, b) => a - b);
    const at = (share: number): string =>
      (sorted[Math.floor(share * (sorted.length - 1))] ?? NaN).toFixed(0);
    say(
      `${what}, ${ops}: ${sorted.length} times: half within ${at(0.5)} ms, nine of ten within ${at(0.9)} ms, the fastest ${at(0)} ms`,
    );
  }
}

say(`${cpus()[0]?.model ?? ''}, ${cpus().length} cores, Node ${process.version}`);
for (const isAuthor of [false, true]) await measurePeers(isAuthor);
for (const settings of values.with) await measure(settings);
