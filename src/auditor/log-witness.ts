/**
 * A witness of logs (C2SP tlog-witness): it cosigns a head that goes on from the last one it cosigned, and no other. Somebody
 * outside the consortium runs it, so that even all members together cannot show two histories with its signature on both.
 */
import { equalBytes, utf8, type Clock, type Store } from '../base/index.ts';
import {
  cosignCheckpoint,
  decodeWitnessRequest,
  formatNote,
  formatSignatureLine,
  noteKeyTypes,
  parseCheckpoint,
  parseNote,
  verifyConsistency,
  verifyNoteSignature,
  type Checkpoint,
  type NoteKey,
  type SignedNote,
  type WitnessRequest,
} from '../audit/index.ts';
import { digestOf, type Signer } from '../crypto/index.ts';
import { AuditorError } from './errors.ts';

/** What a witness is. */
export interface LogWitnessOptions {
  /** Its name in notes: a domain and a path, without blanks or `+`. */
  readonly name: string;
  readonly signer: Signer;
  /** Keys of the logs that it knows; a log's name is the origin of its checkpoints. */
  readonly logs: readonly NoteKey[];
  readonly clock: Pick<Clock, 'nowMs'>;
}

/** What is answered by HTTP. */
export interface WitnessAnswer {
  readonly status: 200 | 400 | 403 | 404 | 409 | 422;
  readonly type: string;
  readonly body: string;
}

const plain = 'text/plain; charset=utf-8';
/** The form of a body that only says how large the last cosigned tree is. */
const sizeType = 'text/x.tlog.size';

/** See the file's header. Requests are answered one after the other. */
export class LogWitness {
  readonly #store: Store;
  readonly #options: LogWitnessOptions;
  readonly #key: NoteKey;
  #queue: Promise<unknown> = Promise.resolve();

  constructor(store: Store, options: LogWitnessOptions) {
    this.#store = store;
    this.#options = options;
    const { name, signer } = options;
    this.#key = { name, type: noteKeyTypes.witness, publicKey: signer.publicKey };
  }

  /** The key that others know it by. */
  get key(): NoteKey {
    return this.#key;
  }

  /** Answers a request `add-checkpoint`. What it cosigns is on the disk before the answer. */
  add(body: Uint8Array): Promise<WitnessAnswer> {
    const answer = this.#queue.then(() => this.#answer(body));
    this.#queue = answer.catch(() => undefined);
    return answer;
  }

  async #answer(body: Uint8Array): Promise<WitnessAnswer> {
    let request: WitnessRequest;
    let note: SignedNote;
    let checkpoint: Checkpoint;
    try {
      request = decodeWitnessRequest(body);
      note = parseNote(request.note);
      checkpoint = parseCheckpoint(note.text);
    } catch (error) {
      return no(400, error instanceof Error ? error.message : 'malformed');
    }
    const { origin, size, root } = checkpoint;
    const keys = this.#options.logs.filter((key) => key.name === origin);
    if (keys.length === 0) return no(404, 'this witness does not know that log');
    const isSigned = note.signatures.some((line) =>
      keys.some((key) => verifyNoteSignature(note.text, line, key)),
    );
    if (!isSigned) return no(403, 'no signature of a key that this witness knows for that log');
    const { oldSize, proof } = request;
    if (oldSize > size) return no(400, 'the old size is larger than the new one');
    const last = await this.#last(origin);
    if (oldSize !== (last?.size ?? 0)) return conflict(last);
    if (last !== null && size === last.size && !equalBytes(root, last.root)) return conflict(last);
    const old = { oldSize, oldRoot: last?.root ?? new Uint8Array(32) };
    if (!verifyConsistency({ ...old, newSize: size, newRoot: root, proof })) {
      return no(422, 'the proof does not show that the new tree goes on from the old one');
    }
    return { status: 200, type: plain, body: await this.#cosign(note.text, origin) };
  }

  async #cosign(text: string, origin: string): Promise<string> {
    const { name, signer, clock } = this.#options;
    const line = cosignCheckpoint(text, name, signer, Math.floor(clock.nowMs() / 1000));
    await this.#store.write(stateName(origin), formatNote({ text, signatures: [line] }));
    return formatSignatureLine(line);
  }

  /** @throws {AuditorError} 'damaged_file': a witness that forgot what it saw would cosign another history */
  async #last(origin: string): Promise<Checkpoint | null> {
    const name = stateName(origin);
    const bytes = await this.#store.read(name);
    if (bytes === null) return null;
    try {
      const { text, signatures } = parseNote(bytes);
      const checkpoint = parseCheckpoint(text);
      const isOwn = signatures.some((line) => verifyNoteSignature(text, line, this.#key));
      if (isOwn && checkpoint.origin === origin) return checkpoint;
    } catch {
      // Told below.
    }
    throw new AuditorError(
      { code: 'damaged_file', file: name },
      `${name}: expected the head of ${origin} that this witness cosigned last, with its own signature; put it back from a backup, or begin a witness with a new key`,
    );
  }
}

function stateName(origin: string): string {
  return `seen/${digestOf(utf8(origin))}`;
}

function no(status: 400 | 403 | 404 | 422, reason: string): WitnessAnswer {
  return { status, type: plain, body: `${reason}\n` };
}

function conflict(last: Checkpoint | null): WitnessAnswer {
  return { status: 409, type: sizeType, body: `${last?.size ?? 0}\n` };
}
