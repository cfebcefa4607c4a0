/**
 * What a node asks of witnesses outside the consortium (C2SP tlog-witness): a cosignature of each head that a quorum of the
 * members has cosigned. A witness that does not answer stops nothing; what it said last is kept and told.
 */
import {
  equalBytes,
  fromUtf8,
  messageOf,
  printableLine,
  utf8,
  type Clock,
  type Store,
} from '../base/index.ts';
import {
  checkpointName,
  encodeWitnessRequest,
  formatNote,
  formatVkey,
  hashBytes,
  hashTilesOf,
  MerkleTree,
  parseCheckpoint,
  parseNote,
  parseSignatureLine,
  tilePath,
  tileWidth,
  verifyNoteSignature,
  type Checkpoint,
  type LogDirectory,
  type NoteKey,
  type NoteSignature,
} from '../audit/index.ts';
import { digestOf } from '../crypto/index.ts';
import { AuditorError } from './errors.ts';
import { badAnswer } from './web-fetch.ts';
import type { OutsideWitness } from './witness-settings.ts';

/** Sends a body to a URL. @throws {AuditorError} 'unreachable', 'bad_answer' */
export type PostBytes = (
  url: string,
  body: Uint8Array,
  bytesMax: number,
) => Promise<{ readonly status: number; readonly body: Uint8Array }>;

/** What a `WitnessClient` works with. */
export interface WitnessClientPorts {
  readonly log: Pick<LogDirectory, 'read'>;
  /** Where what the witnesses cosigned is kept, beside the log. */
  readonly store: Pick<Store, 'read' | 'write'>;
  readonly post: PostBytes;
  readonly clock: Pick<Clock, 'nowMs'>;
}

/** How it stands with one witness. */
export interface WitnessState {
  readonly name: string;
  /** Entries of the largest head that it cosigned; 0 before the first. */
  readonly size: number;
  /** When it last answered, ms since 1970; null before. */
  readonly atMs: number | null;
  /** Why the last request came to nothing; null when it did not. */
  readonly problem: string | null;
}

const answerBytesMax = 64 * 1024;

/** Where the head that a witness cosigned last lies in a node's store. */
export function outsideNoteName({ name }: NoteKey): string {
  return `witness/outside/${digestOf(utf8(name)).slice(0, 16)}`;
}

/** See the file's header. Calls of `submit` must not overlap. */
export class WitnessClient {
  readonly #witnesses: readonly OutsideWitness[];
  readonly #ports: WitnessClientPorts;
  readonly #states = new Map<string, WitnessState>();
  #tree = new MerkleTree();

  constructor(witnesses: readonly OutsideWitness[], ports: WitnessClientPorts) {
    this.#witnesses = witnesses;
    this.#ports = ports;
  }

  /** Of each witness, in the order of the settings. */
  get states(): readonly WitnessState[] {
    return this.#witnesses.map(({ key: { name } }) => {
      return this.#states.get(name) ?? { name, size: 0, atMs: null, problem: null };
    });
  }

  /** Asks every witness that has not cosigned the log's head yet. Never throws for what a witness does. */
  async submit(): Promise<readonly WitnessState[]> {
    const bytes = await this.#ports.log.read(checkpointName);
    if (bytes === null) return this.states;
    const { text, signatures } = parseNote(bytes);
    const checkpoint = parseCheckpoint(text);
    const own = signatures.filter(({ name }) => name === checkpoint.origin);
    const head: Head = { text, own, checkpoint, tree: await this.#treeOf(checkpoint) };
    await Promise.all(this.#witnesses.map((witness) => this.#ask(witness, head)));
    return this.states;
  }

  async #ask(witness: OutsideWitness, head: Head): Promise<void> {
    const { key } = witness;
    const { name } = key;
    const before = this.#states.get(name);
    let size = before?.size ?? (await this.#kept(key));
    if (size >= head.checkpoint.size && before?.problem == null) {
      this.#states.set(name, { name, size, atMs: before?.atMs ?? null, problem: null });
      return;
    }
    let problem: string | null = null;
    let atMs = before?.atMs ?? null;
    try {
      const line = await this.#cosigned(witness, head, size);
      const note = formatNote({ text: head.text, signatures: [...head.own, line] });
      await this.#ports.store.write(outsideNoteName(key), note);
      size = head.checkpoint.size;
      atMs = this.#ports.clock.nowMs();
    } catch (error) {
      problem = messageOf(error).slice(0, 300);
    }
    this.#states.set(name, { name, size, atMs, problem });
  }

  /** @param size what the witness cosigned last, as far as this node knows */
  async #cosigned(witness: OutsideWitness, head: Head, size: number): Promise<NoteSignature> {
    const { url, key } = witness;
    const { text, own, checkpoint, tree } = head;
    let oldSize = size;
    for (let attempt = 1; ; attempt++) {
      if (oldSize > checkpoint.size) {
        throw badAnswer(
          url,
          `it has cosigned ${oldSize} entries, and this log has ${checkpoint.size}: is this an old copy?`,
        );
      }
      const proof = oldSize === 0 ? [] : tree.consistencyProof(oldSize, checkpoint.size);
      const note = formatNote({ text, signatures: own });
      const body = encodeWitnessRequest({ oldSize, proof, note });
      const answer = await this.#ports.post(`${url}add-checkpoint`, body, answerBytesMax);
      if (answer.status === 200) return lineOf(answer.body, head, witness);
      const said = wordsOf(answer.body);
      const known =
        answer.status === 409 && /^(0|[1-9][0-9]{0,14})$/.test(said) ? Number(said) : null;
      if (known === null)
        throw badAnswer(url, `expected the status 200, got ${answer.status}: ${said}`);
      if (known === oldSize) {
        throw badAnswer(
          url,
          `${key.name} has cosigned another tree of ${known} entries of ${checkpoint.origin}: somebody shows two histories, keep this log and ask its operator for that head`,
        );
      }
      if (attempt > 1) throw badAnswer(url, 'others submit heads of this log at the same time');
      oldSize = known;
    }
  }

  /** The tree of a head, from the tiles of its leaves; those that are known already are not read again. */
  async #treeOf({ size, root }: Checkpoint): Promise<MerkleTree> {
    const tree = this.#tree;
    tree.truncate(Math.floor(Math.min(tree.size, size) / tileWidth) * tileWidth);
    for (const tile of hashTilesOf(size)) {
      if (tile.level > 0 || tile.index * tileWidth < tree.size) continue;
      const bytes = await this.#ports.log.read(tilePath(tile));
      for (let at = 0; at + hashBytes <= (bytes?.byteLength ?? 0); at += hashBytes) {
        tree.append(bytes?.slice(at, at + hashBytes) ?? new Uint8Array(hashBytes));
      }
    }
    if (tree.size === size && equalBytes(tree.root(), root)) return tree;
    this.#tree = new MerkleTree();
    throw new AuditorError(
      { code: 'damaged_file', file: checkpointName },
      'the tiles of the log do not make its checkpoint; "annulus audit verify" says what is wrong',
    );
  }

  /** Size of the head that the witness cosigned for this node, as the disk has it; 0 for none. */
  async #kept(key: NoteKey): Promise<number> {
    const bytes = await this.#ports.store.read(outsideNoteName(key));
    if (bytes === null) return 0;
    try {
      const { text, signatures } = parseNote(bytes);
      const isGood = signatures.some((line) => verifyNoteSignature(text, line, key));
      return isGood ? parseCheckpoint(text).size : 0;
    } catch {
      return 0; // the witness says what it cosigned
    }
  }
}

/** A head to be cosigned. */
interface Head {
  readonly text: string;
  /** The log's own signature. */
  readonly own: readonly NoteSignature[];
  readonly checkpoint: Checkpoint;
  readonly tree: MerkleTree;
}

/** The witness's line among those that it answered. */
function lineOf(body: Uint8Array, { text }: Head, { key, url }: OutsideWitness): NoteSignature {
  try {
    const lines = fromUtf8(body).trimEnd().split('\n').map(parseSignatureLine);
    const line = lines.find((one) => verifyNoteSignature(text, one, key));
    if (line !== undefined) return line;
  } catch {
    // Told below.
  }
  throw badAnswer(
    url,
    `expected a cosignature by the key ${formatVkey(key)}, got none: is the key right?`,
  );
}

function wordsOf(body: Uint8Array): string {
  try {
    return printableLine(fromUtf8(body.subarray(0, 200)).trim());
  } catch {
    return 'bytes that are no text';
  }
}
