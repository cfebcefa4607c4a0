/**
 * Faults as data: what goes wrong in a virtual world, when, and for how long. A list of them with the seed is the whole
 * run: it can be written down, repeated, and made shorter while the run still goes wrong (`shrinkFaults`).
 */
import type { NodeId, Random } from '../base/index.ts';
import type { ClockError } from './node-clock.ts';
import type { DiskFaults } from './virtual-disk.ts';
import type { NetworkFaults } from './virtual-network.ts';

/** When a fault begins, in ms from the start of the run, and how long it lasts. */
interface Span {
  readonly atMs: number;
  readonly forMs: number;
}

/** One fault. Numbers are finite, so that a list of faults is JSON. */
export type Fault = Span &
  (
    | {
        /** The power goes and comes back: the node starts over what its disk kept. */
        readonly kind: 'kill';
        readonly node: NodeId;
      }
    | {
        /** The program stands still: timers fire late, and what is sent to it waits or is lost. */
        readonly kind: 'pause';
        readonly node: NodeId;
      }
    | {
        /** Only nodes of one group reach each other. */
        readonly kind: 'partition';
        readonly groups: readonly (readonly NodeId[])[];
      }
    | {
        /** What some send to others is lost, one way. */
        readonly kind: 'cut';
        readonly from: readonly NodeId[];
        readonly to: readonly NodeId[];
      }
    | {
        /** The network of all is worse. */
        readonly kind: 'network';
        readonly faults: Partial<NetworkFaults>;
      }
    | {
        /** A disk is slow, full, or fails; a node that hears an error of its disk stops until this is over. */
        readonly kind: 'disk';
        readonly node: NodeId;
        readonly faults: Partial<DiskFaults>;
      }
    | {
        /** A clock is wrong. */
        readonly kind: 'clock';
        readonly node: NodeId;
        readonly error: ClockError;
      }
    | {
        /** Training takes so many times as long. */
        readonly kind: 'slow';
        readonly node: NodeId;
        readonly factor: number;
      }
  );

/** When all of them are over, ms from the start. */
export function endOf(faults: readonly Fault[]): number {
  return faults.reduce((end, { atMs, forMs }) => Math.max(end, atMs + forMs), 0);
}

/** What may be drawn. */
export interface FaultRange {
  /** Faults begin before this, ms. */
  readonly untilMs: number;
  /** Longest fault, ms. */
  readonly forMsMax: number;
  /** How many at most. */
  readonly countMax: number;
}

/** Some faults by chance, in order of time. Every one ends. */
export function drawFaults(random: Random, nodes: readonly NodeId[], range: FaultRange): Fault[] {
  const count = 1 + random.integer(range.countMax);
  const faults = Array.from({ length: count }, (): Fault => {
    const atMs = random.integer(range.untilMs);
    const forMs = 1 + random.integer(range.forMsMax);
    return { atMs, forMs, ...drawKind(random, nodes) };
  });
  return faults.sort((a, b) => a.atMs - b.atMs);
}

type Kind = Fault extends infer F ? (F extends Span ? Omit<F, keyof Span> : never) : never;

function drawKind(random: Random, nodes: readonly NodeId[]): Kind {
  const node = pick(random, nodes);
  const draws: readonly (() => Kind)[] = [
    () => ({ kind: 'kill', node }),
    () => ({ kind: 'kill', node }),
    () => ({ kind: 'pause', node }),
    () => {
      const side = new Set(nodes.filter(() => random.uniform() < 0.5));
      return {
        kind: 'partition',
        groups: [[...side], nodes.filter((one) => !side.has(one))],
      };
    },
    () => ({ kind: 'cut', from: some(random, nodes), to: some(random, nodes) }),
    () => ({
      kind: 'network',
      faults: {
        latencyMsMax: 50 + random.integer(5_000),
        dropRate: random.integer(50) / 100,
        duplicateRate: random.integer(50) / 100,
        breakRate: random.integer(30) / 100,
      },
    }),
    () => ({ kind: 'network', faults: { bytesPerSecond: 20_000 + random.integer(500_000) } }),
    () => ({ kind: 'disk', node, faults: drawDisk(random) }),
    () => ({
      kind: 'clock',
      node,
      error: {
        skewMs: random.integer(60_000) - 30_000,
        driftPpm: random.integer(100_000) - 50_000,
      },
    }),
    () => ({ kind: 'slow', node, factor: 2 + random.integer(20) }),
  ];
  return pick(random, draws)();
}

function drawDisk(random: Random): Partial<DiskFaults> {
  const draws: readonly Partial<DiskFaults>[] = [
    { writesLeft: random.integer(40) },
    { bytesMax: random.integer(60_000) },
    { writeMs: 1 + random.integer(500) },
  ];
  return pick(random, draws);
}

function some(random: Random, nodes: readonly NodeId[]): NodeId[] {
  const chosen = nodes.filter(() => random.uniform() < 0.4);
  return chosen.length > 0 ? chosen : [pick(random, nodes)];
}

function pick<T>(random: Random, from: readonly T[]): T {
  const one = from[random.integer(from.length)];
  if (one === undefined) throw new RangeError('nothing to choose from');
  return one;
}

/**
 * A shorter list that still makes `fails` true: halves, then quarters, down to single faults are left out as long as the
 * run still goes wrong without them (delta debugging, Zeller and Hildebrandt 2002).
 *
 * @param fails runs the world with these faults; asked at most `runsMax` times
 */
export async function shrinkFaults(
  faults: readonly Fault[],
  fails: (faults: readonly Fault[]) => Promise<boolean>,
  runsMax = 200,
): Promise<readonly Fault[]> {
  let left = [...faults];
  let runs = 0;
  for (let size = Math.ceil(left.length / 2); size >= 1;) {
    let isShorter = false;
    for (let at = 0; at < left.length && runs < runsMax;) {
      const without = [...left.slice(0, at), ...left.slice(at + size)];
      runs += 1;
      if (await fails(without)) {
        left = without;
        isShorter = true;
      } else {
        at += size;
      }
    }
    if (size === 1 && !isShorter) break;
    size = size === 1 ? 1 : Math.ceil(size / 2);
    if (runs >= runsMax) break;
  }
  return left;
}
