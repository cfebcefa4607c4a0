/**
 * libp2p's ping, answered by ourselves: its own answer echoes as much as it gets for ten seconds, on nobody's account.
 * The connection monitor of libp2p asks, with 32 bytes on a fresh stream.
 */
import type { Stream } from '@libp2p/interface';
import { concatBytes } from '../base/index.ts';
import { BoundedReader } from './bounded-reader.ts';
import { NetworkError } from './errors.ts';

/** What one ping has. */
export const pingBytes = 32;

/**
 * Sends the 32 bytes of one ping back.
 * @throws {NetworkError} 'protocol_broken' for more, 'stream_cut' for fewer (the other may be about to leave), 'stalled' when
 * nothing comes for `idleMs`
 */
export async function answerPing(stream: Stream, idleMs: number): Promise<void> {
  const reader = new BoundedReader(stream, { highWaterBytes: pingBytes, idleMs });
  let heard: Uint8Array = new Uint8Array(0);
  let isAnswered = false;
  for await (const chunk of reader) {
    heard = concatBytes(heard, chunk);
    if (heard.byteLength > pingBytes) {
      throw new NetworkError({ code: 'protocol_broken', expected: 'one ping of 32 bytes' });
    }
    if (heard.byteLength === pingBytes && !isAnswered) {
      isAnswered = true;
      stream.send(heard);
    }
  }
  if (!isAnswered) throw new NetworkError({ code: 'stream_cut' });
  await stream.close({ signal: AbortSignal.timeout(idleMs) });
}
