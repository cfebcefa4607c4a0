/**
 * C2SP tlog-proof: one text that shows, without the log, that an entry is in it, and by whose signatures.
 *
 *   c2sp.org/tlog-proof@v1
 *   index <decimal>
 *   <base64 of a hash>        the inclusion proof, from the leaf up
 *   (empty line)
 *   <checkpoint, a signed note>
 *
 * https://c2sp.org/tlog-proof
 */
import {
  base64,
  concatBytes,
  fromBase64,
  fromUtf8,
  hex,
  utf8,
  type Digest,
} from '../base/index.ts';
import { parseCheckpoint, verifyNoteSignature } from './checkpoint.ts';
import { malformed } from './errors.ts';
import { verifyInclusion } from './merkle-proof.ts';
import { hashBytes, hashLeaf } from './merkle-tree.ts';
import type { LogPolicy } from './policy.ts';
import { isBy, parseNote } from './signed-note.ts';

/** A proof taken apart, unchecked. */
export interface TlogProof {
  /** Of the entry, from 0. */
  readonly index: number;
  /** The inclusion proof, from the leaf up; 32 bytes each. */
  readonly hashes: readonly Uint8Array[];
  /** The signed note of the tree. */
  readonly checkpoint: Uint8Array;
}

const header = 'c2sp.org/tlog-proof@v1';
/** A tree has no more levels. */
const hashesMax = 64;
const proofBytesMax = 128 * 1024;

/** The proof's text. */
export function formatProof({ index, hashes, checkpoint }: TlogProof): Uint8Array {
  const lines = [header, `index ${index}`, ...hashes.map(base64), '', ''];
  return concatBytes(utf8(lines.join('\n')), checkpoint);
}

/** Passes over an `extra` line, which nobody signs. @throws {AuditError} 'malformed' */
export function parseProof(bytes: Uint8Array): TlogProof {
  if (bytes.byteLength > proofBytesMax) throw malformed('proof', `at most ${proofBytesMax} bytes`);
  let text: string;
  try {
    text = fromUtf8(bytes);
  } catch {
    throw malformed('proof', 'UTF-8');
  }
  const split = text.indexOf('\n\n');
  const [first, ...rest] = text.slice(0, Math.max(split, 0)).split('\n');
  if (split < 0 || first !== header) throw malformed('proof', `a first line ${header}`);
  if (rest[0]?.startsWith('extra ') === true) rest.shift();
  const index = /^index (0|[1-9][0-9]{0,14})$/.exec(rest.shift() ?? '')?.[1];
  if (index === undefined) throw malformed('proof', 'a line "index N"');
  if (rest.length > hashesMax) throw malformed('proof', `at most ${hashesMax} hashes`);
  const hashes = rest.map((line) => {
    const hash = fromBase64(line);
    if (hash?.byteLength !== hashBytes) throw malformed('proof', 'base64 of 32 bytes in each line');
    return hash;
  });
  return { index: Number(index), hashes, checkpoint: utf8(text.slice(split + 2)) };
}

/** What a proof shows once it holds. */
export interface ProvenEntry {
  readonly index: number;
  readonly size: number;
  readonly root: Digest;
  readonly origin: string;
  /** Names of the witnesses that cosigned, as the policy calls them. */
  readonly cosignedBy: readonly string[];
}

/**
 * Checks that `entry` is in the log by a policy: the log's own signature, cosignatures as many as the policy asks for, and the
 * path from the entry to the signed root. @returns what it shows, or why it shows nothing
 * @throws {AuditError} 'malformed' when the checkpoint is not one
 */
export function verifyProof(
  { index, hashes, checkpoint }: TlogProof,
  entry: Uint8Array,
  policy: LogPolicy,
): ProvenEntry | string {
  const { text, signatures } = parseNote(checkpoint);
  const { origin, size, root } = parseCheckpoint(text);
  const logs = policy.logs.filter(({ name }) => name === origin);
  if (logs.length === 0) return `the policy names no log ${origin}`;
  const isSigned = logs.some((key) =>
    signatures.some((line) => isBy(line, key) && verifyNoteSignature(text, line, key)),
  );
  if (!isSigned) return `no log key of the policy has signed the checkpoint of ${size} entries`;
  const cosignedBy = policy.witnesses
    .filter(({ key }) =>
      signatures.some((line) => isBy(line, key) && verifyNoteSignature(text, line, key)),
    )
    .map(({ name }) => name);
  if (cosignedBy.length < policy.quorum) {
    return `expected cosignatures of ${policy.quorum} witnesses, got ${cosignedBy.length}`;
  }
  const claim = { index, size, root, leafHash: hashLeaf(entry), proof: hashes };
  if (!verifyInclusion(claim)) {
    return `the entry is not number ${index} of the tree that was signed: its bytes, the index or the path were changed`;
  }
  return { index, size, root: hex(root) as Digest, origin, cosignedBy };
}
