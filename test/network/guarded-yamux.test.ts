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
