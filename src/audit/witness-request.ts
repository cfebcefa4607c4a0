/**
 * The body of a request for a cosignature (C2SP tlog-witness, add-checkpoint): which head the witness saw last, a proof that the
 * new one goes on from it, an empty line, and the new checkpoint.
 */
import { base64, concatBytes, fromBase64, fromUtf8, utf8 } from '../base/index.ts';
import { malformed } from './errors.ts';
import { hashBytes } from './merkle-tree.ts';

/** What a log asks of a witness. */
export interface WitnessRequest {
  /** Size of the head that the witness cosigned last; 0 for none. */
  readonly oldSize: number;
  /** RFC 6962, 2.1.2; empty where `oldSize` is 0. */
  readonly proof: readonly Uint8Array[];
  /** The signed checkpoint. */
  readonly note: Uint8Array;
}

/** Hashes of a proof in a tree of at most 2^63 leaves. */
const proofLinesMax = 63;
/** Lines of a proof, and a checkpoint with the lines of many witnesses. */
export const witnessRequestBytesMax: number = 96 * 1024;

/** The body of the request. */
export function encodeWitnessRequest({ oldSize, proof, note }: WitnessRequest): Uint8Array {
  const lines = [`old ${oldSize}`, ...proof.map((hash) => base64(hash))];
  return concatBytes(utf8(`${lines.join('\n')}\n\n`), note);
}

/** @throws {AuditError} 'malformed' */
export function decodeWitnessRequest(bytes: Uint8Array): WitnessRequest {
  const refuse = (expected: string): Error => malformed('request to a witness', expected);
  if (bytes.byteLength > witnessRequestBytesMax) {
    throw refuse(`at most ${witnessRequestBytesMax} bytes`);
  }
  let text: string;
  try {
    text = fromUtf8(bytes);
  } catch {
    throw refuse('UTF-8');
  }
  const end = text.indexOf('\n\n');
  if (end < 0) throw refuse('the line "old <size>", a proof, an empty line and a checkpoint');
  const [old, ...hashes] = text.slice(0, end).split('\n');
  const [, size] = /^old (0|[1-9][0-9]{0,14})$/.exec(old ?? '') ?? [];
  if (size === undefined) throw refuse('"old <size>" in the first line');
  if (hashes.length > proofLinesMax) throw refuse(`at most ${proofLinesMax} lines of a proof`);
  const proof = hashes.map((line) => {
    const hash = fromBase64(line);
    if (hash?.byteLength !== hashBytes) throw refuse('a hash in base64 in each line of the proof');
    return hash;
  });
  return { oldSize: Number(size), proof, note: utf8(text.slice(end + 2)) };
}
