/**
 * A node's copy of the consortium log, in files under `log/` of its store. The tree follows from the decided
 * blocks alone, so all honest nodes hold the same tiles; checkpoints and certificates may differ.
 *
 * Order of writing one height: bundles, tiles, then `decisions/<height>.json`, which commits the height, then
 * the checkpoint. A crash in between leaves files that nobody refers to; opening sweeps them.
 */
import {
  equalBytes,
  fromHex,
  hex,
  invariant,
  type Clock,
  type Digest,
  type NodeId,
  type Store,
} from '../base/index.ts';
import { digestOf, type Signer } from '../crypto/index.ts';
import {
  blockLeaf,
  bodyDigest,
  encodeBlockBody,
  genesisPrev,
  type BlockBody,
  type SignedManifest,
} from '../wire/index.ts';
import {
  formatCheckpoint,
  parseCheckpoint,
  signCheckpoint,
  verifyNoteSignature,
  type Checkpoint,
} from './checkpoint.ts';
import { AuditError } from './errors.ts';
import {
  checkpointName,
  decisionName,
  decodeDecision,
  encodeDecision,
  heightOfName,
  leavesOf,
  logPrefix,
  manifestName,
  nextCheckpointName,
  policyName,
  tileNames,
  type Decision,
} from './log-files.ts';
import { MerkleTree, hashBytes, hashLeaf } from './merkle-tree.ts';
import {
  logKeyOf,
  logOrigin,
  policyFile,
  quorumSize,
  witnessKeyOf,
  witnessName,
} from './policy.ts';
import { formatNote, parseNote, type NoteKey, type NoteSignature } from './signed-note.ts';
import {
  bundlesOf,
  decodeBundle,
  encodeBundle,
  hashTilesOf,
  tileBytes,
  tilePath,
  tileWidth,
} from './tiles.ts';
import { Witness, type WitnessRefusal } from './witness.ts';

/** Who keeps the log and with which keys. */
export interface ConsortiumLogOptions {
  readonly consortium: SignedManifest;
  readonly self: NodeId;
  /** Signs this node's checkpoints. */
  readonly logSigner: Signer;
  /** Cosigns them. */
  readonly witnessSigner: Signer;
  readonly clock: Pick<Clock, 'nowMs'>;
}

/** The last decided height; height 0, size 0 before the first. */
export interface LogHead {
  readonly height: number;
  readonly size: number;
  readonly root: Digest;
  /** Digest of the last body: `prev` of the next. */
  readonly body: Digest;
}

/**
 * What somebody else's checkpoint was to us: 'sealed' it completed our quorum, 'added' it brought new
 * cosignatures, 'known' nothing new, 'ahead' kept until we reach its size, 'behind' of an older head,
 * 'fork' it contradicts our tree (keep the note: it is evidence).
 */
export type MergeOutcome = 'sealed' | 'added' | 'known' | 'ahead' | 'behind' | 'fork';

/** A head and the cosignatures known for it, by member index. */
interface Head {
  readonly size: number;
  readonly text: string;
  readonly own: NoteSignature;
  readonly cosignatures: Map<number, NoteSignature>;
}

/** Heads ahead of us whose cosignatures are kept. */
const headsAheadMax = 8;

/**
 * Opens or creates the log. Checks that tiles, last decision and heads fit each other; everything else is
 * `verifyLogDirectory`'s.
 * @throws {AuditError} 'corrupt_log' naming the file that does not fit; also WireError for an unreadable one
 */
export async function openConsortiumLog(
  store: Store,
  options: ConsortiumLogOptions,
): Promise<ConsortiumLog> {
  return ConsortiumLog.open(store, options);
}

/** See the file's header. Methods may be called at any time; writes run one after the other. */
export class ConsortiumLog {
  /** First line of every checkpoint. */
  readonly origin: string;
  readonly #store: Store;
  readonly #options: ConsortiumLogOptions;
  readonly #witness: Witness;
  readonly #witnessKeys: readonly NoteKey[];
  readonly #selfIndex: number;
  readonly #tree = new MerkleTree();
  /** Entries of the last, partial bundle. */
  #tail: Uint8Array[] = [];
  #head: LogHead = { height: 0, size: 0, root: digestOf(), body: genesisPrev };
  #sealed: Head | null = null;
  #next: Head | null = null;
  /** Cosignatures of heads that we have not reached, by the checkpoint's text. */
  readonly #ahead = new Map<string, { size: number; lines: Map<number, NoteSignature> }>();
  #queue: Promise<unknown> = Promise.resolve();

  private constructor(store: Store, options: ConsortiumLogOptions, witness: Witness) {
    const { members } = options.consortium.manifest;
    this.origin = logOrigin(options.consortium);
    this.#store = store;
    this.#options = options;
    this.#witness = witness;
    this.#witnessKeys = members.map(witnessKeyOf);
    this.#selfIndex = members.findIndex((member) => member.id === options.self);
    invariant(this.#selfIndex >= 0, 'who keeps a consortium log is a member');
  }

  /** As `openConsortiumLog`. */
  static async open(store: Store, options: ConsortiumLogOptions): Promise<ConsortiumLog> {
    const { witnessSigner: signer, clock, self } = options;
    const witness = await Witness.open(store, { name: witnessName(self), signer, clock });
    const log = new ConsortiumLog(store, options, witness);
    await log.#load();
    return log;
  }

  /** The last decided height, its tree and its body's digest. */
  get head(): LogHead {
    return this.#head;
  }

  /** Size of the tree under the latest sealed checkpoint; 0 before the first. */
  get sealedSize(): number {
    return this.#sealed?.size ?? 0;
  }

  /** Size and root as if `leaves` had been appended. Writes nothing. */
  rootAfter(leaves: readonly Uint8Array[]): { size: number; root: Digest } {
    const { size, root } = this.#tree.rootAfter(leaves.map(hashLeaf));
    return { size, root: hex(root) as Digest };
  }

  /**
   * `log` of a block that brings `envelopes`: for making and judging proposals of the next height.
   * @throws {AuditError} 'malformed' unless the envelopes are those that the block names
   */
  logAfter(
    body: Omit<BlockBody, 'log'>,
    envelopes: readonly Uint8Array[],
  ): { size: number; root: Digest } {
    return this.rootAfter(leavesOf(body, envelopes));
  }

  /**
   * Appends a decided height and signs the new head. Appending a height again does nothing.
   * @throws {AuditError} 'wrong_height' when it is not the next, 'conflicting_decision' when another body
   *   was appended at this height, 'root_mismatch' when `body.log` is not the tree that results
   */
  async appendHeight(decision: Decision, envelopes: readonly Uint8Array[]): Promise<LogHead> {
    return this.#serially(() => this.#append(decision, envelopes));
  }

  /** A decided height as it was appended, or `null`. */
  async decision(height: number): Promise<Decision | null> {
    const bytes = await this.#store.read(logPrefix + decisionName(height));
    return bytes === null ? null : decodeDecision(bytes);
  }

  /** Entries `[from, to)` of the log. */
  async entries(from: number, to: number): Promise<Uint8Array[]> {
    invariant(from >= 0 && from <= to && to <= this.#head.size, 'entries lie inside the log');
    const found: Uint8Array[] = [];
    for (const bundle of bundlesOf(this.#head.size)) {
      const start = bundle.index * tileWidth;
      if (start >= to || start + bundle.width <= from) continue;
      const bytes = await this.#read(tilePath(bundle));
      const entries = decodeBundle(bytes, bundle.width);
      found.push(...entries.slice(Math.max(0, from - start), to - start));
    }
    return found;
  }

  /** The latest head with all cosignatures known, to send to others; `null` before the first height. */
  checkpoint(): Uint8Array | null {
    const head = this.#next ?? this.#sealed;
    return head === null ? null : this.#noteOf(head);
  }

  /** The latest sealed checkpoint, as in the file `checkpoint`; `null` before the first. */
  sealedCheckpoint(): Uint8Array | null {
    return this.#sealed === null ? null : this.#noteOf(this.#sealed);
  }

  /** Members whose cosignatures the latest head carries, in the manifest's order. */
  cosigners(): NodeId[] {
    const { members } = this.#options.consortium.manifest;
    const cosignatures = (this.#next ?? this.#sealed)?.cosignatures;
    return members.filter((_, i) => cosignatures?.has(i) === true).map((member) => member.id);
  }

  /**
   * Cosigns somebody's checkpoint of this log by the rule of a witness: a head of our own tree, no older
   * than the last one cosigned. The answer is durable. 'ahead': we do not hold that tree yet.
   * @throws {AuditError} 'malformed' unless it is a checkpoint of this log
   */
  async cosign(note: Uint8Array): Promise<NoteSignature | WitnessRefusal | 'ahead'> {
    const { text } = parseNote(note);
    const checkpoint = this.#checkpointOf(text);
    return this.#serially(async () => {
      if (checkpoint.size > this.#tree.size) return 'ahead';
      if (!equalBytes(this.#tree.root(checkpoint.size), checkpoint.root)) return 'fork';
      return this.#witness.cosign(checkpoint, (size) => this.#tree.root(size));
    });
  }

  /**
   * Takes the members' cosignatures out of somebody's checkpoint. At a quorum the head is sealed: it
   * becomes the file `checkpoint`. Lines of unknown keys are passed over.
   * @throws {AuditError} 'malformed' unless it is a checkpoint of this log with valid members' lines
   */
  async addCosignatures(note: Uint8Array): Promise<MergeOutcome> {
    const { text, signatures } = parseNote(note);
    const { size, root } = this.#checkpointOf(text);
    const lines = this.#memberLines(text, signatures);
    return this.#serially(async () => {
      if (size > this.#tree.size) return this.#keepAhead(text, size, lines);
      if (!equalBytes(this.#tree.root(size), root)) return lines.size > 0 ? 'fork' : 'behind';
      for (const head of [this.#next, this.#sealed]) {
        if (head?.text === text) return this.#merge(head, lines);
      }
      return 'behind';
    });
  }

  async #append(decision: Decision, envelopes: readonly Uint8Array[]): Promise<LogHead> {
    const { body } = decision;
    const bodyBytes = encodeBlockBody(body);
    if (body.h <= this.#head.height) {
      const held = await this.decision(body.h);
      if (held !== null && equalBytes(encodeBlockBody(held.body), bodyBytes)) return this.#head;
      throw new AuditError(
        { code: 'conflicting_decision', height: body.h },
        `height ${body.h}: another body has been appended`,
      );
    }
    const expected = this.#head.height + 1;
    if (body.h !== expected) {
      throw new AuditError(
        { code: 'wrong_height', height: body.h, expected },
        `expected height ${expected}, got ${body.h}`,
      );
    }
    const leaves = leavesOf(body, envelopes);
    const after = this.rootAfter(leaves);
    if (after.size !== body.log.size || after.root !== body.log.root) {
      throw new AuditError(
        { code: 'root_mismatch', height: body.h },
        `height ${body.h}: the block's log is not the tree after its entries`,
      );
    }
    await this.#writeLeaves(leaves);
    await this.#store.write(logPrefix + decisionName(body.h), encodeDecision(decision));
    this.#head = { height: body.h, ...after, body: digestOf(bodyBytes) };
    await this.#openHead();
    return this.#head;
  }

  /** Appends to the tree and writes every bundle and tile that changed. */
  async #writeLeaves(leaves: readonly Uint8Array[]): Promise<void> {
    const before = this.#tree.size;
    const firstBundle = Math.floor(before / tileWidth);
    const entries = [...this.#tail, ...leaves];
    // Encoded before the tree changes: an oversized entry must leave no trace.
    const bundles = bundlesOf(before + leaves.length)
      .filter((bundle) => bundle.index >= firstBundle)
      .map((bundle) => {
        const start = (bundle.index - firstBundle) * tileWidth;
        return { bundle, bytes: encodeBundle(entries.slice(start, start + bundle.width)) };
      });
    for (const leaf of leaves) this.#tree.append(hashLeaf(leaf));
    try {
      for (const { bundle, bytes } of bundles) {
        await this.#store.write(logPrefix + tilePath(bundle), bytes);
      }
      const old = new Set(hashTilesOf(before).map(tilePath));
      for (const tile of hashTilesOf(this.#tree.size)) {
        const path = tilePath(tile);
        if (!old.has(path)) {
          await this.#store.write(logPrefix + path, tileBytes(this.#tree, tile));
        }
      }
    } catch (cause) {
      this.#tree.truncate(before);
      throw cause;
    }
    const full = Math.floor(this.#tree.size / tileWidth) - firstBundle;
    this.#tail = entries.slice(full * tileWidth);
  }

  /** Signs and cosigns the tree as it is, unless that head is sealed already. */
  async #openHead(): Promise<void> {
    const { logSigner } = this.#options;
    const checkpoint = { origin: this.origin, size: this.#tree.size, root: this.#tree.root() };
    const text = formatCheckpoint(checkpoint);
    if (this.#tree.size === 0 || this.#sealed?.text === text) return;
    const cosignatures = new Map(this.#ahead.get(text)?.lines);
    for (const [key, { size }] of this.#ahead) if (size <= checkpoint.size) this.#ahead.delete(key);
    const line = await this.#witness.cosign(checkpoint, (size) => this.#tree.root(size));
    if (typeof line !== 'string') cosignatures.set(this.#selfIndex, line);
    const own = signCheckpoint(text, this.origin, logSigner);
    this.#next = { size: checkpoint.size, text, own, cosignatures };
    if (!(await this.#seal(this.#next))) {
      await this.#store.write(logPrefix + nextCheckpointName, this.#noteOf(this.#next));
      await this.#sweep();
    }
  }

  async #merge(head: Head, lines: ReadonlyMap<number, NoteSignature>): Promise<MergeOutcome> {
    const fresh = [...lines].filter(([index]) => !head.cosignatures.has(index));
    if (fresh.length === 0) return 'known';
    for (const [index, line] of fresh) head.cosignatures.set(index, line);
    if (head === this.#sealed) {
      await this.#store.write(logPrefix + checkpointName, this.#noteOf(head));
      return 'added';
    }
    // Short of a quorum the lines stay in memory: they can be asked for again, our own is on the disk.
    return (await this.#seal(head)) ? 'sealed' : 'added';
  }

  async #seal(head: Head): Promise<boolean> {
    if (head.cosignatures.size < quorumSize(this.#witnessKeys.length)) return false;
    await this.#store.write(logPrefix + checkpointName, this.#noteOf(head));
    this.#sealed = head;
    this.#next = null;
    await this.#store.remove(logPrefix + nextCheckpointName);
    await this.#sweep();
    return true;
  }

  /** Removes tiles that neither the sealed nor the latest tree has: older partial ones, and orphans. */
  async #sweep(): Promise<void> {
    const needed = new Set([...tileNames(this.sealedSize), ...tileNames(this.#tree.size)]);
    for (const name of await this.#store.list(`${logPrefix}tile/`)) {
      if (!needed.has(name.slice(logPrefix.length))) await this.#store.remove(name);
    }
  }

  #keepAhead(text: string, size: number, lines: Map<number, NoteSignature>): MergeOutcome {
    const held = this.#ahead.get(text);
    if (held !== undefined) {
      for (const [index, line] of lines) held.lines.set(index, line);
    } else if (lines.size > 0) {
      // Only members reach this, and the farthest head goes first: a liar cannot push out the next one.
      this.#ahead.set(text, { size, lines });
      if (this.#ahead.size > headsAheadMax) {
        const [farthest] = [...this.#ahead].sort((a, b) => b[1].size - a[1].size);
        if (farthest !== undefined) this.#ahead.delete(farthest[0]);
      }
    }
    return 'ahead';
  }

  #memberLines(text: string, signatures: readonly NoteSignature[]): Map<number, NoteSignature> {
    const lines = new Map<number, NoteSignature>();
    for (const signature of signatures) {
      const index = this.#witnessKeys.findIndex((key) => key.name === signature.name);
      const key = this.#witnessKeys[index];
      if (key === undefined) continue;
      if (!verifyNoteSignature(text, signature, key)) {
        throw new AuditError(
          { code: 'malformed', what: 'checkpoint', expected: 'valid cosignatures' },
          `checkpoint: the cosignature of ${key.name} is not valid`,
        );
      }
      lines.set(index, signature);
    }
    return lines;
  }

  #checkpointOf(text: string): Checkpoint {
    const checkpoint = parseCheckpoint(text);
    if (checkpoint.origin === this.origin) return checkpoint;
    throw new AuditError(
      { code: 'malformed', what: 'checkpoint', expected: `origin ${this.origin}` },
      `checkpoint: expected the origin ${this.origin}`,
    );
  }

  #noteOf(head: Head): Uint8Array {
    const cosignatures = [...head.cosignatures].sort(([a], [b]) => a - b).map(([, line]) => line);
    return formatNote({ text: head.text, signatures: [head.own, ...cosignatures] });
  }

  async #load(): Promise<void> {
    const { consortium } = this.#options;
    await this.#createOrCompare(manifestName, consortium.bytes);
    await this.#createOrCompare(policyName, policyFile(consortium));
    const height = await this.#lastHeight();
    if (height > 0) {
      const { body } = decodeDecision(await this.#read(decisionName(height)));
      const { size, root } = body.log;
      await this.#loadTree(size, root);
      if (!equalBytes(hashLeaf(blockLeaf(body)), this.#tree.leafHash(size - 1))) {
        throw corrupt(decisionName(height), 'the block that is the last entry');
      }
      this.#head = { height, size, root, body: bodyDigest(body) };
    }
    this.#sealed = await this.#loadHead(checkpointName);
    this.#next = await this.#loadHead(nextCheckpointName);
    if (this.#next !== null && this.#next.size <= this.sealedSize) {
      await this.#store.remove(logPrefix + nextCheckpointName);
      this.#next = null;
    }
    if (this.#next?.size !== this.#tree.size) await this.#openHead();
    await this.#sweep();
  }

  async #createOrCompare(name: string, bytes: Uint8Array): Promise<void> {
    const held = await this.#store.read(logPrefix + name);
    if (held === null) await this.#store.write(logPrefix + name, bytes);
    else if (!equalBytes(held, bytes)) throw corrupt(name, 'the file of this consortium');
  }

  async #lastHeight(): Promise<number> {
    const names = await this.#store.list(`${logPrefix}decisions/`);
    const heights = names
      .map((name) => heightOfName(name.slice(logPrefix.length)) ?? -1)
      .sort((a, b) => a - b);
    heights.forEach((height, index) => {
      if (height !== index + 1)
        throw corrupt(decisionName(index + 1), 'every height up to the last');
    });
    return heights.length;
  }

  async #loadTree(size: number, root: Digest): Promise<void> {
    for (const tile of hashTilesOf(size).filter((candidate) => candidate.level === 0)) {
      const bytes = await this.#read(tilePath(tile));
      if (bytes.byteLength !== tile.width * hashBytes) throw corrupt(tilePath(tile), 'its width');
      for (let at = 0; at < bytes.byteLength; at += hashBytes) {
        this.#tree.append(bytes.slice(at, at + hashBytes));
      }
    }
    const expected = fromHex(root);
    if (expected === null || !equalBytes(this.#tree.root(), expected)) {
      throw corrupt('tile', 'the root that the last decision names');
    }
    const last = bundlesOf(size).find((bundle) => bundle.width < tileWidth);
    if (last === undefined) return;
    this.#tail = decodeBundle(await this.#read(tilePath(last)), last.width);
    this.#tail.forEach((entry, i) => {
      const isRight = equalBytes(hashLeaf(entry), this.#tree.leafHash(last.index * tileWidth + i));
      if (!isRight) throw corrupt(tilePath(last), 'entries with the hashes of the tiles');
    });
  }

  async #loadHead(name: string): Promise<Head | null> {
    const bytes = await this.#store.read(logPrefix + name);
    if (bytes === null) return null;
    const { text, signatures } = parseNote(bytes);
    const { size, root } = this.#checkpointOf(text);
    const { manifest } = this.#options.consortium;
    const self = manifest.members[this.#selfIndex];
    invariant(self !== undefined, 'self is a member');
    const key = logKeyOf(this.#options.consortium, self);
    const own = signatures.find((signature) => verifyNoteSignature(text, signature, key));
    if (size > this.#tree.size || !equalBytes(this.#tree.root(size), root) || own === undefined) {
      throw corrupt(name, 'a head of this tree signed by this node');
    }
    return { size, text, own, cosignatures: this.#memberLines(text, signatures) };
  }

  async #read(name: string): Promise<Uint8Array> {
    const bytes = await this.#store.read(logPrefix + name);
    if (bytes === null) throw corrupt(name, 'the file');
    return bytes;
  }

  #serially<T>(work: () => T | Promise<T>): Promise<T> {
    const result = this.#queue.then(work);
    this.#queue = result.catch(() => undefined);
    return result;
  }
}

function corrupt(file: string, expected: string): AuditError {
  return new AuditError({ code: 'corrupt_log', file }, `log/${file}: expected ${expected}`);
}
