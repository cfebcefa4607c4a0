/**
 * C2SP tlog-checkpoint and the Ed25519 form of tlog-cosignature.
 *
 *   checkpoint text = origin "\n" size "\n" base64(root) "\n"
 *   a log signs       the text                                            (type 0x01)
 *   a witness signs   "cosignature/v1\ntime <seconds>\n" || text          (type 0x04),
 *                     and its line holds u64 seconds || signature
 *
 * https://c2sp.org/tlog-checkpoint, https://c2sp.org/tlog-cosignature
 */
import { base64, concatBytes, fromBase64, invariant, utf8 } from '../base/index.ts';
import { verifyRaw, type Signer, type VerifyBytes } from '../crypto/index.ts';
import { malformed } from './errors.ts';
import { hashBytes } from './merkle-tree.ts';
import { isBy, keyIdOf, noteKeyTypes, type NoteKey, type NoteSignature } from './signed-note.ts';

/** What a checkpoint says: the tree of `origin` had `root` at `size`. */
export interface Checkpoint {
  readonly origin: string;
  readonly size: number;
  readonly root: Uint8Array;
}

const signatureBytes = 64;
const timeBytes = 8;

/** The note text of a checkpoint. */
export function formatCheckpoint(checkpoint: Checkpoint): string {
  return `${checkpoint.origin}\n${checkpoint.size}\n${base64(checkpoint.root)}\n`;
}

/** @throws {AuditError} 'malformed' unless `text` is origin, size and root; no extension lines. */
export function parseCheckpoint(text: string): Checkpoint {
  const [origin, sizeText, rootText, end, ...rest] = text.split('\n');
  const root = fromBase64(rootText ?? '');
  const size = /^(?:0|[1-9][0-9]{0,14})$/.test(sizeText ?? '') ? Number(sizeText) : -1;
  if (
    origin === undefined ||
    origin === '' ||
    size < 0 ||
    root?.byteLength !== hashBytes ||
    end !== '' ||
    rest.length > 0
  ) {
    throw malformed('checkpoint', 'three lines: origin, size, base64 of the root');
  }
  return { origin, size, root };
}

/** The log's own signature line over a checkpoint's text. */
export function signCheckpoint(text: string, name: string, signer: Signer): NoteSignature {
  const key = { name, type: noteKeyTypes.log, publicKey: signer.publicKey };
  return { name, keyId: keyIdOf(key), signature: signer.signRaw(utf8(text)) };
}

/** A witness's cosignature line over a checkpoint's text, at `timeSeconds` since 1970. */
export function cosignCheckpoint(
  text: string,
  name: string,
  signer: Signer,
  timeSeconds: number,
): NoteSignature {
  invariant(Number.isSafeInteger(timeSeconds) && timeSeconds >= 0, 'a time is whole seconds');
  const key = { name, type: noteKeyTypes.witness, publicKey: signer.publicKey };
  const time = new Uint8Array(timeBytes);
  new DataView(time.buffer).setBigUint64(0, BigInt(timeSeconds));
  const signature = signer.signRaw(cosignedBytes(text, BigInt(timeSeconds)));
  return { name, keyId: keyIdOf(key), signature: concatBytes(time, signature) };
}

/** Whether `signature` is by `key` and valid over `text`: plain for a log, timed for a witness. */
export function verifyNoteSignature(
  text: string,
  signature: NoteSignature,
  key: NoteKey,
  verify: VerifyBytes = verifyRaw,
): boolean {
  if (!isBy(signature, key)) return false;
  const bytes = signature.signature;
  if (key.type === noteKeyTypes.log) {
    return bytes.byteLength === signatureBytes && verify(key.publicKey, utf8(text), bytes);
  }
  if (key.type !== noteKeyTypes.witness || bytes.byteLength !== timeBytes + signatureBytes) {
    return false;
  }
  const time = cosignatureTime(signature);
  const signed = cosignedBytes(text, time);
  return time < 2n ** 63n && verify(key.publicKey, signed, bytes.slice(timeBytes));
}

/** Seconds since 1970 that a cosignature claims. */
export function cosignatureTime(signature: NoteSignature): bigint {
  const { buffer, byteOffset, byteLength } = signature.signature;
  return byteLength < timeBytes ? 0n : new DataView(buffer, byteOffset).getBigUint64(0);
}

function cosignedBytes(text: string, timeSeconds: bigint): Uint8Array {
  return utf8(`cosignature/v1\ntime ${timeSeconds.toString()}\n${text}`);
}
