/**
 * A node's own log: what this node did, for who audits it later. In files under `node-log/<n>/` of its store, with tiles and
 * entries as the consortium log has, and a `checkpoint` that the node alone signs. Its head stands in every update that the
 * node sends, and so in the log of all: what was anchored there can be neither changed nor cut off unnoticed.
 *
 * Order of writing: bundles, tiles, then the checkpoint, which commits them. A head that was given out is on the disk. A disk
 * that does not hold what was anchored (an old backup) goes on with another log, whose first entry says so.
 */
import { hex, invariant, makeNow, type Digest, type NodeId, type Store } from '../base/index.ts';
import { verifyRaw, type Signer, type VerifyBytes } from '../crypto/index.ts';
import { WireError, type NodeLogHead } from '../wire/index.ts';
import {
  formatCheckpoint,
  parseCheckpoint,
  signCheckpoint,
  verifyNoteSignature,
} from './checkpoint.ts';
import { AuditError, malformed } from './errors.ts';
import { checkpointName } from './log-files.ts';
import { encodeNodeEntry, type NodeEntry, type NodeEvent } from './node-events.ts';
import { formatNote, noteKeyTypes, parseNote } from './signed-note.ts';
import { StoredTree } from './stored-tree.ts';

/** Prefix of own logs inside a node's store. */
export const nodeLogPrefix = 'node-log/';
/** Present where the store is a copy: the log that lies beside it may be older than what its node has anchored since. */
export const nodeLogRestoredName = 'node-log/restored';

/** First line of the checkpoints of a node's log number `log`. */
export function nodeLogOrigin(node: NodeId, log: number): string {
  return `${node}/${log}`;
}

/** The folder of log number `log`, with a slash at its end. */
export function nodeLogFolder(log: number): string {
  return `${nodeLogPrefix}${log}/`;
}

/** The number of the log that a file belongs to, by its name below `nodeLogPrefix`; 0 when to none. */
export function nodeLogOf(name: string): number {
  return Number(/^([1-9][0-9]{0,8})\//.exec(name)?.[1] ?? 0);
}

/** Who keeps the log. */
export interface NodeLogOptions {
  readonly self: NodeId;
  /** Signs checkpoints. */
  readonly signer: Signer;
  /** Log keys that this node has or had: by any of them the checkpoint on the disk may be signed. */
  readonly logKeys: readonly Uint8Array[];
  /** Ed25519 when absent. */
  readonly verify?: VerifyBytes;
}

/** Why a node goes on with another log. */
export type NewLogReason = Extract<NodeEvent, { readonly event: 'log-begun' }>['reason'];

/** See the file's header. Calls must not overlap. */
export class NodeLog {
  readonly #store: Store;
  readonly #options: NodeLogOptions;
  #log: number;
  #tree: StoredTree;
  /** Why nothing can be added to the log on the disk. */
  #endedBy: NewLogReason | null = null;

  private constructor(store: Store, options: NodeLogOptions, log: number) {
    this.#store = store;
    this.#options = options;
    this.#log = log;
    this.#tree = this.#treeOf(log);
  }

  /** The latest of the logs in `store`; a damaged one is left as it is, and the next begun by `settle`. */
  static async open(store: Store, options: NodeLogOptions): Promise<NodeLog> {
    const names = await store.list(nodeLogPrefix);
    // A log is there once its checkpoint is.
    const numbers = names
      .filter((name) => name.endsWith(`/${checkpointName}`))
      .map((name) => nodeLogOf(name.slice(nodeLogPrefix.length)));
    const log = new NodeLog(store, options, Math.max(1, ...numbers));
    await log.#load();
    if (names.includes(nodeLogRestoredName)) log.#endedBy = 'restored';
    return log;
  }

  /** The head, which is on the disk; of size 0 before the first entry. */
  get head(): NodeLogHead {
    return { log: this.#log, size: this.#tree.size, root: hex(this.#tree.root()) as Digest };
  }

  /**
   * Sees to it that this log does not contradict the last head of this node that stands in the shared log.
   *
   * @returns why another log was begun, or null when this one goes on
   */
  async settle(anchor: NodeLogHead | null, atMs: number): Promise<NewLogReason | null> {
    const reason = this.#endedBy ?? (anchor === null || this.#holds(anchor) ? null : 'behind');
    if (reason === null) return null;
    this.#log = Math.max(this.#log, anchor?.log ?? 0) + 1;
    this.#tree = this.#treeOf(this.#log);
    this.#endedBy = null;
    await this.append([{ event: 'log-begun', reason, ...(anchor && { after: anchor }), atMs }]);
    await this.#store.remove(nodeLogRestoredName);
    return reason;
  }

  /**
   * Adds entries; the head with them is on the disk when it is given. After a failed write the log must be opened anew.
   *
   * @throws {WireError} 'malformed' for what is no event
   */
  async append(entries: readonly NodeEntry[]): Promise<NodeLogHead> {
    invariant(this.#endedBy === null, 'nothing is added to a log that has ended');
    const bytes = entries.map(encodeNodeEntry);
    // Until it is written memory and disk may differ.
    this.#endedBy = 'damaged';
    await this.#tree.append(bytes);
    const { self, signer } = this.#options;
    const origin = nodeLogOrigin(self, this.#log);
    const text = formatCheckpoint({ origin, size: this.#tree.size, root: this.#tree.root() });
    const note = formatNote({ text, signatures: [signCheckpoint(text, origin, signer)] });
    await this.#store.write(nodeLogFolder(this.#log) + checkpointName, note);
    await this.#tree.sweep(this.#tree.size);
    this.#endedBy = null;
    return this.head;
  }

  #holds({ log, size, root }: NodeLogHead): boolean {
    if (log !== this.#log) return log < this.#log;
    return size <= this.#tree.size && hex(this.#tree.root(size)) === root;
  }

  async #load(): Promise<void> {
    const note = await this.#store.read(nodeLogFolder(this.#log) + checkpointName);
    try {
      if (note !== null) {
        const { self, logKeys, verify } = this.#options;
        const { size, root } = openNodeCheckpoint(note, self, this.#log, logKeys, verify);
        await this.#tree.load(size, hex(root) as Digest);
      }
      await this.#tree.sweep(this.#tree.size);
    } catch (error) {
      if (!(error instanceof AuditError || error instanceof WireError)) throw error;
      this.#endedBy = 'damaged';
    }
  }

  #treeOf(log: number): StoredTree {
    return new StoredTree(this.#store, makeNow, nodeLogFolder(log));
  }
}

/**
 * Size and root of a checkpoint of log number `log` of `node`, signed by one of its keys, alone.
 *
 * @throws {AuditError} 'malformed'
 */
export function openNodeCheckpoint(
  note: Uint8Array,
  node: NodeId,
  log: number,
  logKeys: readonly Uint8Array[],
  verify: VerifyBytes = verifyRaw,
): { readonly size: number; readonly root: Uint8Array } {
  const { text, signatures } = parseNote(note);
  const { origin, size, root } = parseCheckpoint(text);
  const name = nodeLogOrigin(node, log);
  if (origin !== name) throw malformed('checkpoint', `the origin ${name}`);
  const isSigned = logKeys.some((publicKey) =>
    signatures.some((line) =>
      verifyNoteSignature(text, line, { name, type: noteKeyTypes.log, publicKey }, verify),
    ),
  );
  if (!isSigned || signatures.length !== 1) {
    throw malformed('checkpoint', `one signature, by a log key of ${node}`);
  }
  return { size, root };
}
