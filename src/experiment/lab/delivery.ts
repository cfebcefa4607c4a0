/**
 * One exchange over the network in virtual time: who hears whom in time, and when each is ready for what comes next. Nobody
 * waits for all: a node waits for those it is to hear, each at its own pace, and no longer than the timeout.
 */
import type { MixingGraph } from '../../gossip/index.ts';
import { isGone } from './presence.ts';
import type { LabWorld } from './world.ts';

/** Of each message beside its numbers: who, which round, digest and signature. */
export const headerBytes = 200;

/** Carries messages of `bytes` each along the graph; gives, for each link in the graph's order, whether it was in time. */
export function deliver(
  world: LabWorld,
  graph: MixingGraph,
  { round, step }: { readonly round: number; readonly step: number },
  bytes: (from: number) => number,
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
      const size = bytes(from) + headerBytes;
      const leftMs = (uploadMs[from] as number) + links.sendMs(from, to, size);
      uploadMs[from] = leftMs;
      sentBytes[from] = (sentBytes[from] as number) + size;
      messages[from] = (messages[from] as number) + 1;
      const arrivedMs = leftMs + links.delayMs(from, to);
      const isLost = links.isLost(from, to, round, step) || !isThere;
      const isLate = !isLost && arrivedMs > deadlineMs;
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
