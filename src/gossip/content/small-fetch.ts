/** One blob that is a single chunk, from one member after the other: its digest checks all of it at once. */
import type { Digest, NodeId } from '../../base/index.ts';
import { digestOf } from '../../crypto/index.ts';
import { TransportError, type Transport } from '../../wire/index.ts';
import type { PeerSignals } from './chunk-fetch.ts';
import { untilAborted } from './until-aborted.ts';

/** See the file's header. */
export class SmallFetch {
  readonly #transport: Pick<Transport, 'fetch' | 'charge'>;
  readonly #signals: PeerSignals;
  readonly #digest: Digest;
  readonly #bytesMax: number;
  readonly #liars = new Set<NodeId>();
  #candidates: NodeId[] = [];
  /** Requests made, and why the last one that failed did. */
  asked = 0;
  cause: unknown;

  /** @param bytesMax a larger blob is not taken */
  constructor(
    {
      transport,
      signals,
    }: { transport: Pick<Transport, 'fetch' | 'charge'>; signals: PeerSignals },
    digest: Digest,
    bytesMax: number,
  ) {
    this.#transport = transport;
    this.#signals = signals;
    this.#digest = digest;
    this.#bytesMax = bytesMax;
  }

  /** Asks each of `peers` once; null when none gave it. */
  async turn(peers: readonly NodeId[]): Promise<Uint8Array | null> {
    this.#candidates = [...peers];
    for (let peer = this.#next(); peer !== undefined; peer = this.#next()) {
      this.asked += 1;
      const bytes = await this.#take(peer);
      if (bytes === null) continue;
      if (digestOf(bytes) === this.#digest) return bytes;
      this.#liars.add(peer);
      this.cause = new Error(`${peer} gave a blob that does not have its hash`);
      this.#transport.charge(peer, { signatures: 0, refusal: 'a blob without its hash' });
    }
    return null;
  }

  /** Asks `first` next, and gives up waiting for `shunned`. */
  hasten(first: NodeId, shunned: NodeId): void {
    const others = this.#candidates.filter((peer) => peer !== first && peer !== shunned);
    this.#candidates = [first, ...others];
    this.#signals.abort(shunned);
  }

  #next(): NodeId | undefined {
    const peer = this.#candidates.shift();
    return peer !== undefined && this.#liars.has(peer) ? this.#next() : peer;
  }

  async #take(peer: NodeId): Promise<Uint8Array | null> {
    const maxBytes = this.#bytesMax;
    const signal = this.#signals.of(peer);
    const options = { offset: 0, length: null, maxBytes, signal };
    const pieces: Uint8Array[] = [];
    try {
      const stream = this.#transport.fetch(peer, this.#digest, options);
      for await (const piece of untilAborted(stream, signal, peer)) pieces.push(piece);
    } catch (error) {
      if (!(error instanceof TransportError)) throw error;
      this.cause = error;
      return null;
    }
    return new Uint8Array(Buffer.concat(pieces));
  }
}
