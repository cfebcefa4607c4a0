/**
 * A home that was restored from a backup: its node says so until it votes. What the others hold of its votes is known to it
 * by then, and it is a node like any other.
 */
import type { Clock } from '../base/index.ts';
import type { NodeFact } from '../dashboard/index.ts';
import { durationText } from '../report/index.ts';
import { restoredAtMs, settleRestored, type HomeFacts } from '../node/index.ts';

/** What is watched, and who hears of it. */
export interface RestoredHome {
  readonly home: HomeFacts;
  readonly clock: Clock;
  /** Whether the node signs votes. */
  readonly isVoter: () => boolean;
  readonly onFact: (fact: NodeFact) => void;
}

const code = 'restored';
const lookEveryMs = 1_000;

/** Begins to watch; does nothing for a home that was never restored. @returns ends it */
export async function watchRestored(options: RestoredHome): Promise<() => void> {
  const { home, clock, isVoter, onFact } = options;
  const restoredMs = await restoredAtMs(home);
  if (restoredMs === null) return () => undefined;
  const ago = durationText(Math.max(0, clock.nowMs() - restoredMs));
  const text = `this home was restored from a backup ${ago} ago: it votes when it has caught up and its votes are known to be its own`;
  const remedy =
    'make sure that the home it was made of runs nowhere; annulus member rotate when in doubt';
  onFact({ kind: 'notice', code, level: 'info', text, remedy, atMs: clock.nowMs() });
  const settle = (): void => {
    onFact({ kind: 'notice-over', code });
    settleRestored(home).catch(() => {
      const words =
        'the mark of a restored home could not be removed: it is said again at the next start';
      const atMs = clock.nowMs();
      onFact({ kind: 'notice', code, level: 'info', text: words, remedy: null, atMs });
    });
  };
  const look = (): void => {
    if (isVoter()) settle();
    else cancel = clock.setTimer(lookEveryMs, look);
  };
  let cancel = clock.setTimer(lookEveryMs, look);
  return () => {
    cancel();
  };
}
