/**
 * Bulk by hash: what a node holds under `blobs/<sha-256>`, and how it gets what it lacks from whoever has it.
 * A broken transfer is resumed where it ended, from the next peer if need be; nothing is stored before its hash held.
 */
import {
  concatBytes,
  invariant,
  messageOf,
  type Digest,
  type NodeId,
  type Store,
} from '../../base/index.ts';
import { digestOf, HashStream } from '../../crypto/index.ts';
import type { Transport } from '../../wire/index.ts';
import { GossipError } from '../errors.ts';
import { RoundBlobs, type RetentionRule, type RoundOfBlob } from './round-blobs.ts';

/** Turns over all the peers before a fetch gives up; the caller asks again when it still needs the blob. */
const turnsMax = 3;

/** Transfers of one blob at a time: more would share the line that they wait for. */
const attemptsMax = 3;

/** Why attempts that came too late end; an error made for each would cost more than the rest. */
const isOver = 'the transfer is over';

/** A blob under way, from one peer or several. */
interface Transfer {
  /** The round that the blob comes with. */
  readonly of: RoundOfBlob | null;
  readonly bytes: Promise<Uint8Array>;
  readonly resolve: (bytes: Uint8Array) => void;
  readonly reject: (error: unknown) => void;
  /** Ends the attempts that came too late. */
  readonly over: AbortController;
  attempts: number;
}

/** Blobs of one node: its own and those it fetched. Serves all of them to the other members. */
export class BlobShelf {
  readonly #store: Store;
  readonly #transport: Transport;
  readonly #rounds: RoundBlobs;
  readonly #underWay = new Map<Digest, Transfer>();

  constructor(store: Store, transport: Transport) {
    this.#store = store;
    this.#rounds = new RoundBlobs(store);
    this.#transport = transport;
    transport.serveBlobs(async (digest) => {
      const name = nameOf(digest);
      const totalBytes = await store.size(name);
      if (totalBytes === null) return null;
      return {
        totalBytes,
        read: (offset, length) => store.readPart(name, offset, length),
      };
    });
  }

  /** What the disk holds, unchecked; null when nothing. */
  read(digest: Digest): Promise<Uint8Array | null> {
    return this.#store.read(nameOf(digest));
  }

  /** Whether the disk holds it. */
  has(digest: Digest): Promise<boolean> {
    return this.#store.has(nameOf(digest));
  }

  /**
   * Stores bytes under their own digest, durably.
   *
   * @param of the round they came with, and are removed with (`prune`); null for what is kept for ever
   */
  async put(bytes: Uint8Array, of: RoundOfBlob | null): Promise<Digest> {
    const digest = digestOf(bytes);
    if (of !== null) await this.#rounds.note(of, digest, bytes.byteLength);
    if (!(await this.has(digest))) await this.#store.write(nameOf(digest), bytes);
    return digest;
  }

  /** Removes blobs of old rounds; as `RoundBlobs.prune`. */
  async prune(
    rule: RetentionRule,
    current: number,
    isNeeded: (digest: Digest) => boolean,
  ): Promise<number> {
    return this.#rounds.prune(rule, current, isNeeded, (digest) => this.remove(digest));
  }

  /** Gives up a blob that nobody will ask for. */
  async remove(digest: Digest): Promise<void> {
    await this.#store.remove(nameOf(digest));
  }

  /**
   * The blob, from the disk or from a peer; two callers share one transfer.
   *
   * @param bytesMax no more than this is taken
   * @param first the peer to ask first, usually its author
   * @param of as for `put`
   * @throws {GossipError} 'blob_unavailable' when no connected peer gave it
   */
  obtain(
    digest: Digest,
    bytesMax: number,
    first: NodeId | null,
    of: RoundOfBlob | null,
  ): Promise<Uint8Array> {
    const running = this.#underWay.get(digest);
    if (running !== undefined) return running.bytes;
    const transfer = newTransfer(of);
    this.#underWay.set(digest, transfer);
    this.#attempt(transfer, digest, bytesMax, () => this.#order(first));
    return transfer.bytes;
  }

  /**
   * Begins a transfer that is under way once more, from `first` and then others but not from `shunned`, who may be holding
   * it up. The first to end counts. Without effect when none is under way, or several are.
   */
  hasten(
    digest: Digest,
    bytesMax: number,
    { first, shunned }: { readonly first: NodeId; readonly shunned: NodeId },
  ): void {
    const transfer = this.#underWay.get(digest);
    if (transfer === undefined || transfer.attempts >= attemptsMax) return;
    const order = (): NodeId[] => this.#order(first).filter((peer) => peer !== shunned);
    this.#attempt(transfer, digest, bytesMax, order);
  }

  #attempt(
    transfer: Transfer,
    digest: Digest,
    bytesMax: number,
    order: () => readonly NodeId[],
  ): void {
    const end = (settle: () => void): void => {
      if (this.#underWay.get(digest) === transfer) this.#underWay.delete(digest);
      settle();
      transfer.over.abort(isOver);
    };
    transfer.attempts += 1;
    this.#readOrFetch(digest, bytesMax, order, transfer).then(
      (bytes) => {
        end(() => {
          transfer.resolve(bytes);
        });
      },
      (error: unknown) => {
        transfer.attempts -= 1;
        if (transfer.attempts > 0) return;
        end(() => {
          transfer.reject(error);
        });
      },
    );
  }

  async #readOrFetch(
    digest: Digest,
    bytesMax: number,
    order: () => readonly NodeId[],
    { of, over: { signal } }: Transfer,
  ): Promise<Uint8Array> {
    const held = await this.read(digest);
    // A disk that lost a bit is mended from the others.
    if (held !== null && digestOf(held) === digest) return held;
    const bytes = await this.#fetch(digest, bytesMax, order, signal);
    if (of !== null) await this.#rounds.note(of, digest, bytes.byteLength);
    await this.#store.write(nameOf(digest), bytes);
    return bytes;
  }

  async #fetch(
    digest: Digest,
    bytesMax: number,
    order: () => readonly NodeId[],
    signal: AbortSignal,
  ): Promise<Uint8Array> {
    const liars = new Set<NodeId>();
    let part = new PartialBlob();
    let cause: unknown;
    let asked = 0;
    for (let turn = 0; turn < turnsMax; turn++) {
      for (const peer of order()) {
        if (liars.has(peer) || signal.aborted) continue;
        // First go on from what others gave. Their bytes cannot be checked before the end, so if that
        // leads nowhere, take all of it from this peer: a false beginning must not outlive an honest one.
        for (const isWhole of part.bytes > 0 ? [false, true] : [true]) {
          const attempt = isWhole ? new PartialBlob() : part;
          const before = attempt.bytes;
          asked += 1;
          try {
            const options = { offset: before, length: null, maxBytes: bytesMax - before, signal };
            for await (const chunk of this.#transport.fetch(peer, digest, options)) {
              attempt.add(chunk, bytesMax);
            }
          } catch (error) {
            cause = error;
            if (attempt.bytes === before) continue;
            part = attempt; // the next peer goes on from there
            break;
          }
          const bytes = attempt.whole(digest);
          if (bytes !== null) return bytes;
          cause = new GossipError(
            { code: 'blob_mismatch', digest, from: peer },
            `blob ${digest.slice(0, 12)} from ${peer} does not have its hash`,
          );
          if (before === 0) liars.add(peer);
          if (attempt === part) part = new PartialBlob();
        }
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

function newTransfer(of: RoundOfBlob | null): Transfer {
  let [resolve, reject]: [Transfer['resolve'], Transfer['reject']] = [noop, noop];
  const bytes = new Promise<Uint8Array>((onBytes, onError) => {
    [resolve, reject] = [onBytes, onError];
  });
  return { of, bytes, resolve, reject, over: new AbortController(), attempts: 0 };
}

function noop(): void {
  // Replaced before anybody can call it.
}

/** What has come of a blob so far, unchecked. */
class PartialBlob {
  readonly #chunks: Uint8Array[] = [];
  bytes = 0;

  add(chunk: Uint8Array, bytesMax: number): void {
    // The transport refuses more as well; what is kept here must not hang on that.
    invariant(
      this.bytes + chunk.byteLength <= bytesMax,
      'a transport gives no more than was asked',
    );
    this.#chunks.push(chunk.slice());
    this.bytes += chunk.byteLength;
  }

  /** All of it, if it has its hash. */
  whole(digest: Digest): Uint8Array | null {
    const hash = new HashStream();
    for (const chunk of this.#chunks) hash.update(chunk);
    return hash.digest() === digest ? concatBytes(...this.#chunks) : null;
  }
}

function nameOf(digest: Digest): string {
  return `blobs/${digest}`;
}
