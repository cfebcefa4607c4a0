/**
 * Writes to a libp2p stream no faster than it drains. `stream.onDrain()` resolves at once after the first
 * drain, so a sender trusting it buffers the whole blob: wait for the event instead.
 */
import type { Stream } from '@libp2p/interface';
import { NetworkError } from './errors.ts';

/**
 * Sends `chunk`, then waits until the stream wants more.
 *
 * @throws {NetworkError} 'stalled' when the other side reads nothing for `idleMs`, 'stream_cut' when it left.
 */
export async function writeDrained(
  stream: Stream,
  chunk: Parameters<Stream['send']>[0],
  idleMs: number,
): Promise<void> {
  if (stream.writeStatus !== 'writable') throw new NetworkError({ code: 'stream_cut' });
  if (stream.send(chunk)) return;
  while (stream.writableNeedsDrain) {
    await oneDrain(stream, idleMs);
    // The stream sends what it buffered in a microtask after `drain`; only then is it known to be empty.
    await Promise.resolve();
    await Promise.resolve();
  }
}

async function oneDrain(stream: Stream, idleMs: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const finish = (error: Error | null): void => {
      clearTimeout(timer);
      stream.removeEventListener('drain', onDrain);
      stream.removeEventListener('close', onClose);
      if (error === null) resolve();
      else reject(error);
    };
    const onDrain = (): void => {
      finish(null);
    };
    const onClose = (): void => {
      finish(new NetworkError({ code: 'stream_cut' }));
    };
    const timer = setTimeout(() => {
      finish(new NetworkError({ code: 'stalled', waitedMs: idleMs }));
    }, idleMs);
    stream.addEventListener('drain', onDrain);
    stream.addEventListener('close', onClose);
  });
}
