/**
 * The signed heads of a node's log: `checkpoint`, the latest that a quorum has cosigned, and
 * `checkpoint.next`, a larger one that still gathers cosignatures. Only the cosigned one is published under
 * the name that tlog-tiles gives it, so whoever reads the directory always finds a head that verifies.
 */
import {
  doNow,
  equalBytes,
  type Digest,
  type NodeId,
  type PureWork,
  type Store,
} from '../base/index.ts';
import { digestOf, verifyRaw, type Signer, type VerifyBytes } from '../crypto/index.ts';
import { limits, quorumOf, type SignedManifest } from '../wire/index.ts';
import {
  formatCheckpoint,
  parseCheckpoint,
  signCheckpoint,
  verifyNoteSignature,
  type Checkpoint,
} from './checkpoint.ts';
import { malformed } from './errors.ts';
import { checkpointName, logPrefix, nextCheckpointName } from './log-files.ts';
import {
  linesOf,
  memberLines,
  requireSize,
  witnessesOf,
  type Cosignatures,
  type Witnesses,
} from './head-witnesses.ts';
import type { LogVersions } from './log-versions.ts';
import { logOrigin } from './policy.ts';
import {
  formatNote,
  isBy,
  noteKeyTypes,
  parseNote,
  type NoteKey,
  type NoteSignature,
  type SignedNote,
} from './signed-note.ts';
import { corruptLog } from './stored-tree.ts';

/**
 * What somebody else's checkpoint was to us: 'cosigned' it completed our quorum, 'added' it brought new
 * cosignatures, 'known' nothing new, 'ahead' kept until we reach its size, 'behind' of an older head,
 * 'fork' it contradicts our tree (keep the note: it is evidence).
 */
export type MergeOutcome = 'cosigned' | 'added' | 'known' | 'ahead' | 'behind' | 'fork';

/**
 * A note whose form and new cosignatures hold: 'here' it is a head of ours, 'ahead' of a larger tree, 'fork' it
 * contradicts our tree.
 */
export interface CheckedNote {
  readonly kind: 'here' | 'ahead' | 'fork';
  readonly digest: Digest;
  readonly text: string;
  readonly size: number;
  /** Valid cosignatures that were not held when it was checked; at least one. */
  readonly lines: Cosignatures;
}

/** The part of a tree that heads are judged by. */
export interface RootedTree {
  readonly size: number;
  root(size?: number): Uint8Array;
}

interface Head {
  readonly size: number;
  readonly text: string;
  readonly own: NoteSignature;
  readonly cosignatures: Map<number, NoteSignature>;
  /** The members who vouch for it. */
  readonly witnesses: Witnesses;
}

/** What `Heads` works with. */
export interface HeadsOptions {
  readonly versions: LogVersions;
  /** Public keys of this node's log: the present one first, then those that it had before. */
  readonly logKeys: readonly Uint8Array[];
  /** Ed25519 when absent. */
  readonly verify?: VerifyBytes;
  /** `doNow` when absent. */
  readonly pure?: PureWork;
}

/** Heads ahead of us whose cosignatures are kept. */
const aheadMax = 8;
/** Notes remembered as bringing nothing more; all are forgotten at the limit. */
const spentMax = 1024;

/** The heads of one node's log. Calls must not overlap. */
export class Heads {
  /** First line of every checkpoint. */
  readonly origin: string;
  readonly #store: Store;
  readonly #versions: LogVersions;
  readonly #logKeys: readonly NoteKey[];
  readonly #verify: VerifyBytes;
  readonly #pure: PureWork;
  readonly #witnesses = new Map<SignedManifest, Witnesses>();
  #cosigned: Head | null = null;
  /** Whether cosignatures of the cosigned head are not on the disk. */
  #isCosignedStale = false;
  #next: Head | null = null;
  readonly #ahead = new Map<string, { size: number; lines: Map<number, NoteSignature> }>();
  /** Digests of notes that can bring nothing more, whatever comes. */
  readonly #spent = new Set<Digest>();

  constructor(store: Store, { versions, logKeys, verify, pure }: HeadsOptions) {
    this.#store = store;
    this.#versions = versions;
    this.origin = logOrigin(versions.inForce);
    const { origin: name } = this;
    this.#logKeys = logKeys.map((publicKey) => ({ name, type: noteKeyTypes.log, publicKey }));
    this.#verify = verify ?? verifyRaw;
    this.#pure = pure ?? doNow;
  }

  /** Whether the latest head is signed by a log key that this node had before. */
  get isForeign(): boolean {
    const head = this.#next ?? this.#cosigned;
    const [present] = this.#logKeys;
    return head !== null && present !== undefined && !isBy(head.own, present);
  }

  /** Size of the cosigned tree; 0 before the first. */
  get cosignedSize(): number {
    return this.#cosigned?.size ?? 0;
  }

  /** Size of the latest signed tree; 0 before the first. */
  get latestSize(): number {
    return (this.#next ?? this.#cosigned)?.size ?? 0;
  }

  /** The latest head with all cosignatures known, or `null`. */
  latest(): Uint8Array | null {
    const head = this.#next ?? this.#cosigned;
    return head === null ? null : noteOf(head);
  }

  /** The cosigned head, or `null`. */
  cosigned(): Uint8Array | null {
    return this.#cosigned === null ? null : noteOf(this.#cosigned);
  }

  /** Whose cosignatures the latest head carries. */
  cosigners(): NodeId[] {
    const head = this.#next ?? this.#cosigned;
    return head?.witnesses.ids.filter((_, index) => head.cosignatures.has(index)) ?? [];
  }

  /** Reads both files. @throws {AuditError} 'corrupt_log' or 'malformed' */
  async load(tree: RootedTree): Promise<void> {
    this.#cosigned = await this.#read(checkpointName, tree);
    this.#next = await this.#read(nextCheckpointName, tree);
    // A crash between a quorum for a head and the removal of the one before.
    if (this.#next !== null && this.#next.size <= this.cosignedSize) await this.#dropNext();
  }

  /** Signs `checkpoint` as the latest head, with `own` as this node's cosignature where it gave one. */
  async sign(checkpoint: Checkpoint, signer: Signer, own: NoteSignature | null): Promise<void> {
    if (this.#cosigned !== null && this.#isCosignedStale) await this.#writeCosigned(this.#cosigned);
    const text = formatCheckpoint(checkpoint);
    const witnesses = this.#witnessesOf(checkpoint.size);
    const held = this.#ahead.get(text)?.lines ?? this.#headOf(text)?.cosignatures;
    const cosignatures = linesOf(
      [...(held?.values() ?? []), ...(own === null ? [] : [own])],
      witnesses,
    );
    for (const [key, { size }] of this.#ahead) if (size <= checkpoint.size) this.#ahead.delete(key);
    const line = signCheckpoint(text, this.origin, signer);
    this.#next = { size: checkpoint.size, text, own: line, cosignatures, witnesses };
    if (await this.#publishIfCosigned(this.#next)) return;
    await this.#store.write(logPrefix + nextCheckpointName, noteOf(this.#next));
  }

  /**
   * What somebody's `note` is worth, cheap questions first: its size, whether it is known, its form (at most one line
   * of a key and one of each member beside the log's own), whether its head is ours. Only cosignatures that are not
   * held are verified, up to the first that does not hold. Lines of unknown keys are passed over. Changes nothing.
   * @returns 'known' or 'behind' when it brings nothing
   * @throws {AuditError} 'malformed'
   */
  check(note: Uint8Array, tree: RootedTree): CheckedNote | 'known' | 'behind' {
    requireSize(note, limits.membersMax);
    const digest = this.#pure(digestOfNote, note);
    if (this.#spent.has(digest)) return 'known';
    const parsed = this.#pure(parseNote, note);
    const { text, signatures } = parsed;
    const head = this.#headOf(text);
    if (head === null) return this.#checkOther(digest, note, parsed, tree);
    const { witnesses, cosignatures, size } = head;
    const lines = memberLines(note, signatures, witnesses, false);
    // The text of an own head: its root need not be made again.
    const fresh = this.#verified(text, lines, witnesses, cosignatures);
    if (fresh.size > 0) return { kind: 'here', digest, text, size, lines: fresh };
    this.#spend(digest);
    return 'known';
  }

  /** As `check`, for a head that is none of the two kept here. */
  #checkOther(
    digest: Digest,
    note: Uint8Array,
    { text, signatures }: SignedNote,
    tree: RootedTree,
  ): CheckedNote | 'known' | 'behind' {
    const { size, root } = this.checkpointOf(text);
    const facts = { digest, text, size };
    const witnesses = this.#witnessesOf(size);
    // Of a larger tree there may be other members, whose keys are not known here yet.
    const isAhead = size > tree.size;
    const lines = memberLines(note, signatures, witnesses, isAhead);
    if (isAhead) {
      const held = this.#ahead.get(text)?.lines;
      const fresh = this.#verified(text, lines, witnesses, held);
      return fresh.size === 0 ? 'known' : { kind: 'ahead', ...facts, lines: fresh };
    }
    if (equalBytes(tree.root(size), root)) return 'behind';
    // One valid line makes it evidence.
    const fresh = this.#verified(text, new Map([...lines].slice(0, 1)), witnesses);
    return fresh.size === 0 ? 'behind' : { kind: 'fork', ...facts, lines: fresh };
  }

  /** Takes the cosignatures of a checked note, though the tree may have grown since. */
  async merge(note: CheckedNote, tree: RootedTree): Promise<MergeOutcome> {
    const { kind, digest, text, size, lines } = note;
    if (size > tree.size) return this.#keepAhead(text, size, lines);
    this.#spend(digest);
    const head = this.#headOf(text);
    if (head !== null) return this.#add(head, lines);
    if (kind === 'fork') return 'fork';
    // It was ahead, and what we reached is another tree, or a larger one.
    return kind === 'ahead' && size === tree.size ? 'fork' : 'behind';
  }

  /** @throws {AuditError} 'malformed' unless `text` is a checkpoint of this log */
  checkpointOf(text: string): Checkpoint {
    const checkpoint = parseCheckpoint(text);
    if (checkpoint.origin === this.origin) return checkpoint;
    throw malformed('checkpoint', `origin ${this.origin}`);
  }

  async #add(head: Head, lines: Cosignatures): Promise<MergeOutcome> {
    const all = linesOf(lines.values(), head.witnesses);
    const fresh = [...all].filter(([index]) => !head.cosignatures.has(index));
    if (fresh.length === 0) return 'known';
    for (const [index, line] of fresh) head.cosignatures.set(index, line);
    if (head === this.#cosigned) {
      // What comes after the quorum is written once: with the last line, or before the next head.
      this.#isCosignedStale = true;
      if (head.cosignatures.size === head.witnesses.ids.length) await this.#writeCosigned(head);
      return 'added';
    }
    // Short of a quorum the lines stay in memory: they can be asked for again, our own is on the disk.
    return (await this.#publishIfCosigned(head)) ? 'cosigned' : 'added';
  }

  async #publishIfCosigned(head: Head): Promise<boolean> {
    if (head.cosignatures.size < quorumOf(head.witnesses.ids.length)) return false;
    await this.#writeCosigned(head);
    this.#cosigned = head;
    await this.#dropNext();
    return true;
  }

  async #writeCosigned(head: Head): Promise<void> {
    await this.#store.write(logPrefix + checkpointName, noteOf(head));
    this.#isCosignedStale = false;
  }

  async #dropNext(): Promise<void> {
    this.#next = null;
    await this.#store.remove(logPrefix + nextCheckpointName);
  }

  #keepAhead(text: string, size: number, lines: Cosignatures): 'ahead' {
    const held = this.#ahead.get(text)?.lines ?? [];
    this.#ahead.set(text, { size, lines: new Map([...held, ...lines]) });
    if (this.#ahead.size > aheadMax) {
      // The farthest head goes first: a liar must not push out the one we reach next.
      const [farthest] = [...this.#ahead].sort((a, b) => b[1].size - a[1].size);
      if (farthest !== undefined) this.#ahead.delete(farthest[0]);
    }
    return 'ahead';
  }

  #headOf(text: string): Head | null {
    if (this.#next?.text === text) return this.#next;
    return this.#cosigned?.text === text ? this.#cosigned : null;
  }

  #spend(digest: Digest): void {
    if (this.#spent.size >= spentMax) this.#spent.clear();
    this.#spent.add(digest);
  }

  /** Those of `lines` that are not in `held`, each verified. @throws {AuditError} 'malformed' at the first false one */
  #verified(
    text: string,
    lines: Cosignatures,
    { keys }: Witnesses,
    held: Cosignatures = new Map(),
  ): Map<number, NoteSignature> {
    const fresh = new Map([...lines].filter(([index]) => !held.has(index)));
    for (const [index, signature] of fresh) {
      const key = keys[index];
      if (key !== undefined && verifyNoteSignature(text, signature, key, this.#verify)) continue;
      throw malformed('checkpoint', `a valid cosignature of ${signature.name}`);
    }
    return fresh;
  }

  async #read(name: string, tree: RootedTree): Promise<Head | null> {
    const bytes = await this.#store.read(logPrefix + name);
    if (bytes === null) return null;
    const { text, signatures } = parseNote(bytes);
    const { size, root } = this.checkpointOf(text);
    const own = signatures.find((line) =>
      this.#logKeys.some((key) => verifyNoteSignature(text, line, key, this.#verify)),
    );
    if (size > tree.size || !equalBytes(tree.root(size), root) || own === undefined) {
      throw corruptLog(name, 'a head of this tree, signed by this node');
    }
    const witnesses = this.#witnessesOf(size);
    const lines = memberLines(bytes, signatures, witnesses, false);
    return { size, text, own, witnesses, cosignatures: this.#verified(text, lines, witnesses) };
  }

  /** Who vouches for the tree of `size`; of a larger tree than this log has, as far as it is known. */
  #witnessesOf(size: number): Witnesses {
    const version = this.#versions.at(size);
    const known = this.#witnesses.get(version);
    if (known !== undefined) return known;
    const made = witnessesOf(version);
    this.#witnesses.set(version, made);
    return made;
  }
}

function digestOfNote(note: Uint8Array): Digest {
  return digestOf(note);
}

function noteOf(head: Head): Uint8Array {
  const cosignatures = [...head.cosignatures].sort(([a], [b]) => a - b).map(([, line]) => line);
  return formatNote({ text: head.text, signatures: [head.own, ...cosignatures] });
}
