/** Checks the two signed heads of a log directory. Stricter than a reader of notes: every line must hold. */
import { hex, messageOf, type Digest, type NodeId } from '../base/index.ts';
import type { SignedManifest } from '../wire/index.ts';
import { parseCheckpoint, verifyNoteSignature, type Checkpoint } from './checkpoint.ts';
import { logKeyOf, logOrigin, quorumSize, witnessKeyOf } from './policy.ts';
import { isBy, parseNote, type NoteSignature, type SignedNote } from './signed-note.ts';
import type { Report } from './verdict.ts';

/** A head whose log signature holds. */
export interface VerifiedHead {
  readonly size: number;
  readonly root: Digest;
  /** Whose log key signed it. */
  readonly keptBy: NodeId;
  /** Whose cosignatures hold, in the manifest's order. */
  readonly cosignedBy: readonly NodeId[];
}

/** Reads and checks a head; `null` when nothing in it can be trusted. */
export function verifyHead(
  name: string,
  bytes: Uint8Array,
  consortium: SignedManifest,
  report: Report,
): VerifiedHead | null {
  let note: SignedNote;
  let checkpoint: Checkpoint;
  try {
    note = parseNote(bytes);
    checkpoint = parseCheckpoint(note.text);
  } catch (error) {
    report.find(name, messageOf(error));
    return null;
  }
  if (checkpoint.origin !== logOrigin(consortium)) {
    report.find(name, `the origin is not ${logOrigin(consortium)}`);
  }
  const lines = note.signatures.map((line) => judgeLine(note.text, line, consortium));
  const seen = new Set<string>();
  lines.forEach((line, index) => {
    const text = note.signatures[index]?.name ?? '';
    if (line === null) report.find(name, `signature line ${index + 1} (${text}): not a member's`);
    else if (!line.holds) {
      report.find(
        name,
        `the ${line.role === 'log' ? 'log signature' : 'cosignature'} of ${line.member} is wrong`,
      );
    } else if (seen.has(`${line.role} ${line.member}`)) {
      report.find(name, `signature line ${index + 1} (${text}): a second time`);
    } else seen.add(`${line.role} ${line.member}`);
  });
  const ids = consortium.manifest.members.map((member) => member.id);
  const loggers = ids.filter((id) => seen.has(`log ${id}`));
  const [keptBy] = loggers;
  if (keptBy === undefined || loggers.length > 1) {
    report.find(name, `expected the log signature of one member, got ${loggers.length}`);
  }
  if (keptBy === undefined) return null;
  const cosignedBy = ids.filter((id) => seen.has(`witness ${id}`));
  return { size: checkpoint.size, root: hex(checkpoint.root) as Digest, keptBy, cosignedBy };
}

/** Reports a head with fewer cosignatures than a quorum. */
export function requireQuorum(
  name: string,
  head: VerifiedHead,
  consortium: SignedManifest,
  report: Report,
): void {
  const quorum = quorumSize(consortium.manifest.members.length);
  if (head.cosignedBy.length < quorum) {
    report.find(
      name,
      `expected valid cosignatures of ${quorum} members, got ${head.cosignedBy.length}`,
    );
  }
}

interface JudgedLine {
  readonly role: 'log' | 'witness';
  readonly member: NodeId;
  readonly holds: boolean;
}

/** Whose line it is and whether it holds; `null` for a key that the manifest does not know. */
function judgeLine(
  text: string,
  line: NoteSignature,
  consortium: SignedManifest,
): JudgedLine | null {
  for (const member of consortium.manifest.members) {
    const logKey = logKeyOf(consortium, member);
    const witnessKey = witnessKeyOf(member);
    if (isBy(line, logKey)) {
      const holds = verifyNoteSignature(text, line, logKey);
      return { role: 'log', member: member.id, holds };
    }
    if (isBy(line, witnessKey)) {
      const holds = verifyNoteSignature(text, line, witnessKey);
      return { role: 'witness', member: member.id, holds };
    }
  }
  return null;
}
