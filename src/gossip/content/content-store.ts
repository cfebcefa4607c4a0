/**
 * Content by hash: what a node holds under `blobs/<sha-256>`, and how it gets what it lacks from whoever has it. It goes to
 * the disk chunk by chunk and is never in memory whole. What came stays on the disk until the rest has come, also when the
 * program ends in between; nothing has its name before its hash held.
 */
import { invariant, messageOf, type Digest, type NodeId, type Store } from '../../base/index.ts';
import { digestOf } from '../../crypto/index.ts';
import type { HeldBlob, Transport } from '../../wire/index.ts';
import { GossipError } from '../errors.ts';
import { ChunkBuffers } from './chunk-buffers.ts';
import { ChunkFetch, PeerSignals, type ChunkCounts } from './chunk-fetch.ts';
import { blobOfPart, partsOf } from './chunk-file.ts';
import { chunkBytes } from './chunk-list.ts';
import { inTurns } from './fetch-turns.ts';
import { fileDigest } from './file-pieces.ts';
import { contentName, HeldBlobs } from './held-blobs.ts';
import { RoundBlobs, type RetentionRule, type RoundOfBlob } from './round-blobs.ts';
import { SmallFetch } from './small-fetch.ts';

/** Turns over all the peers before a fetch gives up; the caller asks again when it still needs the blob. */
const turnsMax = 3;

/** Peers asked at once when nobody is known to hold a blob. */
const strangersAsked = 4;

/** A blob under way. */
interface Transfer {
  readonly done: Promise<void>;
  /** Its fetch, once a peer is asked. */
  readonly stage: Stage;
}

interface Stage {
  fetch: ChunkFetch | SmallFetch | null;
}

/** Where else a node holds small content. @returns null for what is not there */
export type ContentSource = (digest: Digest) => Promise<Uint8Array | null>;

/** Blobs of one node: its own and those it fetched. Serves all of them to the other members. */
export class ContentStore {
  readonly #store: Store;
  readonly #transport: Pick<Transport, 'fetch' | 'charge' | 'peers'>;
  readonly #rounds: RoundBlobs;
  readonly #held: HeldBlobs;
  readonly #buffers: ChunkBuffers;
  #elsewhere: ContentSource = () => Promise.resolve(null);
  readonly #underWay = new Map<Digest, Transfer>();
  readonly #counts: ChunkCounts = { asked: 0, arrived: 0, askedAgain: 0, refused: 0 };

  /** @param bytesOfChunk the same for all members; another one only in tests */
  constructor(store: Store, transport: Transport, bytesOfChunk: number = chunkBytes) {
    this.#store = store;
    this.#transport = inTurns(transport);
    this.#buffers = new ChunkBuffers(bytesOfChunk);
    this.#rounds = new RoundBlobs(store);
    this.#held = new HeldBlobs(store, bytesOfChunk);
    transport.serveBlobs(async (digest) => {
      return (await this.#held.held(digest)) ?? heldBytes(await this.#elsewhere(digest));
    });
  }

  /** Reads from there, and serves, what is no blob here: the log holds the envelopes of old rounds. */
  readAlso(source: ContentSource): void {
    this.#elsewhere = source;
  }

  /** Chunks asked for and come since the start. */
  counts(): Readonly<ChunkCounts> {
    return { ...this.#counts };
  }

  /** Whether the disk holds it, unchecked. */
  has(digest: Digest): Promise<boolean> {
    return this.#store.has(contentName(digest));
  }

  /** Something small that this node holds; null when it does not, or its bytes have changed. */
  async read(digest: Digest): Promise<Uint8Array | null> {
    const isOf = (bytes: Uint8Array | null): boolean =>
      bytes !== null && digestOf(bytes) === digest;
    const blob = await this.#store.read(contentName(digest));
    if (isOf(blob)) return blob;
    const bytes = await this.#elsewhere(digest);
    return isOf(bytes) ? bytes : null;
  }

  /**
   * Blobs of at most so many bytes that came with no round.
   *
   * @param roundOf the round that a blob belongs to all the same; null for what is kept for ever
   * @returns how many now have a round
   */
  async assignRounds(
    bytesMax: number,
    roundOf: (bytes: Uint8Array) => RoundOfBlob | null,
  ): Promise<number> {
    const known = await this.#rounds.all();
    let count = 0;
    for (const digest of await this.#held.all()) {
      const bytes = known.has(digest) ? null : await this.#store.size(contentName(digest));
      if (bytes === null || bytes > bytesMax) continue;
      const of = roundOf((await this.#store.read(contentName(digest))) ?? new Uint8Array());
      if (of === null) continue;
      await this.#rounds.note(of, digest, bytes);
      count += 1;
    }
    return count;
  }

  /**
   * Stores something small under its own digest, durably.
   *
   * @param of the round it came with, and is removed with (`prune`); null for what is kept for ever
   * @param digest of the bytes, where the caller has made it
   */
  async put(
    bytes: Uint8Array,
    of: RoundOfBlob | null,
    digest: Digest = digestOf(bytes),
  ): Promise<Digest> {
    if (of !== null) await this.#rounds.note(of, digest, bytes.byteLength);
    if (await this.has(digest)) return digest;
    await this.#store.write(contentName(digest), bytes);
    await this.#held.added(digest, null);
    return digest;
  }

  /**
   * Gives its name to something large that lies in the store already, as this node's own work left it.
   *
   * @param name where it lies now; nothing is there afterwards
   * @throws {GossipError} 'blob_unavailable' when nothing is there: its round was over and its work was removed
   */
  async adopt(
    name: string,
    { digest, bytes }: { readonly digest: Digest; readonly bytes: number },
    of: RoundOfBlob,
  ): Promise<void> {
    await this.#rounds.note(of, digest, bytes);
    if (await this.#store.move(name, contentName(digest))) {
      await this.#held.added(digest, null);
      return;
    }
    throw new GossipError(
      { code: 'blob_unavailable', digest, asked: 0 },
      `blob ${digest.slice(0, 12)}: ${name} is gone`,
    );
  }

  /** Removes blobs of old rounds; as `RoundBlobs.prune`. */
  async prune(
    rule: RetentionRule,
    current: number,
    isNeeded: (digest: Digest) => boolean,
  ): Promise<number> {
    const count = await this.#rounds.prune(rule, current, isNeeded, (digest) =>
      this.remove(digest),
    );
    // What nobody obtains any more, and belongs to no round.
    const known = await this.#rounds.all();
    for (const name of await this.#store.list('parts/')) {
      const blob = blobOfPart(name) as Digest;
      if (!known.has(blob) && !this.#underWay.has(blob)) await this.#store.remove(name);
    }
    return count;
  }

  /** Gives up a blob that nobody will ask for. */
  async remove(digest: Digest): Promise<void> {
    await this.#held.remove(digest);
    await this.#removeParts(digest);
  }

  async #removeParts(digest: Digest): Promise<void> {
    for (const name of await this.#store.list(partsOf(digest))) await this.#store.remove(name);
  }

  /**
   * Sees to it that the blob is on the disk, sound, under `contentName`: it is there already or comes from a peer. Two
   * callers share one transfer.
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
  ): Promise<void> {
    const running = this.#underWay.get(digest);
    if (running !== undefined) return running.done;
    const stage: Stage = { fetch: null };
    const done = this.#checkOrFetch(stage, digest, bytesMax, first, of).finally(() =>
      this.#underWay.delete(digest),
    );
    this.#underWay.set(digest, { stage, done });
    return done;
  }

  /** Something small, from this node or from a peer. @param of as for `put` @throws as `obtain` */
  async obtainBytes(
    digest: Digest,
    bytesMax: number,
    first: NodeId | null,
    of: RoundOfBlob | null,
  ): Promise<Uint8Array> {
    const held = await this.read(digest);
    if (held !== null) return held;
    await this.obtain(digest, bytesMax, first, of);
    const bytes = await this.read(digest);
    invariant(bytes !== null, 'what was fetched is there');
    return bytes;
  }

  /**
   * Asks `first` too for what is under way, and no more `shunned`, who may be holding it up. Without effect when nothing is
   * under way.
   */
  hasten(
    digest: Digest,
    { first, shunned }: { readonly first: NodeId; readonly shunned: NodeId },
  ): void {
    this.#underWay.get(digest)?.stage.fetch?.hasten(first, shunned);
  }

  async #checkOrFetch(
    stage: Stage,
    digest: Digest,
    bytesMax: number,
    first: NodeId | null,
    of: RoundOfBlob | null,
  ): Promise<void> {
    // A disk that lost a bit is mended from the others.
    const name = contentName(digest);
    if ((await this.has(digest)) && (await fileDigest(this.#store, name)) === digest) return;
    const sized = async (bytes: number): Promise<void> => {
      if (of !== null) await this.#rounds.note(of, digest, bytes);
    };
    if (bytesMax <= this.#buffers.bytesOfChunk) {
      await this.#fetchSmall(stage, digest, bytesMax, first, sized);
    } else {
      await this.#fetchChunks(stage, digest, bytesMax, first, sized);
    }
  }

  async #fetchSmall(
    stage: Stage,
    digest: Digest,
    bytesMax: number,
    first: NodeId | null,
    sized: (bytes: number) => Promise<void>,
  ): Promise<void> {
    const ports = { transport: this.#transport, signals: new PeerSignals() };
    const fetch = new SmallFetch(ports, digest, bytesMax);
    stage.fetch = fetch;
    for (let turn = 0; turn < turnsMax; turn++) {
      const bytes = await fetch.turn(this.#order(first));
      if (bytes === null) continue;
      await sized(bytes.byteLength);
      await this.#store.write(contentName(digest), bytes);
      await this.#held.added(digest, null);
      return;
    }
    throw unavailable(digest, fetch);
  }

  async #fetchChunks(
    stage: Stage,
    digest: Digest,
    bytesMax: number,
    first: NodeId | null,
    sized: (bytes: number) => Promise<void>,
  ): Promise<void> {
    const ports = {
      ...{ disk: this.#store, transport: this.#transport, counts: this.#counts, sized },
      ...{ buffers: this.#buffers, signals: new PeerSignals() },
    };
    const fetch = new ChunkFetch(ports, digest, bytesMax);
    stage.fetch = fetch;
    for (let turn = 0; turn < turnsMax; turn++) {
      const file = await fetch.turn(this.#order(first), first === null ? strangersAsked : 1);
      if (file === null) continue;
      await file.commit(contentName(digest));
      await this.#held.added(digest, file.list);
      await this.#removeParts(digest);
      return;
    }
    throw unavailable(digest, fetch);
  }

  #order(first: NodeId | null): NodeId[] {
    const peers = this.#transport.peers().filter((peer) => peer !== first);
    return first !== null && this.#transport.peers().includes(first) ? [first, ...peers] : peers;
  }
}

function heldBytes(bytes: Uint8Array | null): HeldBlob | null {
  if (bytes === null) return null;
  const read = (offset: number, length: number): Promise<Uint8Array> =>
    Promise.resolve(bytes.subarray(offset, offset + length));
  return { totalBytes: bytes.byteLength, read };
}

function unavailable(
  digest: Digest,
  { asked, cause }: { readonly asked: number; readonly cause: unknown },
): GossipError {
  return new GossipError(
    { code: 'blob_unavailable', digest, asked },
    `blob ${digest.slice(0, 12)}: none of ${asked} requests gave it (${messageOf(cause)})`,
    { cause },
  );
}
