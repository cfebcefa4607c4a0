/** One fetch from one member: the port's errors around the bulk protocol. */
import type { Stream } from '@libp2p/interface';
import type { Digest, NodeId } from '../base/index.ts';
import { TransportError, type FetchOptions, type TransportErrorFacts } from '../wire/index.ts';
import { NetworkError } from './errors.ts';
import type { NetworkSettings } from './settings.ts';
import { openTransfer, transferStatus, type OpenTransfer } from './update-protocol.ts';

/**
 * Streams a blob, or a part of it, over a stream that `open` opens.
 *
 * @throws {TransportError} 'unreachable', 'not_found', 'too_large' or 'interrupted', with a `NetworkError` as its
 * cause where there is more to say.
 */
export async function* fetchBlob(
  from: NodeId,
  open: () => Promise<Stream>,
  digest: Digest,
  options: FetchOptions,
  settings: NetworkSettings,
): AsyncGenerator<Uint8Array, void, undefined> {
  const fail = (facts: TransportErrorFacts, cause?: unknown): TransportError =>
    new TransportError(facts, `fetch from ${from}: ${facts.code}`, { cause });
  const cancelled = (): TransportError =>
    fail({ code: 'interrupted', peer: from }, new NetworkError({ code: 'cancelled' }));
  const isCancelled = (): boolean => options.signal?.aborted === true;
  if (isCancelled()) throw cancelled();
  let stream: Stream;
  try {
    stream = await open();
  } catch (error) {
    throw fail({ code: 'unreachable', peer: from }, error);
  }
  const onAbort = (): void => {
    stream.abort(new NetworkError({ code: 'cancelled' }));
  };
  options.signal?.addEventListener('abort', onAbort);
  try {
    if (isCancelled()) throw cancelled();
    const transfer = await openTransfer(stream, { digest, ...options }, settings);
    const refused = refusal(from, options, transfer);
    if (refused !== null) throw fail(...refused);
    yield* transfer.chunks();
  } catch (error) {
    if (isCancelled()) throw cancelled();
    throw error instanceof TransportError
      ? error
      : fail({ code: 'interrupted', peer: from }, error);
  } finally {
    options.signal?.removeEventListener('abort', onAbort);
    if (stream.status === 'open') stream.abort(new NetworkError({ code: 'stream_cut' }));
  }
}

/** Why the head of an answer ends a fetch; `null` when its bytes may come. */
function refusal(
  peer: NodeId,
  { offset, maxBytes }: FetchOptions,
  { status, totalBytes, bytesAhead }: OpenTransfer,
): [TransportErrorFacts, NetworkError?] | null {
  switch (status) {
    case transferStatus.ok:
      return bytesAhead <= maxBytes ? null : [{ code: 'too_large', peer, maxBytes }];
    case transferStatus.notHeld:
      return [{ code: 'not_found', peer }];
    case transferStatus.badRange: {
      const cause = new NetworkError({ code: 'blob_range', offset, totalBytes });
      return [{ code: 'not_found', peer }, cause];
    }
    case transferStatus.busy:
      return [{ code: 'interrupted', peer }, new NetworkError({ code: 'busy' })];
    default: {
      const cause = new NetworkError({ code: 'protocol_broken', expected: 'a status from 0 to 3' });
      return [{ code: 'interrupted', peer }, cause];
    }
  }
}
