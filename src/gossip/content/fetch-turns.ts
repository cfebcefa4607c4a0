/**
 * Requests for bulk to one member, a few at a time: it serves no more to anybody, and whoever asks for many small blobs at once
 * would be sent away. Those that wait come in the order in which they were asked.
 */
import type { Digest, NodeId } from '../../base/index.ts';
import { TransportError, type FetchOptions, type Transport } from '../../wire/index.ts';

/** One fewer than a member serves at a time: it may count one as open that has ended here. */
const requestsMax = 3;

/** A transport whose fetches wait for their turn. */
export function inTurns(transport: Transport): Pick<Transport, 'fetch' | 'charge' | 'peers'> {
  const lines = new Map<NodeId, Line>();
  const lineOf = (peer: NodeId): Line => {
    const line = lines.get(peer) ?? { open: 0, waiting: [] };
    lines.set(peer, line);
    return line;
  };
  return {
    charge: (member, cost) => {
      transport.charge(member, cost);
    },
    peers: () => transport.peers(),
    fetch: (from, digest, options) => fetchInTurn(transport, lineOf(from), from, digest, options),
  };
}

interface Line {
  open: number;
  readonly waiting: (() => void)[];
}

async function* fetchInTurn(
  transport: Pick<Transport, 'fetch'>,
  line: Line,
  from: NodeId,
  digest: Digest,
  options: FetchOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (line.open >= requestsMax) await new Promise<void>((resolve) => line.waiting.push(resolve));
  else line.open += 1;
  try {
    if (options.signal?.aborted === true) {
      throw new TransportError({ code: 'interrupted', peer: from }, `fetch from ${from} given up`);
    }
    yield* transport.fetch(from, digest, options);
  } finally {
    // The place goes to the next in line, or is free.
    const next = line.waiting.shift();
    if (next === undefined) line.open -= 1;
    else next();
  }
}
