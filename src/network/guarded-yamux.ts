/**
 * yamux, whose streams open in a microtask of their own. When the connection has closed by then yamux throws where nobody can
 * catch, and the process ends: any member could end another's node by hanging up at the right moment. Here the stream is
 * aborted instead, and who asked for it hears of that.
 */
import { yamux, type YamuxMuxerInit } from '@libp2p/yamux';

/** As `yamux`. */
export function guardedYamux(init: YamuxMuxerInit): ReturnType<typeof yamux> {
  const make = yamux(init);
  return () => {
    const factory = make();
    const create = factory.createStreamMuxer.bind(factory);
    factory.createStreamMuxer = (connection) => {
      const muxer = create(connection);
      const open = muxer.onCreateStream.bind(muxer);
      muxer.onCreateStream = () => {
        const stream = open();
        const send = stream.sendWindowUpdate.bind(stream);
        stream.sendWindowUpdate = () => {
          try {
            send();
          } catch (error) {
            stream.abort(error instanceof Error ? error : new Error('the stream was not opened'));
          }
        };
        return stream;
      };
      return muxer;
    };
    return factory;
  };
}
