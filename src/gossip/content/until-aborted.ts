/** A fetch that ends when its caller gives it up, whatever the transport does then. */
import type { NodeId } from '../../base/index.ts';
import { TransportError } from '../../wire/index.ts';

/**
 * The bytes of `stream`, which `peer` sends, until `signal` says stop.
 *
 * @throws {TransportError} 'interrupted' then, and whatever the stream throws before
 */
export async function* untilAborted(
  stream: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
  peer: NodeId,
): AsyncGenerator<Uint8Array, void, undefined> {
  const iterator = stream[Symbol.asyncIterator]();
  let onAbort: () => void = () => undefined;
  const aborted = new Promise<null>((resolve) => {
    onAbort = (): void => {
      resolve(null);
    };
    signal.addEventListener('abort', onAbort);
    if (signal.aborted) onAbort();
  });
  try {
    for (;;) {
      const next = await Promise.race([iterator.next(), aborted]);
      if (next === null) {
        throw new TransportError({ code: 'interrupted', peer }, `fetch from ${peer} given up`);
      }
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
    // Not awaited: it may wait for what never comes.
    iterator.return?.().catch(() => undefined);
  }
}
