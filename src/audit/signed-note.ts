/**
 * C2SP signed-note: text, a blank line, then signature lines `— <name> base64(key id || signature)`.
 *
 *   key id = SHA-256(name || "\n" || type || public key)[:4]
 *
 * https://c2sp.org/signed-note. Only the two key types that the log uses are known here.
 */
import { base64, concatBytes, equalBytes, fromBase64, fromUtf8, hex, utf8 } from '../base/index.ts';
import { sha256 } from '../crypto/index.ts';
import { malformed } from './errors.ts';

/** Signature types: 0x01 plain Ed25519 (a log), 0x04 timestamped Ed25519 cosignature (a witness). */
export const noteKeyTypes = { log: 0x01, witness: 0x04 } as const;

/** The public half of a named note key. */
export interface NoteKey {
  readonly name: string;
  readonly type: number;
  /** Ed25519, 32 bytes. */
  readonly publicKey: Uint8Array;
}

/** One signature line, unchecked. */
export interface NoteSignature {
  readonly name: string;
  /** 4 bytes. */
  readonly keyId: Uint8Array;
  readonly signature: Uint8Array;
}

/** A note taken apart, unchecked. `text` ends in a newline. */
export interface SignedNote {
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

const emDash = '—';
const noteBytesMax = 64 * 1024;
const nameForm = /^[^\s+\p{Z}]+$/u;
// Every ASCII control character but the newline.
// eslint-disable-next-line no-control-regex
const controls = /[\u0000-\u0009\u000b-\u001f]/;

/** The four bytes that stand before a signature. */
export function keyIdOf(key: NoteKey): Uint8Array {
  return sha256(utf8(`${key.name}\n`), Uint8Array.of(key.type), key.publicKey).slice(0, 4);
}

/** The verifier key text `<name>+<hex key id>+base64(type || public key)`. */
export function formatVkey(key: NoteKey): string {
  const material = concatBytes(Uint8Array.of(key.type), key.publicKey);
  return `${key.name}+${hex(keyIdOf(key))}+${base64(material)}`;
}

/** @throws {AuditError} 'malformed' unless `text` is a verifier key whose id matches. */
export function parseVkey(text: string): NoteKey {
  const parts = /^([^\s+\p{Z}]+)\+([0-9a-f]{8})\+(.+)$/u.exec(text);
  const material = fromBase64(parts?.[3] ?? '');
  if (parts === null || material?.byteLength !== 33) {
    throw malformed('verifier key', 'name+id+base64 of one type byte and 32 key bytes');
  }
  const key = { name: parts[1] ?? '', type: material[0] ?? 0, publicKey: material.slice(1) };
  if (hex(keyIdOf(key)) !== parts[2]) throw malformed('verifier key', 'the id of its name and key');
  return key;
}

/** One signature line with its newline. */
export function formatSignatureLine(signature: NoteSignature): string {
  return `${emDash} ${signature.name} ${base64(concatBytes(signature.keyId, signature.signature))}\n`;
}

/** Text, blank line and lines, as bytes. */
export function formatNote(note: SignedNote): Uint8Array {
  return utf8(`${note.text}\n${note.signatures.map(formatSignatureLine).join('')}`);
}

/** @throws {AuditError} 'malformed' unless `line` is one signature line, with or without newline. */
export function parseSignatureLine(line: string): NoteSignature {
  const [dash, name, text, ...rest] = line.replace(/\n$/, '').split(' ');
  const bytes = fromBase64(text ?? '');
  if (
    dash !== emDash ||
    name === undefined ||
    !nameForm.test(name) ||
    bytes === null ||
    bytes.byteLength <= 4 ||
    rest.length > 0
  ) {
    throw malformed('signature line', `"${emDash} name base64"`);
  }
  return { name, keyId: bytes.slice(0, 4), signature: bytes.slice(4) };
}

/** @throws {AuditError} 'malformed' unless `bytes` is a signed note with at least one line. */
export function parseNote(bytes: Uint8Array): SignedNote {
  if (bytes.byteLength > noteBytesMax) throw malformed('note', `at most ${noteBytesMax} bytes`);
  let whole: string;
  try {
    whole = fromUtf8(bytes);
  } catch {
    throw malformed('note', 'UTF-8');
  }
  const split = whole.lastIndexOf('\n\n');
  if (controls.test(whole) || split < 0 || !whole.endsWith('\n')) {
    throw malformed('note', 'text, an empty line and signature lines, without control characters');
  }
  const lines = whole.slice(split + 2, -1).split('\n');
  return { text: whole.slice(0, split + 1), signatures: lines.map(parseSignatureLine) };
}

/** Whether `signature` carries the name and key id of `key`; says nothing of its validity. */
export function isBy(signature: NoteSignature, key: NoteKey): boolean {
  return signature.name === key.name && equalBytes(signature.keyId, keyIdOf(key));
}
