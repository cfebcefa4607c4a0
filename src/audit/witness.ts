/**
 * The rule of a witness (C2SP tlog-witness): cosign only a consistent extension of what was cosigned last,
 * and put it on the disk before answering. A restarted node therefore never cosigns two histories.
 */
import { equalBytes, type Clock, type Store } from '../base/index.ts';
import type { Signer, VerifyBytes } from '../crypto/index.ts';
import {
  cosignCheckpoint,
  formatCheckpoint,
  parseCheckpoint,
  verifyNoteSignature,
  type Checkpoint,
} from './checkpoint.ts';
import { AuditError } from './errors.ts';
import { formatNote, noteKeyTypes, parseNote, type NoteSignature } from './signed-note.ts';

/** The note last cosigned. It stands beside the log, because it is not part of it. */
export const witnessStateName = 'witness/last-cosigned';

/** Why a witness declined: an older head, or one that contradicts the last. */
export type WitnessRefusal = 'behind' | 'fork';

/** A witness's name and key, and the clock of its cosignatures. */
export interface WitnessOptions {
  readonly name: string;
  readonly signer: Signer;
  /** Keys that this witness had before: what they cosigned last still counts. */
  readonly former?: readonly Uint8Array[];
  readonly clock: Pick<Clock, 'nowMs'>;
  /** Checks what the disk holds; Ed25519 when absent. */
  readonly verify?: VerifyBytes | undefined;
}

interface Cosigned {
  readonly checkpoint: Checkpoint;
  readonly line: NoteSignature;
  /** Whether the line is of the present key. */
  readonly isOwn: boolean;
}

/** One witness key and the last head it cosigned. Calls must not overlap. */
export class Witness {
  readonly #store: Store;
  readonly #options: WitnessOptions;
  #last: Cosigned | null;

  private constructor(store: Store, options: WitnessOptions, last: Cosigned | null) {
    this.#store = store;
    this.#options = options;
    this.#last = last;
  }

  /** @throws {AuditError} 'corrupt_log' when the stored note does not verify: never start afresh. */
  static async open(store: Store, options: WitnessOptions): Promise<Witness> {
    const bytes = await store.read(witnessStateName);
    return new Witness(store, options, bytes === null ? null : readState(bytes, options));
  }

  /**
   * A cosignature of `checkpoint`, durable before it is given. `rootAt(size)` is the root of the same log
   * at an earlier size, as shown by a consistency proof or by holding the whole log. The same head gets
   * the same cosignature again.
   */
  async cosign(
    checkpoint: Checkpoint,
    rootAt: (size: number) => Uint8Array,
  ): Promise<NoteSignature | WitnessRefusal> {
    const last = this.#last;
    if (last !== null) {
      const { origin, size, root } = last.checkpoint;
      if (checkpoint.origin !== origin) return 'fork';
      if (checkpoint.size < size) return 'behind';
      if (!equalBytes(checkpoint.size === size ? checkpoint.root : rootAt(size), root)) {
        return 'fork';
      }
      if (checkpoint.size === size && last.isOwn) return last.line;
    }
    const { name, signer, clock } = this.#options;
    const text = formatCheckpoint(checkpoint);
    const line = cosignCheckpoint(text, name, signer, Math.floor(clock.nowMs() / 1000));
    await this.#store.write(witnessStateName, formatNote({ text, signatures: [line] }));
    this.#last = { checkpoint, line, isOwn: true };
    return line;
  }
}

function readState(
  bytes: Uint8Array,
  { name, signer, former = [], verify }: WitnessOptions,
): Cosigned {
  let cause: unknown;
  try {
    const { text, signatures } = parseNote(bytes);
    for (const publicKey of [signer.publicKey, ...former]) {
      const key = { name, type: noteKeyTypes.witness, publicKey };
      const line = signatures.find((one) => verifyNoteSignature(text, one, key, verify));
      const isOwn = publicKey === signer.publicKey;
      if (line !== undefined) return { checkpoint: parseCheckpoint(text), line, isOwn };
    }
  } catch (error) {
    cause = error;
  }
  throw new AuditError(
    { code: 'corrupt_log', file: witnessStateName },
    `${witnessStateName}: expected the last cosigned checkpoint`,
    { cause },
  );
}
