/**
 * Connects the hospitals of one process with each other, a few pairs at a time. Each connection costs two handshakes of this
 * one thread: with some sixteen members, all pairs at once would run out of time together, again and again. Only one node of a
 * pair is told the other's address, since of two calls that cross one is in vain.
 */
import type { Clock, NodeId } from '../../base/index.ts';
import { eachOf } from '../../hospital/index.ts';
import { SimulateError } from './errors.ts';

/** What is needed of a node to connect it. */
export interface ConnectableNode {
  readonly id: NodeId;
  addresses(): readonly string[];
  learnAddresses(other: NodeId, addresses: readonly string[]): void;
  /** Members this node is connected to now. */
  readonly connected: readonly NodeId[];
}

/** How long connecting may take, and who hears of it. */
export interface ConnectOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Connecting fails when no new pair was connected for so long, ms. The whole may take as long as the machine needs. */
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
 * @throws {SimulateError} 'not_connected' saying who misses whom, when no further pair connects
 */
export async function connectAll(
  nodes: readonly ConnectableNode[],
  options: ConnectOptions,
  newcomers: readonly ConnectableNode[] = nodes,
): Promise<void> {
  const { clock, signal, stallMsMax, onPair } = options;
  const pairs = pairsOf(nodes, newcomers);
  let done = 0;
  let movedAtMs = clock.nowMs();
  await eachOf(pairs, pairsAtOnceMax, async ([one, other]) => {
    one.learnAddresses(other.id, other.addresses());
    while (!areConnected(one, other)) {
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
export function missingLinks(
  nodes: readonly Pick<ConnectableNode, 'id' | 'connected'>[],
): string[] {
  return nodes.flatMap(({ id, connected }) => {
    const missed = nodes.filter((other) => other.id !== id && !connected.includes(other.id));
    return missed.length === 0 ? [] : [`${id} misses ${missed.map((one) => one.id).join(' ')}`];
  });
}

function areConnected(one: ConnectableNode, other: ConnectableNode): boolean {
  return one.connected.includes(other.id) && other.connected.includes(one.id);
}

/** Each pair once, in an order in which the same node seldom stands in two pairs that follow each other. */
function pairsOf(
  nodes: readonly ConnectableNode[],
  newcomers: readonly ConnectableNode[],
): [ConnectableNode, ConnectableNode][] {
  const pairs: [ConnectableNode, ConnectableNode][] = [];
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

function notConnected(nodes: readonly ConnectableNode[], waitedMs: number): SimulateError {
  const missing = missingLinks(nodes);
  const shown = missing.slice(0, 4).join(', ');
  const more = missing.length > 4 ? ` and ${missing.length - 4} more` : '';
  return new SimulateError(
    { code: 'not_connected', missing },
    `the hospitals do not all reach each other: ${shown}${more}, nothing new for ${Math.round(waitedMs / 1000)} s. ` +
      'They speak over 127.0.0.1: look for a firewall on it, end other work on this machine, or take fewer hospitals; --resume continues the run',
  );
}
