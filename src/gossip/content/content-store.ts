/**
 * Content by hash: what a node holds under `blobs/<sha-256>`, and how it gets what it lacks from whoever has it. It goes to
 * the disk as it comes and is never in memory whole. A broken transfer is resumed where it ended, from the next peer if
 * need be; nothing has its name before its hash held.
 */
import {
  invariant,
  messageOf,
  type Digest,
  type NodeId,
  type Store,
  type StoreWriter,
} from '../../base/index.ts';
import { digestOf, HashStream } from '../../crypto/index.ts';
import type { Transport } from '../../wire/index.ts';
import { GossipError } from '../errors.ts';
import { fileDigest } from './file-pieces.ts';
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
  readonly done: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
  /** Ends the attempts that came too late. */
  readonly over: AbortController;
  attempts: number;
}

/** Blobs of one node: its own and those it fetched. Serves all of them to the other members. */
export class ContentStore {
  readonly #store: Store;
  readonly #transport: Transport;
  readonly #rounds: RoundBlobs;
  readonly #underWay = new Map<Digest, Transfer>();

  constructor(store: Store, transport: Transport) {
    this.#store = store;
    this.#rounds = new RoundBlobs(store);
    this.#transport = transport;
    transport.serveBlobs(async (digest) => {
      const name = contentName(digest);
      const totalBytes = await store.size(name);
      if (totalBytes === null) return null;
      return {
        totalBytes,
        read: (offset, length) => store.readPart(name, offset, length),
      };
    });
  }

  /** Whether the disk holds it, unchecked. */
  has(digest: Digest): Promise<boolean> {
    return this.#store.has(contentName(digest));
  }

  /** Something small that the disk holds; null when it does not, or its bytes have changed. */
  async read(digest: Digest): Promise<Uint8Array | null> {
    const bytes = await this.#store.read(contentName(digest));
    return bytes === null || digestOf(bytes) !== digest ? null : bytes;
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
    if (!(await this.has(digest))) await this.#store.write(contentName(digest), bytes);
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
    if (await this.#store.move(name, contentName(digest))) return;
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
    return this.#rounds.prune(rule, current, isNeeded, (digest) => this.remove(digest));
  }

  /** Gives up a blob that nobody will ask for. */
  async remove(digest: Digest): Promise<void> {
    await this.#store.remove(contentName(digest));
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
    const transfer = newTransfer(of);
    this.#underWay.set(digest, transfer);
    this.#attempt(transfer, digest, bytesMax, () => this.#order(first));
    return transfer.done;
  }

  /** Something small, kept for ever, from the disk or from a peer. @throws as `obtain` */
  async obtainBytes(digest: Digest, bytesMax: number, first: NodeId | null): Promise<Uint8Array> {
    const held = await this.read(digest);
    if (held !== null) return held;
    await this.obtain(digest, bytesMax, first, null);
    const bytes = await this.read(digest);
    invariant(bytes !== null, 'what was fetched is there');
    return bytes;
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
    this.#checkOrFetch(digest, bytesMax, order, transfer).then(
      () => {
        end(() => {
          transfer.resolve();
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

  async #checkOrFetch(
    digest: Digest,
    bytesMax: number,
    order: () => readonly NodeId[],
    { of, over: { signal } }: Transfer,
  ): Promise<void> {
    // A disk that lost a bit is mended from the others.
    const name = contentName(digest);
    if ((await this.has(digest)) && (await fileDigest(this.#store, name)) === digest) return;
    const blob = await this.#fetch(digest, bytesMax, order, signal);
    if (of !== null) await this.#rounds.note(of, digest, blob.bytes);
    await blob.commit();
  }

  /** The blob as it came from one peer or several, its hash checked. */
  async #fetch(
    digest: Digest,
    bytesMax: number,
    order: () => readonly NodeId[],
    signal: AbortSignal,
  ): Promise<PartialBlob> {
    const begun: PartialBlob[] = [];
    const begin = async (): Promise<PartialBlob> => {
      const blob = await PartialBlob.begin(this.#store, digest, bytesMax);
      begun.push(blob);
      return blob;
    };
    try {
      const found = await this.#askAll(digest, begin, order, signal);
      begun.splice(begun.indexOf(found), 1);
      return found;
    } finally {
      for (const blob of begun) await blob.discard();
    }
  }

  async #askAll(
    digest: Digest,
    begin: () => Promise<PartialBlob>,
    order: () => readonly NodeId[],
    signal: AbortSignal,
  ): Promise<PartialBlob> {
    const liars = new Set<NodeId>();
    let part: PartialBlob | null = null;
    let cause: unknown;
    let asked = 0;
    for (let turn = 0; turn < turnsMax; turn++) {
      for (const peer of order()) {
        if (liars.has(peer) || signal.aborted) continue;
        // First go on from what others gave. Their bytes cannot be checked before the end, so if that
        // leads nowhere, take all of it from this peer: a false beginning must not outlive an honest one.
        const attempts: (PartialBlob | null)[] = part === null ? [null] : [part, null];
        for (const begun of attempts) {
          const attempt: PartialBlob = begun ?? (await begin());
          const before = attempt.bytes;
          asked += 1;
          const problem = await this.#take(attempt, peer, digest, signal);
          if (problem === null && attempt.hasDigest(digest)) return attempt;
          if (problem !== null && attempt.bytes > before) {
            cause = problem;
            if (part !== attempt) await part?.discard();
            part = attempt; // the next peer goes on from there
            break;
          }
          cause = problem ?? mismatch(digest, peer);
          if (problem !== null && attempt === part) continue;
          await attempt.discard();
          if (attempt === part) part = null;
          if (problem === null && before === 0) liars.add(peer);
        }
      }
    }
    throw new GossipError(
      { code: 'blob_unavailable', digest, asked },
      `blob ${digest.slice(0, 12)}: none of ${asked} requests gave it (${messageOf(cause)})`,
      { cause },
    );
  }

  /** Adds what `peer` gives from where `blob` ends; why it broke off, or null when it came to its end. */
  async #take(
    blob: PartialBlob,
    peer: NodeId,
    digest: Digest,
    signal: AbortSignal,
  ): Promise<unknown> {
    const options = { offset: blob.bytes, length: null, maxBytes: blob.bytesLeft, signal };
    try {
      for await (const chunk of this.#transport.fetch(peer, digest, options)) await blob.add(chunk);
      return null;
    } catch (error) {
      // No other peer mends this node's disk.
      if (blob.isDiskAtFault) throw error;
      return error;
    }
  }

  #order(first: NodeId | null): NodeId[] {
    const peers = this.#transport.peers().filter((peer) => peer !== first);
    return first !== null && this.#transport.peers().includes(first) ? [first, ...peers] : peers;
  }
}

/** Where a blob lies in the store. */
export function contentName(digest: Digest): string {
  return `blobs/${digest}`;
}

function newTransfer(of: RoundOfBlob | null): Transfer {
  let [resolve, reject]: [Transfer['resolve'], Transfer['reject']] = [noop, noop];
  const done = new Promise<void>((onDone, onError) => {
    [resolve, reject] = [onDone, onError];
  });
  return { of, done, resolve, reject, over: new AbortController(), attempts: 0 };
}

function noop(): void {
  // Replaced before anybody can call it.
}

function mismatch(digest: Digest, from: NodeId): GossipError {
  return new GossipError(
    { code: 'blob_mismatch', digest, from },
    `blob ${digest.slice(0, 12)} from ${from} does not have its hash`,
  );
}

/** What has come of a blob so far, on the disk and unchecked. */
class PartialBlob {
  readonly #bytesMax: number;
  readonly #writer: StoreWriter;
  readonly #hash = new HashStream();
  #isDiskAtFault = false;

  private constructor(bytesMax: number, writer: StoreWriter) {
    this.#bytesMax = bytesMax;
    this.#writer = writer;
  }

  static async begin(store: Store, digest: Digest, bytesMax: number): Promise<PartialBlob> {
    return new PartialBlob(bytesMax, await store.create(contentName(digest)));
  }

  get bytes(): number {
    return this.#hash.sizeBytes;
  }

  get bytesLeft(): number {
    return this.#bytesMax - this.bytes;
  }

  get isDiskAtFault(): boolean {
    return this.#isDiskAtFault;
  }

  async add(chunk: Uint8Array): Promise<void> {
    // The transport refuses more as well; what is kept here must not hang on that.
    invariant(chunk.byteLength <= this.bytesLeft, 'a transport gives no more than was asked');
    this.#hash.update(chunk);
    try {
      await this.#writer.write(chunk);
    } catch (error) {
      this.#isDiskAtFault = true;
      throw error;
    }
  }

  /** Whether it is the blob; nothing is added afterwards. */
  hasDigest(digest: Digest): boolean {
    return this.#hash.digest() === digest;
  }

  commit(): Promise<void> {
    return this.#writer.commit();
  }

  discard(): Promise<void> {
    return this.#writer.discard();
  }
}
