/**
 * Bulk by hash: what a node holds under `blobs/<sha-256>`, and how it gets what it lacks from whoever has it.
 * A broken transfer is resumed where it ended, from the next peer if need be; nothing is stored before its hash held.
 */
import { concatBytes, messageOf, type Digest, type NodeId, type Store } from '../base/index.ts';
import { digestOf, HashStream } from '../crypto/index.ts';
import type { Transport } from '../wire/index.ts';
import { GossipError } from './errors.ts';

/** Turns over all the peers before a fetch gives up; the caller asks again when it still needs the blob. */
const turnsMax = 3;

export class BlobShelf {
  readonly #store: Store;
  readonly #transport: Transport;
  readonly #underWay = new Map<Digest, Promise<Uint8Array>>();

  constructor(store: Store, transport: Transport) {
    this.#store = store;
    this.#transport = transport;
    transport.serveBlobs(async (digest) => {
      const bytes = await this.read(digest);
      return bytes === null ? null : { bytes };
    });
  }

  read(digest: Digest): Promise<Uint8Array | null> {
    return this.#store.read(nameOf(digest));
  }

  has(digest: Digest): Promise<boolean> {
    return this.#store.has(nameOf(digest));
  }

  /** Stores bytes under their own digest, durably. */
  async put(bytes: Uint8Array): Promise<Digest> {
    const digest = digestOf(bytes);
    if (!(await this.has(digest))) await this.#store.write(nameOf(digest), bytes);
    return digest;
  }

  async remove(digest: Digest): Promise<void> {
    await this.#store.remove(nameOf(digest));
  }

  /**
   * The blob, from the disk or from a peer; two callers share one transfer.
   *
   * @param first the peer to ask first, usually its author
   * @throws {GossipError} 'blob_unavailable' when no connected peer gave it
   */
  async obtain(digest: Digest, bytesMax: number, first: NodeId | null): Promise<Uint8Array> {
    const held = await this.read(digest);
    if (held !== null) return held;
    const running = this.#underWay.get(digest);
    if (running !== undefined) return running;
    const transfer = this.#fetch(digest, bytesMax, first).finally(() => {
      this.#underWay.delete(digest);
    });
    this.#underWay.set(digest, transfer);
    return transfer;
  }

  async #fetch(digest: Digest, bytesMax: number, first: NodeId | null): Promise<Uint8Array> {
    let got: Uint8Array[] = [];
    let gotBytes = 0;
    let cause: unknown;
    let asked = 0;
    for (let turn = 0; turn < turnsMax; turn++) {
      for (const peer of this.#order(first)) {
        asked += 1;
        try {
          const options = { offset: gotBytes, length: null, maxBytes: bytesMax - gotBytes };
          for await (const chunk of this.#transport.fetch(peer, digest, options)) {
            got.push(chunk.slice());
            gotBytes += chunk.byteLength;
          }
        } catch (error) {
          cause = error; // keep what came: the next peer goes on from there
          continue;
        }
        const hash = new HashStream();
        for (const chunk of got) hash.update(chunk);
        if (hash.digest() === digest) {
          const bytes = concatBytes(...got);
          await this.#store.write(nameOf(digest), bytes);
          return bytes;
        }
        cause = new GossipError(
          { code: 'blob_mismatch', digest, from: peer },
          `blob ${digest.slice(0, 12)} from ${peer} does not have its hash`,
        );
        got = [];
        gotBytes = 0;
      }
    }
    throw new GossipError(
      { code: 'blob_unavailable', digest, asked },
      `blob ${digest.slice(0, 12)}: none of ${asked} requests gave it (${messageOf(cause)})`,
      { cause },
    );
  }

  #order(first: NodeId | null): NodeId[] {
    const peers = this.#transport.peers().filter((peer) => peer !== first);
    return first !== null && this.#transport.peers().includes(first) ? [first, ...peers] : peers;
  }
}

function nameOf(digest: Digest): string {
  return `blobs/${digest}`;
}
