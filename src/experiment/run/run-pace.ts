/**
 * Timings that this machine can keep. All members of a run share one thread of one machine, where each message to all
 * costs as many deliveries as there are pairs: what suits four hospitals holds sixteen up for ever. What one delivery
 * costs is measured when the run starts, so that a slow or busy machine gets longer timings.
 */
import { utf8 } from '../../base/index.ts';
import type { RunSettings } from '../../config/index.ts';
import { generateEd25519, verifyRaw } from '../../crypto/index.ts';

/** The timings of peers and consensus, from settings. */
export type Timings = Pick<RunSettings, 'consensus' | 'peer'>;

/** Share of the thread that heartbeats may take. */
const heartbeatShareMax = 0.2;
/** Messages to all that decide a height: proposal, vote, finalisation; each twice on a bad day, and a reserve of two. */
const deliveriesOfViewCount = 12;
/**
 * A delivery against a signature's check: signed by its author for gossip and for consensus, checked for both,
 * framed, encrypted and opened again. Profiled with 16 members: signatures are about an eighth of it.
 */
const checksOfDelivery = 8;
/** Enough for a clock of whole milliseconds. */
const checksOfTry = 50;

/**
 * `settings` with peer.tickMs, consensus.viewTimeoutMs, consensus.resendMs and what hangs on them raised to what
 * `deliveryMs` allows; never lowered.
 */
export function pacedTimings<T extends Timings>(
  settings: T,
  memberCount: number,
  deliveryMs: number,
): T {
  const { consensus, peer } = settings;
  const toAllMs = memberCount * (memberCount - 1) * deliveryMs;
  const atLeast = (value: number, floorMs: number, most: number): number =>
    Math.max(value, Math.min(most, Math.ceil(floorMs)));
  const tickMs = atLeast(peer.tickMs, toAllMs / heartbeatShareMax, 60_000);
  const resendMs = atLeast(consensus.resendMs, toAllMs / heartbeatShareMax, 60_000);
  const viewTimeoutMs = atLeast(consensus.viewTimeoutMs, toAllMs * deliveriesOfViewCount, 600_000);
  return {
    ...settings,
    consensus: {
      ...consensus,
      resendMs,
      resendMsMax: Math.max(consensus.resendMsMax, resendMs),
      viewTimeoutMs,
      viewTimeoutMsMax: Math.max(consensus.viewTimeoutMsMax, viewTimeoutMs),
    },
    // Ten heartbeats may be lost before a member counts as silent.
    peer: { ...peer, tickMs, silenceMs: Math.max(peer.silenceMs, 10 * tickMs) },
  };
}

/** How many times as long things take here as the settings asked for: 1 where the machine keeps them. */
export function stretchOf(from: Timings, to: Timings): number {
  return to.consensus.viewTimeoutMs / from.consensus.viewTimeoutMs;
}

/** What changed, a clause for each timing; empty when all are as they were. */
export function changedTimings(from: Timings, to: Timings): string[] {
  const changed = <K extends string>(
    room: string,
    before: Readonly<Record<K, number>>,
    after: Readonly<Record<K, number>>,
    keys: readonly K[],
  ): string[] =>
    keys.flatMap((key) =>
      before[key] === after[key] ? [] : [`${room}.${key} ${before[key]} → ${after[key]}`],
    );
  return [
    ...changed('consensus', from.consensus, to.consensus, ['viewTimeoutMs', 'resendMs']),
    ...changed('peer', from.peer, to.peer, ['tickMs', 'silenceMs']),
  ];
}

/** Milliseconds that one delivery of a message costs here and now: the middle of five tries. */
export function measureDeliveryMs(nowMs: () => number): number {
  const key = generateEd25519();
  const message = utf8('annulus/pace');
  const signature = key.signRaw(message);
  const tries = Array.from({ length: 5 }, () => {
    const beforeMs = nowMs();
    for (let count = 0; count < checksOfTry; count++) {
      verifyRaw(key.publicKey, message, signature);
    }
    return (nowMs() - beforeMs) / checksOfTry;
  }).sort((a, b) => a - b);
  return (tries[2] ?? 0) * checksOfDelivery;
}
