/** Keeps a supervisor of services informed: ready at once, one line when something changes, a sign of life in time. */
import type { Clock } from '../base/index.ts';
import { statusOf, type NodeView, type StatusFeed } from '../dashboard/index.ts';
import type { ServiceNotify } from '../host/index.ts';

/** What the node is doing, in one line. */
export function stateLine(view: NodeView): string {
  const { round, isDone, height, members, identity } = view;
  const others = members.filter(({ id }) => id !== identity?.self);
  const connected = others.filter(({ link }) => link?.state === 'connected').length;
  const what =
    round !== null
      ? `round ${round.round} of ${round.stage}`
      : isDone
        ? 'the plan is carried out; serving what others may need'
        : 'between two rounds';
  return `${what}, height ${height}, ${connected} of ${others.length} members connected`;
}

/** @returns ends it */
export function superviseBy(notify: ServiceNotify, feed: StatusFeed, clock: Clock): () => void {
  let said = stateLine(feed.view);
  notify.ready(said);
  const { watchdogMs } = notify;
  // Half of it, as sd_watchdog_enabled(3) advises; without a watchdog the line alone.
  const everyMs = watchdogMs === null ? 10_000 : Math.min(10_000, watchdogMs / 2);
  let cancel = (): void => undefined;
  const tick = (): void => {
    // A node that knows of an error of its own lets the supervisor restart it.
    if (watchdogMs !== null && statusOf(feed.view, false).health.isHealthy) notify.alive();
    const line = stateLine(feed.view);
    if (line !== said) notify.status(line);
    said = line;
    cancel = clock.setTimer(everyMs, tick);
  };
  cancel = clock.setTimer(everyMs, tick);
  return () => {
    cancel();
  };
}
