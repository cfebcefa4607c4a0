/**
 * Gossipsub keeps one pair of streams a peer, on whichever connection is known first, and forgets the peer when a stream
 * of it breaks: of two connections of a pair, closing one breaks gossip on the other. Here it hears of a connection, and
 * of streams on it, only after the hello; and of two connections only one has a hello.
 */
import type { GossipSub } from '@libp2p/gossipsub';
import type { Connection, PeerId, Stream } from '@libp2p/interface';
import { invariant } from '../base/index.ts';
import { NodeError } from './errors.ts';

/** The two ways by which gossipsub learns of a peer; it binds both when it starts. */
interface Entrances {
  onPeerConnected?: (peer: PeerId, connection: Connection) => void;
  onIncomingStream?: (stream: Stream, connection: Connection) => void;
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
      else stream.abort(new NodeError({ code: 'stream_cut' }));
    });
  };
}
