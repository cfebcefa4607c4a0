/**
 * Gossipsub handles all frames that one read of a socket brought before the event loop gets its turn: hundreds of small
 * ones, each with a signature to check, before any limit of ours. Here each neighbour's frames are handled one after the
 * other, and the event loop gets its turn after some milliseconds of work by the price list. What waits fills the
 * neighbour's stream, which is reset when it is full.
 */
import type { GossipSub } from '@libp2p/gossipsub';
import type { PeerId } from '@libp2p/interface';
import { invariant } from '../base/index.ts';
import { prices } from './sender-account.ts';

/** Work before the event loop has its turn, ms. */
const turnMs = 2;

/** The part of a frame that costs. */
interface Frame {
  readonly messages?: readonly { readonly data?: Uint8Array }[];
}

type Handle = (neighbour: PeerId, frame: Frame) => Promise<void>;

/** Wraps the handler of `gossip`; `isWanted` says whether a neighbour is listened to at all. */
export function takeTurns(gossip: GossipSub, isWanted: (neighbour: PeerId) => boolean): void {
  const inner = gossip as unknown as { handleReceivedRpc?: Handle };
  const handle = inner.handleReceivedRpc?.bind(gossip);
  invariant(handle !== undefined, 'gossipsub 17 hands every frame to handleReceivedRpc');
  let workMs = 0;
  inner.handleReceivedRpc = async (neighbour, frame): Promise<void> => {
    if (!isWanted(neighbour)) return;
    workMs += priceOf(frame);
    if (workMs >= turnMs) {
      workMs = 0;
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
    await handle(neighbour, frame);
  };
}

function priceOf({ messages = [] }: Frame): number {
  return messages.reduce(
    (sum, { data }) =>
      sum + prices.message + prices.signature + ((data?.byteLength ?? 0) / 1024) * prices.kib,
    prices.message,
  );
}
