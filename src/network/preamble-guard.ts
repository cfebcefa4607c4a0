/**
 * Closes a connection whose first bytes are not those of our own stack. libp2p's protocol negotiation reads
 * a length byte by byte and decodes again after each: a stranger that sends 0xff only would hold the thread
 * for time quadratic in what it sent, before any key is checked. Every node offers exactly multistream-select
 * and Noise, so the first 28 bytes of an inbound connection are known.
 */
import type { MultiaddrConnection } from '@libp2p/interface';
import { concatBytes, utf8 } from '../base/index.ts';
import { NetworkError } from './errors.ts';

/** A raw connection as libp2p's metrics hook shows it: `onData` is what the socket calls. */
export type RawConnection = MultiaddrConnection & { onData?: MultiaddrConnection['push'] };

/** What a dialler says first: two lines, each after its length. */
export const preamble: Uint8Array = concatBytes(line('/multistream/1.0.0\n'), line('/noise\n'));

/** Watches the first bytes of an inbound connection; aborts it at the first wrong one. */
export function guardPreamble(connection: RawConnection): void {
  const onData = connection.onData?.bind(connection);
  if (connection.direction !== 'inbound' || onData === undefined) return;
  let seen = 0;
  let isBroken = false;
  connection.onData = (data): void => {
    if (isBroken) return;
    const bytes = seen < preamble.byteLength ? data.subarray() : new Uint8Array(0);
    for (const byte of bytes) {
      if (seen === preamble.byteLength) break;
      isBroken ||= byte !== preamble[seen];
      seen += 1;
    }
    if (isBroken) {
      connection.abort(new NetworkError({ code: 'protocol_broken', expected: 'a libp2p dialler' }));
    } else {
      onData(data);
    }
  };
}

function line(text: string): Uint8Array {
  return concatBytes(Uint8Array.of(text.length), utf8(text));
}
