import { setTimeout as pause } from 'node:timers/promises';
import { defaultLogger } from '@libp2p/logger';
import { multiaddrConnectionPair } from '@libp2p/utils';
import { yamux } from '@libp2p/yamux';
import { expect } from 'chai';
import { guardedYamux } from '../../src/network/guarded-yamux.ts';

describe('a stream that opens while its connection closes', () => {
  /** Errors that nobody caught, when a stream is asked for and the connection is gone before yamux says so. */
  const uncaught = async (make: typeof yamux): Promise<unknown[]> => {
    const [connection] = multiaddrConnectionPair({
      log: defaultLogger().forComponent('test'),
    } as never);
    const muxer = make({})().createStreamMuxer(connection);
    const found: unknown[] = [];
    const others = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    process.on('uncaughtException', (error) => found.push(error));
    try {
      const stream = Promise.resolve(muxer.createStream()).catch((error: unknown) => error);
      void connection.close();
      await pause(20);
      await stream;
    } finally {
      process.removeAllListeners('uncaughtException');
      for (const listener of others) process.on('uncaughtException', listener);
    }
    return found;
  };

  it('ends a process that uses yamux as it is, which is why we do not', async () => {
    expect(await uncaught(yamux)).length(1);
  });

  it('is aborted, and nothing is thrown where nobody can catch it', async () => {
    expect(await uncaught(guardedYamux as typeof yamux)).deep.equal([]);
  });
});

describe('a stream of small messages', () => {
  const count = 600;
  const bytesEach = 1_000;

  /** Frames that the reader sent back until it had all. */
  const answers = async (make: typeof yamux): Promise<number> => {
    const [near, far] = multiaddrConnectionPair({
      log: defaultLogger().forComponent('test'),
    } as never);
    const writer = make({})().createStreamMuxer(near);
    const reader = make({})().createStreamMuxer(far);
    let frames = 0;
    let readBytes = 0;
    reader.addEventListener('stream', ({ detail: stream }) => {
      const inner = stream as unknown as { sendFrame: (...frame: unknown[]) => boolean };
      const send = inner.sendFrame;
      inner.sendFrame = (...frame): boolean => {
        frames += 1;
        return send(...frame);
      };
      stream.addEventListener('message', ({ data }) => {
        readBytes += data.byteLength;
      });
    });
    const stream = await writer.createStream();
    for (let sent = 0; sent < count; sent++) {
      stream.send(new Uint8Array(bytesEach));
      await pause(0);
    }
    while (readBytes < count * bytesEach) await pause(5);
    near.abort(new Error('done'));
    far.abort(new Error('done'));
    return frames;
  };

  it('is answered for each by yamux as it is', async () => {
    expect(await answers(yamux)).least(count / 2);
  });

  it('is answered when half of the window is used: of 256 KiB, once in 128', async () => {
    // Four times in 600 kB, and once when the stream opens.
    expect(await answers(guardedYamux as typeof yamux)).within(2, 5);
  });
});
