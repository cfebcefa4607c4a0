/**
 * One exchange over the network in virtual time: who hears whom in time, and when each is ready for what comes next. Nobody
 * waits for all: a node waits for those it is to hear, each at its own pace, and no longer than the timeout.
 */
import type { MixingGraph } from '../../gossip/index.ts';
import { isGone } from './presence.ts';
import type { LabWorld } from './world.ts';

/** Of each message beside its numbers: who, which round, digest and signature. */
export const headerBytes = 200;

/** A link that loses so many in a row carries nothing. */
const resendsMax = 64;

/** Which exchange of which round: rounds from 1, steps from 0. */
export interface Exchange {
  readonly round: number;
  readonly step: number;
}

/** What is carried. */
export interface Freight {
  /** Bytes of each node's message, without its header. */
  readonly sizes: readonly number[];
  /** What is lost is sent again until it comes, and all wait for it; else it is given up. */
  readonly isReliable: boolean;
}

/** Carries messages along the graph; gives, for each link in the graph's order, whether it was in time. */
export function deliver(
  world: LabWorld,
  graph: MixingGraph,
  { round, step }: Exchange,
  { sizes, isReliable }: Freight,
): Uint8Array[] {
  const { settings, present, readyMs, counters, links } = world;
  const { sentBytes, messages, lost, late } = counters;
  const uploadMs = readyMs.slice();
  const next = readyMs.slice();
  const heard = graph.incoming.map((incoming, to) => {
    const isThere = present[to] === 1;
    const beganMs = readyMs[to] as number;
    const deadlineMs = beganMs + settings.timeoutMs;
    const inTime = new Uint8Array(incoming.length);
    let latestMs = beganMs;
    incoming.forEach(({ from }, at) => {
      if (from === to) {
        inTime[at] = 1;
        return;
      }
      if (isGone(world, from, round) || isGone(world, to, round)) return;
      if (present[from] !== 1) {
        if (isThere) latestMs = deadlineMs;
        return;
      }
      const size = (sizes[from] as number) + headerBytes;
      let leftMs = (uploadMs[from] as number) + links.sendMs(from, to, size);
      uploadMs[from] = leftMs;
      sentBytes[from] = (sentBytes[from] as number) + size;
      messages[from] = (messages[from] as number) + 1;
      let isLost = links.isLost(from, to, { round, step, attempt: 0 }) || !isThere;
      for (let attempt = 1; isReliable && isLost && attempt <= resendsMax; attempt++) {
        // Its sender learns of a loss when no answer came in a round trip.
        const waitedMs = links.delayMs(from, to) + links.delayMs(to, from);
        leftMs += waitedMs + links.sendMs(from, to, size);
        sentBytes[from] = sentBytes[from] + size;
        messages[from] = messages[from] + 1;
        lost[from] = (lost[from] as number) + 1;
        isLost = links.isLost(from, to, { round, step, attempt });
      }
      const arrivedMs = leftMs + links.delayMs(from, to);
      const isLate = !isReliable && !isLost && arrivedMs > deadlineMs;
      if (isLost) lost[from] = (lost[from] as number) + 1;
      if (isLate) late[from] = (late[from] as number) + 1;
      if (!isLost && !isLate) inTime[at] = 1;
      if (isThere) latestMs = Math.max(latestMs, isLost || isLate ? deadlineMs : arrivedMs);
    });
    if (isThere) next[to] = latestMs;
    return inTime;
  });
  readyMs.set(next);
  return heard;
}
