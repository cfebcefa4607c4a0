/** Who takes part in a round: machines go away for hours and come back, or leave for good. */
import type { LabWorld } from './world.ts';

/** Settles who is there at the beginning of `round`, by what each node's clock says. */
export function settlePresence(
  { settings, sites, present, readyMs, backMs }: LabWorld,
  round: number,
): void {
  for (let node = 0; node < present.length; node++) {
    const now = readyMs[node] as number;
    if (sites.absentFrom[node] === round) backMs[node] = now + settings.sites.absentMs;
    const isGone = (sites.goneFrom[node] as number) <= round;
    present[node] = !isGone && (backMs[node] as number) <= now ? 1 : 0;
  }
}

/** Whether a node left for good: nobody waits for it any more. */
export function isGone({ sites }: LabWorld, node: number, round: number): boolean {
  return (sites.goneFrom[node] as number) <= round;
}

/** Clocks of those that sat the round out go with the latest of the others; alone, with the first who comes back. */
export function passTime({ present, readyMs, backMs }: LabWorld): void {
  let latest = 0;
  let firstBack = Infinity;
  for (let node = 0; node < present.length; node++) {
    if (present[node] === 1) latest = Math.max(latest, readyMs[node] as number);
    else if ((backMs[node] as number) > (readyMs[node] as number)) {
      firstBack = Math.min(firstBack, backMs[node] as number);
    }
  }
  const isAnybody = present.includes(1);
  for (let node = 0; node < present.length; node++) {
    if (present[node] === 1) continue;
    const until = isAnybody ? latest : firstBack === Infinity ? 0 : firstBack;
    readyMs[node] = Math.max(readyMs[node] as number, until);
  }
}
