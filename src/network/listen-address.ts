/** Why listening failed, and where it succeeded. */
import { messageOf } from '../base/index.ts';
import { NetworkError } from './errors.ts';

/** The coded reason of a failed start. */
export function listenError(address: string, error: unknown): NetworkError {
  const text = messageOf(error);
  // libp2p folds the reasons of all listeners into one message.
  if (text.includes('EADDRINUSE'))
    return new NetworkError({ code: 'port_taken', address }, { cause: error });
  const known = /\b(EACCES|EADDRNOTAVAIL|ENOTFOUND|EAFNOSUPPORT)\b/.exec(text)?.[1];
  return new NetworkError(
    { code: 'listen_failed', address, reason: known ?? 'libp2p did not start' },
    { cause: error },
  );
}

/** TCP port of the first multiaddr that has one; 0 when none does. */
export function portOf(addresses: readonly string[]): number {
  for (const address of addresses) {
    const port = /\/tcp\/(\d+)/.exec(address)?.[1];
    if (port !== undefined) return Number(port);
  }
  return 0;
}
