/**
 * Gossipsub keeps one pair of streams a peer, on whichever connection is known first, and forgets the peer when a stream
 * of it breaks: of two connections of a pair, closing one breaks gossip on the other. Here it hears of a connection, and
 * of streams on it, only after the hello; and of two connections only one has a hello.
 */
import type { GossipSub } from '@libp2p/gossipsub';
import type { Connection, PeerId, Stream } from '@libp2p/interface';
import { invariant, type Digest } from '../base/index.ts';
import { topics } from '../wire/index.ts';
import { NetworkError } from './errors.ts';
import { gossipTopic } from './protocol-ids.ts';

/** The two ways by which gossipsub learns of a peer; it binds both when it starts. */
interface Entrances {
  onPeerConnected?: (peer: PeerId, connection: Connection) => void;
  onIncomingStream?: (stream: Stream, connection: Connection) => void;
}

/** Who hears us, as things are now: is subscribed to every topic, and we have a stream to it. By peer id as text. */
export function hearers(gossip: GossipSub, consortium: Digest): (peer: string) => boolean {
  const { streamsOutbound } = gossip as unknown as { streamsOutbound?: Map<string, unknown> };
  const subscribed = topics.map(
    (topic) => new Set(gossip.getSubscribers(gossipTopic(consortium, topic)).map(String)),
  );
  return (peer) => subscribed.every((set) => set.has(peer)) && streamsOutbound?.has(peer) !== false;
}

/** Wraps `gossip`, which has not started; `welcomed` resolves to whether hello was said on a connection. */
export function gateGossip(
  gossip: GossipSub,
  welcomed: (connection: Connection) => Promise<boolean>,
): void {
  const inner = gossip as unknown as Entrances;
  const connected = inner.onPeerConnected?.bind(gossip);
  const incoming = inner.onIncomingStream?.bind(gossip);
  invariant(
    connected !== undefined && incoming !== undefined,
    'gossipsub 17 learns of peers by onPeerConnected and onIncomingStream',
  );
  inner.onPeerConnected = (peer, connection): void => {
    void welcomed(connection).then((isWelcome) => {
      if (isWelcome) connected(peer, connection);
    });
  };
  inner.onIncomingStream = (stream, connection): void => {
    void welcomed(connection).then((isWelcome) => {
      if (isWelcome) incoming(stream, connection);
      else stream.abort(new NetworkError({ code: 'stream_cut' }));
    });
  };
}
