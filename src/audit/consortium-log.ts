/**
 * A node's copy of the consortium log, in files under `log/` of its store. The tree follows from the decided
 * blocks alone, so all honest nodes hold the same tiles; checkpoints and certificates may differ.
 *
 * Order of writing one height: bundles, tiles, then `decisions/<height>.json`, which commits the height, then
 * the checkpoint. A crash in between leaves files that nobody refers to; opening sweeps them.
 */
import {
  equalBytes,
  hex,
  invariant,
  type Clock,
  type Digest,
  type NamedWork,
  type NodeId,
  type PureWork,
  type Store,
} from '../base/index.ts';
import { digestOf, type Signer, type VerifyBytes } from '../crypto/index.ts';
import {
  blockLeaf,
  bodyDigest,
  encodeBlockBody,
  genesisPrev,
  keyBytes,
  memberOf,
  membershipOf,
  verifySuccessor,
  type BlockBody,
  type Member,
  type SignedManifest,
  type SuccessorCheck,
} from '../wire/index.ts';
import { EnvelopeFinder } from './envelope-finder.ts';
import { AuditError, malformed } from './errors.ts';
import { Heads, type CheckedNote, type MergeOutcome } from './heads.ts';
import {
  decisionName,
  decodeDecision,
  encodeDecision,
  heightOfName,
  leavesOf,
  logPrefix,
  manifestName,
  type Decision,
} from './log-files.ts';
import { loadVersions, writeOnce, writeVersion, type LogVersions } from './log-versions.ts';
import { hashLeaf } from './merkle-tree.ts';
import { witnessName } from './policy.ts';
import { parseNote, type NoteSignature } from './signed-note.ts';
import { StoredTree, corruptLog, readLogFile } from './stored-tree.ts';
import { Witness, type WitnessRefusal } from './witness.ts';

/** Who keeps the log and with which keys. */
export interface ConsortiumLogOptions {
  /** The genesis; later versions of the manifest are files of the log. */
  readonly consortium: SignedManifest;
  /** Later versions that are known from elsewhere: the log may not have come to the keys that this member had by then. */
  readonly known?: readonly SignedManifest[];
  readonly self: NodeId;
  /** Signs this node's checkpoints. */
  readonly logSigner: Signer;
  /** Cosigns them. */
  readonly witnessSigner: Signer;
  readonly clock: Pick<Clock, 'nowMs'>;
  /** Checks others' cosignatures; Ed25519 when absent. */
  readonly verify?: VerifyBytes;
  /** Opens later versions of the manifest; `verifySuccessor` when absent. */
  readonly succeed?: SuccessorCheck;
  /** `doNow` when absent. */
  readonly pure?: PureWork;
  /** `makeNow` when absent. */
  readonly named?: NamedWork;
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
  readonly #store: Store;
  readonly #options: ConsortiumLogOptions;
  readonly #witness: Witness;
  readonly #tree: StoredTree;
  readonly #heads: Heads;
  readonly #versions: LogVersions;
  readonly #finder: EnvelopeFinder;
  #head: LogHead = { height: 0, size: 0, root: digestOf(), body: genesisPrev };
  #queue: Promise<unknown> = Promise.resolve();
  /** Set while a height is being written: a write that failed leaves memory and disk apart. */
  #isBroken = false;

  private constructor(
    store: Store,
    options: ConsortiumLogOptions,
    versions: LogVersions,
    witness: Witness,
  ) {
    this.#store = store;
    this.#options = options;
    this.#versions = versions;
    this.#witness = witness;
    this.#tree = new StoredTree(store, options.named);
    this.#finder = new EnvelopeFinder({
      store,
      lastHeight: () => this.#head.height,
      decision: (height) => this.decision(height),
      entries: (from, to) => this.entries(from, to),
    });
    const { self, logSigner, known = [], verify, pure } = options;
    const former = linesOf(self, [...versions.all, ...known]).map(({ logKey }) => keyBytes(logKey));
    const logKeys = [logSigner.publicKey, ...former];
    const checks = { ...(verify && { verify }), ...(pure && { pure }) };
    this.#heads = new Heads(store, { versions, logKeys, ...checks });
  }

  /** As `openConsortiumLog`. */
  static async open(store: Store, options: ConsortiumLogOptions): Promise<ConsortiumLog> {
    const { consortium, witnessSigner: signer, clock, self, verify } = options;
    await writeOnce(store, manifestName, consortium.bytes);
    const height = await lastHeight(store);
    const succeed = options.succeed ?? verifySuccessor;
    const versions = await loadVersions(store, consortium, height, succeed);
    const own = linesOf(self, [...versions.all, ...(options.known ?? [])]);
    const former = own.map(({ witnessKey }) => keyBytes(witnessKey));
    const named = { name: witnessName(self), signer, former, clock, verify };
    const witness = await Witness.open(store, named);
    const log = new ConsortiumLog(store, options, versions, witness);
    await log.#load(height);
    return log;
  }

  /** The versions of the manifest by number, from the genesis to the one in force after the last block. */
  get versions(): readonly SignedManifest[] {
    return this.#versions.all;
  }

  /** The height whose block put a version in force, 0 for the genesis; null for one to come. */
  heightOf(version: number): number | null {
    return this.#versions.heightOf(version);
  }

  /** The version in force after the last block. */
  get consortium(): SignedManifest {
    return this.#versions.inForce;
  }

  /** First line of every checkpoint. */
  get origin(): string {
    return this.#heads.origin;
  }

  /** The last decided height, its tree and its body's digest. */
  get head(): LogHead {
    return this.#head;
  }

  /** Size of the tree under the latest cosigned checkpoint; 0 before the first. */
  get cosignedSize(): number {
    return this.#heads.cosignedSize;
  }

  /** Size and root as if `leaves` had been appended. Writes nothing. */
  rootAfter(leaves: readonly Uint8Array[]): { size: number; root: Digest } {
    const { size, root } = this.#tree.rootAfter(leaves);
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
   * Appends a decided height and signs the new head. Appending a height again does nothing. The
   * certificate is the caller's to check.
   * @param manifest the version that a MEMBER names, verified; null for every other block
   * @throws {AuditError} 'wrong_height' when it is not the next, 'conflicting_decision' when another body
   *   was appended at this height, 'root_mismatch' when `body.log` is not the tree that results,
   *   'malformed' unless the envelopes and the manifest are those that the block names
   */
  async appendHeight(
    decision: Decision,
    envelopes: readonly Uint8Array[],
    manifest: SignedManifest | null = null,
  ): Promise<LogHead> {
    return this.#serially(() => this.#append(decision, envelopes, manifest));
  }

  /** A decided height as it was appended, or `null`. */
  async decision(height: number): Promise<Decision | null> {
    const bytes = await this.#store.read(logPrefix + decisionName(height));
    return bytes === null ? null : decodeDecision(bytes);
  }

  /** Entries `[from, to)` of the log: the envelopes and blocks of a height lie before its `log.size`. */
  async entries(from: number, to: number): Promise<Uint8Array[]> {
    return this.#serially(() => this.#tree.entries(from, to));
  }

  /** An envelope that some block brought into the log; null for another. The first question reads all decisions. */
  async envelope(digest: Digest): Promise<Uint8Array | null> {
    return this.#finder.find(digest);
  }

  /** The latest head with all cosignatures known, to send to others; `null` before the first height. */
  checkpoint(): Uint8Array | null {
    return this.#heads.latest();
  }

  /** The latest cosigned checkpoint, as in the file `checkpoint`; `null` before the first. */
  cosignedCheckpoint(): Uint8Array | null {
    return this.#heads.cosigned();
  }

  /** Members whose cosignatures the latest head carries, in the manifest's order. */
  cosigners(): NodeId[] {
    return this.#heads.cosigners();
  }

  /**
   * Cosigns somebody's checkpoint of this log by the rule of a witness: a head of our own tree, no older
   * than the last one cosigned. The answer is durable. 'ahead': we do not hold that tree yet.
   * @throws {AuditError} 'malformed' unless it is a checkpoint of this log
   */
  async cosign(note: Uint8Array): Promise<NoteSignature | WitnessRefusal | 'ahead'> {
    const checkpoint = this.#heads.checkpointOf(parseNote(note).text);
    return this.#serially(async () => {
      if (checkpoint.size > this.#tree.size) return 'ahead';
      if (!equalBytes(this.#tree.root(checkpoint.size), checkpoint.root)) return 'fork';
      return this.#witness.cosign(checkpoint, (size) => this.#tree.root(size));
    });
  }

  /**
   * What somebody's checkpoint is worth, before anything is changed: see `Heads.check`.
   * @returns 'known' or 'behind' when it brings nothing, else what `addCosignatures` takes
   * @throws {AuditError} 'malformed' unless it is a checkpoint of this log with valid members' lines, one of each
   */
  checkCosignatures(note: Uint8Array): CheckedNote | 'known' | 'behind' {
    return this.#heads.check(note, this.#tree);
  }

  /**
   * Takes the members' cosignatures out of somebody's checkpoint. At a quorum the head is cosigned: it
   * becomes the file `checkpoint`. Lines of unknown keys are passed over.
   * @throws {AuditError} 'malformed' as `checkCosignatures`, for what was not checked before
   */
  async addCosignatures(note: Uint8Array | CheckedNote): Promise<MergeOutcome> {
    return this.#serially(async () => {
      const checked = note instanceof Uint8Array ? this.checkCosignatures(note) : note;
      if (typeof checked === 'string') return checked;
      const outcome = await this.#heads.merge(checked, this.#tree);
      if (outcome === 'cosigned') await this.#tree.sweep(this.cosignedSize);
      return outcome;
    });
  }

  async #append(
    decision: Decision,
    envelopes: readonly Uint8Array[],
    manifest: SignedManifest | null,
  ): Promise<LogHead> {
    const { body } = decision;
    if (body.h <= this.#head.height) return this.#sameAgain(body);
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
    const named = membershipOf(body)?.manifest ?? null;
    if (named !== (manifest === null ? null : digestOf(manifest.bytes))) {
      throw malformed(`the manifest of height ${body.h}`, 'the version that its MEMBER names');
    }
    invariant(!this.#isBroken, 'a log whose disk failed is opened anew');
    this.#isBroken = true;
    if (manifest !== null) await writeVersion(this.#store, manifest);
    await this.#tree.append(leaves);
    await this.#store.write(logPrefix + decisionName(body.h), encodeDecision(decision));
    this.#head = { height: body.h, ...after, body: bodyDigest(body) };
    if (manifest !== null) this.#versions.add(manifest, { size: after.size, height: body.h });
    await this.#signHead();
    this.#isBroken = false;
    return this.#head;
  }

  async #sameAgain(body: BlockBody): Promise<LogHead> {
    const held = await this.decision(body.h);
    if (held !== null && equalBytes(encodeBlockBody(held.body), encodeBlockBody(body))) {
      return this.#head;
    }
    throw new AuditError(
      { code: 'conflicting_decision', height: body.h },
      `height ${body.h}: another body has been appended`,
    );
  }

  async #signHead(): Promise<void> {
    const checkpoint = { origin: this.origin, size: this.#tree.size, root: this.#tree.root() };
    const line = await this.#witness.cosign(checkpoint, (size) => this.#tree.root(size));
    const own = typeof line === 'string' ? null : line;
    await this.#heads.sign(checkpoint, this.#options.logSigner, own);
    await this.#tree.sweep(this.cosignedSize);
  }

  async #load(height: number): Promise<void> {
    if (height > 0) {
      const { body } = decodeDecision(await readLogFile(this.#store, decisionName(height)));
      const { size, root } = body.log;
      await this.#tree.load(size, root);
      if (!equalBytes(hashLeaf(blockLeaf(body)), this.#tree.leafHash(size - 1))) {
        throw corruptLog(decisionName(height), 'the block that is the last entry');
      }
      this.#head = { height, size, root, body: bodyDigest(body) };
    }
    await this.#heads.load(this.#tree);
    // Another log key, too, signs the head anew.
    if (this.#heads.latestSize < this.#tree.size || this.#heads.isForeign) await this.#signHead();
    else await this.#tree.sweep(this.cosignedSize);
  }

  #serially<T>(work: () => T | Promise<T>): Promise<T> {
    const result = this.#queue.then(work);
    this.#queue = result.catch(() => undefined);
    return result;
  }
}

/** A member as these versions name it. */
function linesOf(id: NodeId, versions: readonly SignedManifest[]): Member[] {
  return versions.flatMap(({ manifest }) => memberOf(manifest, id) ?? []);
}

/** The last height in a store's log; 0 before the first. @throws {AuditError} 'corrupt_log' when one is missing */
async function lastHeight(store: Store): Promise<number> {
  const names = await store.list(`${logPrefix}decisions/`);
  const heights = names
    .map((name) => heightOfName(name.slice(logPrefix.length)) ?? -1)
    .sort((a, b) => a - b);
  heights.forEach((height, index) => {
    if (height !== index + 1) {
      throw corruptLog(decisionName(index + 1), 'every height up to the last');
    }
  });
  return heights.length;
}
