/**
 * How the hospitals of one process come to know each other. All at once would be a crowd: each connection costs two
 * handshakes of this one thread, and with some sixteen members they all run out of time together, for ever. So a few
 * pairs at a time, and only one of a pair knows where to call: of two calls that cross one is in vain.
 */
import type { Clock, NodeId } from '../../base/index.ts';
import { eachOf } from '../../hospital/index.ts';
import { SimulateError } from './errors.ts';

/** A node as the meeting sees it. */
export interface Guest {
  readonly id: NodeId;
  addresses(): readonly string[];
  learnAddresses(other: NodeId, addresses: readonly string[]): void;
  /** Members this node is connected to now. */
  readonly connected: readonly NodeId[];
}

/** How long a meeting may take, and who hears of it. */
export interface MeetingOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** No new pair for so long ends the meeting, ms. The whole may take as long as the machine needs. */
  readonly stallMsMax: number;
  /** Called after each pair, with pairs done and pairs in all. */
  readonly onPair: (done: number, total: number) => void;
}

/** Pairs that shake hands at once. */
const pairsAtOnceMax = 6;
const lookMs = 20;

/**
 * Resolves when every one of `nodes` is connected with every other. `newcomers`, if given, are the only ones that
 * call: the others are there already.
 *
 * @throws {SimulateError} 'not_connected' saying who misses whom, when no further pair meets
 */
export async function introduceAll(
  nodes: readonly Guest[],
  options: MeetingOptions,
  newcomers: readonly Guest[] = nodes,
): Promise<void> {
  const { clock, signal, stallMsMax, onPair } = options;
  const pairs = pairsOf(nodes, newcomers);
  let done = 0;
  let movedAtMs = clock.nowMs();
  await eachOf(pairs, pairsAtOnceMax, async ([one, other]) => {
    one.learnAddresses(other.id, other.addresses());
    while (!haveMet(one, other)) {
      if (signal.aborted) return;
      if (clock.nowMs() - movedAtMs > stallMsMax) {
        throw notConnected(nodes, stallMsMax);
      }
      await new Promise<void>((resolve) => {
        clock.setTimer(lookMs, resolve);
      });
    }
    movedAtMs = clock.nowMs();
    done += 1;
    onPair(done, pairs.length);
  });
  // From here on either may call when they lose each other; who knows its own address leaves that to one of the two.
  for (const [one, other] of pairs) {
    one.learnAddresses(one.id, one.addresses());
    other.learnAddresses(other.id, other.addresses());
    other.learnAddresses(one.id, one.addresses());
  }
}

/** Who is not connected, a clause for each: `L3 misses L1 L2`. */
export function missingLinks(nodes: readonly Pick<Guest, 'id' | 'connected'>[]): string[] {
  return nodes.flatMap(({ id, connected }) => {
    const missed = nodes.filter((other) => other.id !== id && !connected.includes(other.id));
    return missed.length === 0 ? [] : [`${id} misses ${missed.map((one) => one.id).join(' ')}`];
  });
}

function haveMet(one: Guest, other: Guest): boolean {
  return one.connected.includes(other.id) && other.connected.includes(one.id);
}

/** Each pair once, in an order in which the same node seldom stands in two pairs that follow each other. */
function pairsOf(nodes: readonly Guest[], newcomers: readonly Guest[]): [Guest, Guest][] {
  const pairs: [Guest, Guest][] = [];
  for (let step = 1; step < nodes.length; step++) {
    for (let at = 0; at + step < nodes.length; at++) {
      const [one, other] = [nodes[at], nodes[at + step]];
      if (one === undefined || other === undefined) continue;
      if (newcomers.includes(one)) pairs.push([one, other]);
      else if (newcomers.includes(other)) pairs.push([other, one]);
    }
  }
  return pairs;
}

function notConnected(nodes: readonly Guest[], waitedMs: number): SimulateError {
  const missing = missingLinks(nodes);
  const shown = missing.slice(0, 4).join(', ');
  const more = missing.length > 4 ? ` and ${missing.length - 4} more` : '';
  return new SimulateError(
    { code: 'not_connected', missing },
    `the hospitals do not all reach each other: ${shown}${more}, nothing new for ${Math.round(waitedMs / 1000)} s. ` +
      'They speak over 127.0.0.1: look for a firewall on it, end other work on this machine, or take fewer hospitals; --resume continues the run',
  );
}
