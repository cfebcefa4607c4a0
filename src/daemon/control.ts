/** What commands on this machine may ask a running node: docs/running-a-node.md. Changes are `stop` and `submit` alone. */
import { join, resolve } from 'node:path';
import { statusOf, type NodeView, type StatusFeed } from '../dashboard/index.ts';
import type { NodeFile } from '../config/index.ts';
import type { ControlAnswer, ControlHandler, ControlRequest } from '../host/index.ts';
import type { AskedMembers } from '../node/index.ts';
import type { Submission } from '../peer/index.ts';
import type { OwnData } from './own-data.ts';

/** The node behind the socket. */
export interface Controlled {
  readonly feed: StatusFeed;
  readonly ownData: OwnData | null;
  /** Hands in a signed version of the manifest. @param isDespiteQuorum of a restart: though a quorum is connected */
  submit(bytes: Uint8Array, isDespiteQuorum: boolean): Promise<Submission>;
  stop(): void;
  /** Tries all members. */
  probe(): Promise<AskedMembers>;
}

/** Longest time that one question waits; whoever waits longer asks again. */
const waitMsMax = 25_000;

/** Where the socket of a home is. */
export function controlSocketOf(home: string, { control }: Pick<NodeFile, 'control'>): string {
  return control.socket === '' ? join(home, 'control.sock') : resolve(home, control.socket);
}

/** Answers the commands. */
export function controlHandler(node: Controlled): ControlHandler {
  let probing: Promise<AskedMembers> | null = null;
  const routes: Readonly<
    Record<string, (asked: ControlRequest) => ControlAnswer | Promise<ControlAnswer>>
  > = {
    'GET /status': () => ok(statusOf(node.feed.view, true)),
    'GET /cases': () => ok(node.ownData),
    // One at a time, however many ask: it sends a megabyte to and fro with each member.
    'GET /probe': async () => {
      probing ??= node.probe().finally(() => {
        probing = null;
      });
      return ok(await probing);
    },
    'GET /wait': (asked) => wait(node.feed, asked),
    'POST /submit': async ({ body, query }) =>
      ok(await node.submit(body, query.get('despite-quorum') === '1')),
    'POST /stop': () => {
      // After the answer is on its way.
      setImmediate(() => {
        node.stop();
      });
      return ok({ stopping: true });
    },
  };
  return async (asked) => {
    const route = routes[`${asked.method} ${asked.path}`];
    if (route === undefined) {
      return {
        status: 404,
        body: { error: `this node answers ${Object.keys(routes).join(', ')}` },
      };
    }
    return route(asked);
  };
}

/** What is waited for: a round that has ended, a height, or the end of the plan. */
interface Goal {
  readonly round: number | null;
  readonly height: number | null;
  readonly isDone: boolean;
}

/** Whether `view` has come so far. */
function isReached(view: NodeView, { round, height, isDone }: Goal): boolean {
  if (round !== null && (view.rounds.at(-1)?.round ?? 0) < round) return false;
  if (height !== null && view.height < height) return false;
  return !isDone || view.isDone;
}

async function wait(feed: StatusFeed, { query, signal }: ControlRequest): Promise<ControlAnswer> {
  const numberOf = (key: string): number | null => {
    const text = query.get(key);
    return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : null;
  };
  const goal = {
    ...{ round: numberOf('round'), height: numberOf('height') },
    isDone: query.get('done') === '1',
  };
  if (goal.round === null && goal.height === null && !goal.isDone) {
    return { status: 400, body: { error: 'expected round=N, height=N or done=1' } };
  }
  const forMs = Math.min(waitMsMax, numberOf('ms') ?? waitMsMax);
  const reached = await untilView(feed, (view) => isReached(view, goal), forMs, signal);
  return ok({ reached, status: statusOf(feed.view, true) });
}

/** Whether the view came to be so before the asker left or the time was over. */
async function untilView(
  feed: StatusFeed,
  is: (view: NodeView) => boolean,
  forMs: number,
  signal: AbortSignal,
): Promise<boolean> {
  if (is(feed.view)) return true;
  return new Promise<boolean>((resolve) => {
    const timeout = AbortSignal.timeout(forMs);
    const end = (reached: boolean): void => {
      stopListening();
      signal.removeEventListener('abort', giveUp);
      timeout.removeEventListener('abort', giveUp);
      resolve(reached);
    };
    const giveUp = (): void => {
      end(false);
    };
    const stopListening = feed.onView((view) => {
      if (is(view)) end(true);
    });
    signal.addEventListener('abort', giveUp);
    timeout.addEventListener('abort', giveUp);
  });
}

function ok(body: unknown): ControlAnswer {
  return { status: 200, body };
}
