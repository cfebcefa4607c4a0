/**
 * yamux with two of its habits changed.
 *
 * Its streams open in a microtask of their own. When the connection has closed by then yamux throws where nobody can
 * catch, and the process ends: any member could end another's node by hanging up at the right moment. Here the stream is
 * aborted instead, and who asked for it hears of that.
 *
 * It answers each frame of data with a window update, so that small messages cost two frames, two encryptions and two writes to
 * a socket. Here an update waits until half of the window is used, as in yamux for Go.
 */
import { yamux, type YamuxMuxerInit } from '@libp2p/yamux';
import { invariant } from '../base/index.ts';

/** The part of a yamux stream that is changed, private to it. */
interface Stream {
  readonly state: number;
  /** Bytes that the other side may send ahead in all, and how many of them it still may. */
  readonly recvWindow: number;
  readonly recvWindowCapacity: number;
  sendWindowUpdate: () => void;
  abort: (error: Error) => void;
}

/** yamux' number for a stream that both sides have opened and nobody has paused. */
const established = 3;

/** As `yamux`. */
export function guardedYamux(init: YamuxMuxerInit): ReturnType<typeof yamux> {
  const make = yamux(init);
  return () => {
    const factory = make();
    const create = factory.createStreamMuxer.bind(factory);
    factory.createStreamMuxer = (connection) => {
      const muxer = create(connection);
      const inner = muxer as unknown as { _newStream?: (...facts: unknown[]) => Stream };
      const open = inner._newStream?.bind(muxer);
      invariant(open !== undefined, 'yamux 8 makes all its streams by _newStream');
      inner._newStream = (...facts): Stream => guarded(open(...facts));
      return muxer;
    };
    return factory;
  };
}

function guarded(stream: Stream): Stream {
  const send = stream.sendWindowUpdate.bind(stream);
  stream.sendWindowUpdate = (): void => {
    const { state, recvWindow, recvWindowCapacity } = stream;
    if (state === established && 2 * recvWindowCapacity > recvWindow) return;
    try {
      send();
    } catch (error) {
      stream.abort(error instanceof Error ? error : new Error('the stream was not opened'));
    }
  };
  return stream;
}
