/** Who vouches for the heads of a log: the witnesses of one version of the manifest, and whose line is whose. */
import { hex, type NodeId } from '../base/index.ts';
import { limits, type SignedManifest } from '../wire/index.ts';
import { malformed } from './errors.ts';
import { witnessKeyOf } from './policy.ts';
import { isBy, type NoteKey, type NoteSignature } from './signed-note.ts';

/** Cosignatures by member index. */
export type Cosignatures = ReadonlyMap<number, NoteSignature>;

/** Room for a head's text, and for one signature line: a name of at most 100 bytes and 104 of base64. */
const textBytesMax = 512;
const lineBytesMax = 256;

/** Who cosigns trees of one version of the manifest, in its order. */
export interface Witnesses {
  readonly keys: readonly NoteKey[];
  readonly ids: readonly NodeId[];
  readonly indexOf: ReadonlyMap<string, number>;
}

/** The witnesses of a version. */
export function witnessesOf({ manifest: { members } }: SignedManifest): Witnesses {
  const keys = members.map(witnessKeyOf);
  const indexOf = new Map(keys.map(({ name }, index) => [name, index]));
  return { keys, ids: members.map(({ id }) => id), indexOf };
}

/** @throws {AuditError} 'malformed' when a note is larger than one of `memberCount` members can be */
export function requireSize(note: Uint8Array, memberCount: number): void {
  const bytesMax = textBytesMax + (memberCount + 1) * lineBytesMax;
  if (note.byteLength > bytesMax) throw malformed('checkpoint', `at most ${bytesMax} bytes`);
}

/**
 * Lines under members' names, unchecked. @throws {AuditError} 'malformed' for two lines of one key, or too many
 *
 * @param isAhead whether the members may have other keys by now: lines of keys that are not known are passed over
 */
export function memberLines(
  note: Uint8Array,
  signatures: readonly NoteSignature[],
  witnesses: Witnesses,
  isAhead: boolean,
): Map<number, NoteSignature> {
  const count = isAhead ? limits.membersMax : witnesses.ids.length;
  requireSize(note, count);
  if (signatures.length > count + 1) throw malformed('checkpoint', `at most ${count + 1} lines`);
  const lines = new Map<number, NoteSignature>();
  const keys = new Set<string>();
  for (const signature of signatures) {
    const key = `${signature.name} ${hex(signature.keyId)}`;
    if (keys.has(key)) throw malformed('checkpoint', 'one line of a key');
    keys.add(key);
    const index = witnesses.indexOf.get(signature.name);
    const isUsable = !isAhead || indexOfLine(signature, witnesses) !== undefined;
    if (index !== undefined && isUsable) lines.set(index, signature);
  }
  return lines;
}

/** Good lines by index, of those who vouch for a head: when they were checked it may not have been known who does. */
export function linesOf(
  lines: Iterable<NoteSignature>,
  witnesses: Witnesses,
): Map<number, NoteSignature> {
  const found = new Map<number, NoteSignature>();
  for (const line of lines) {
    const index = indexOfLine(line, witnesses);
    if (index !== undefined) found.set(index, line);
  }
  return found;
}

/** Whose line it is by its name and key id; undefined for a key that is not known. */
function indexOfLine(line: NoteSignature, { keys, indexOf }: Witnesses): number | undefined {
  const index = indexOf.get(line.name);
  const key = index === undefined ? undefined : keys[index];
  return key !== undefined && isBy(line, key) ? index : undefined;
}
