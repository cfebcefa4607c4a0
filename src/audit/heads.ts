/**
 * The signed heads of a node's log: `checkpoint`, the latest that a quorum has cosigned, and
 * `checkpoint.next`, a larger one that still gathers cosignatures. Only the sealed one is published under
 * the name that tlog-tiles gives it, so whoever reads the directory always finds a head that verifies.
 */
import { equalBytes, invariant, type NodeId, type Store } from '../base/index.ts';
import type { Signer } from '../crypto/index.ts';
import type { SignedManifest } from '../wire/index.ts';
import {
  formatCheckpoint,
  parseCheckpoint,
  signCheckpoint,
  verifyNoteSignature,
  type Checkpoint,
} from './checkpoint.ts';
import { AuditError } from './errors.ts';
import { checkpointName, logPrefix, nextCheckpointName } from './log-files.ts';
import { logKeyOf, logOrigin, quorumSize, witnessKeyOf } from './policy.ts';
import { formatNote, parseNote, type NoteKey, type NoteSignature } from './signed-note.ts';
import { corruptLog } from './stored-tree.ts';

/**
 * What somebody else's checkpoint was to us: 'sealed' it completed our quorum, 'added' it brought new
 * cosignatures, 'known' nothing new, 'ahead' kept until we reach its size, 'behind' of an older head,
 * 'fork' it contradicts our tree (keep the note: it is evidence).
 */
export type MergeOutcome = 'sealed' | 'added' | 'known' | 'ahead' | 'behind' | 'fork';

/** Cosignatures by member index. */
export type Cosignatures = ReadonlyMap<number, NoteSignature>;

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
}

/** Heads ahead of us whose cosignatures are kept. */
const aheadMax = 8;

/** The heads of one node's log. Calls must not overlap. */
export class Heads {
  /** First line of every checkpoint. */
  readonly origin: string;
  readonly #store: Store;
  readonly #logKey: NoteKey;
  readonly #witnessKeys: readonly NoteKey[];
  readonly #ids: readonly NodeId[];
  #sealed: Head | null = null;
  #next: Head | null = null;
  readonly #ahead = new Map<string, { size: number; lines: Map<number, NoteSignature> }>();

  constructor(store: Store, consortium: SignedManifest, self: NodeId) {
    const { members } = consortium.manifest;
    const member = members.find((candidate) => candidate.id === self);
    invariant(member !== undefined, 'who keeps a consortium log is a member');
    this.#store = store;
    this.origin = logOrigin(consortium);
    this.#logKey = logKeyOf(consortium, member);
    this.#witnessKeys = members.map(witnessKeyOf);
    this.#ids = members.map((each) => each.id);
  }

  /** Size of the sealed tree; 0 before the first seal. */
  get sealedSize(): number {
    return this.#sealed?.size ?? 0;
  }

  /** Size of the latest signed tree; 0 before the first. */
  get latestSize(): number {
    return (this.#next ?? this.#sealed)?.size ?? 0;
  }

  /** The latest head with all cosignatures known, or `null`. */
  latest(): Uint8Array | null {
    const head = this.#next ?? this.#sealed;
    return head === null ? null : noteOf(head);
  }

  /** The sealed head, or `null`. */
  sealed(): Uint8Array | null {
    return this.#sealed === null ? null : noteOf(this.#sealed);
  }

  /** Whose cosignatures the latest head carries. */
  cosigners(): NodeId[] {
    const cosignatures = (this.#next ?? this.#sealed)?.cosignatures;
    return this.#ids.filter((_, index) => cosignatures?.has(index) === true);
  }

  /** Reads both files. @throws {AuditError} 'corrupt_log' or 'malformed' */
  async load(tree: RootedTree): Promise<void> {
    this.#sealed = await this.#read(checkpointName, tree);
    this.#next = await this.#read(nextCheckpointName, tree);
    // A crash between sealing a head and removing its forerunner.
    if (this.#next !== null && this.#next.size <= this.sealedSize) await this.#dropNext();
  }

  /** Signs `checkpoint` as the latest head, with `own` as this node's cosignature where it gave one. */
  async sign(checkpoint: Checkpoint, signer: Signer, own: NoteSignature | null): Promise<void> {
    const text = formatCheckpoint(checkpoint);
    const cosignatures = new Map(this.#ahead.get(text)?.lines);
    for (const [key, { size }] of this.#ahead) if (size <= checkpoint.size) this.#ahead.delete(key);
    const index = this.#witnessKeys.findIndex((key) => key.name === own?.name);
    if (own !== null) cosignatures.set(index, own);
    const line = signCheckpoint(text, this.origin, signer);
    this.#next = { size: checkpoint.size, text, own: line, cosignatures };
    if (await this.#seal(this.#next)) return;
    await this.#store.write(logPrefix + nextCheckpointName, noteOf(this.#next));
  }

  /** Takes the cosignatures of somebody's `note`. @throws {AuditError} 'malformed' */
  async merge(note: Uint8Array, tree: RootedTree): Promise<MergeOutcome> {
    const { text, signatures } = parseNote(note);
    const { size, root } = this.checkpointOf(text);
    const lines = this.#memberLines(text, signatures);
    if (size > tree.size) return this.#keepAhead(text, size, lines);
    if (!equalBytes(tree.root(size), root)) return lines.size > 0 ? 'fork' : 'behind';
    const head = [this.#next, this.#sealed].find((candidate) => candidate?.text === text) ?? null;
    return head === null ? 'behind' : this.#add(head, lines);
  }

  /** @throws {AuditError} 'malformed' unless `text` is a checkpoint of this log */
  checkpointOf(text: string): Checkpoint {
    const checkpoint = parseCheckpoint(text);
    if (checkpoint.origin === this.origin) return checkpoint;
    throw new AuditError(
      { code: 'malformed', what: 'checkpoint', expected: `origin ${this.origin}` },
      `checkpoint: expected the origin ${this.origin}`,
    );
  }

  async #add(head: Head, lines: Cosignatures): Promise<MergeOutcome> {
    const fresh = [...lines].filter(([index]) => !head.cosignatures.has(index));
    if (fresh.length === 0) return 'known';
    for (const [index, line] of fresh) head.cosignatures.set(index, line);
    if (head === this.#sealed) {
      await this.#store.write(logPrefix + checkpointName, noteOf(head));
      return 'added';
    }
    // Short of a quorum the lines stay in memory: they can be asked for again, our own is on the disk.
    return (await this.#seal(head)) ? 'sealed' : 'added';
  }

  async #seal(head: Head): Promise<boolean> {
    if (head.cosignatures.size < quorumSize(this.#witnessKeys.length)) return false;
    await this.#store.write(logPrefix + checkpointName, noteOf(head));
    this.#sealed = head;
    await this.#dropNext();
    return true;
  }

  async #dropNext(): Promise<void> {
    this.#next = null;
    await this.#store.remove(logPrefix + nextCheckpointName);
  }

  #keepAhead(text: string, size: number, lines: Cosignatures): 'ahead' {
    if (lines.size === 0) return 'ahead';
    const held = this.#ahead.get(text)?.lines ?? [];
    this.#ahead.set(text, { size, lines: new Map([...held, ...lines]) });
    if (this.#ahead.size > aheadMax) {
      // The farthest head goes first: a liar must not push out the one we reach next.
      const [farthest] = [...this.#ahead].sort((a, b) => b[1].size - a[1].size);
      if (farthest !== undefined) this.#ahead.delete(farthest[0]);
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

  async #read(name: string, tree: RootedTree): Promise<Head | null> {
    const bytes = await this.#store.read(logPrefix + name);
    if (bytes === null) return null;
    const { text, signatures } = parseNote(bytes);
    const { size, root } = this.checkpointOf(text);
    const own = signatures.find((line) => verifyNoteSignature(text, line, this.#logKey));
    if (size > tree.size || !equalBytes(tree.root(size), root) || own === undefined) {
      throw corruptLog(name, 'a head of this tree, signed by this node');
    }
    return { size, text, own, cosignatures: this.#memberLines(text, signatures) };
  }
}

function noteOf(head: Head): Uint8Array {
  const cosignatures = [...head.cosignatures].sort(([a], [b]) => a - b).map(([, line]) => line);
  return formatNote({ text: head.text, signatures: [head.own, ...cosignatures] });
}
