/** Checks the two signed heads of a log directory. Stricter than a reader of notes: every line must hold. */
import { hex, messageOf, type Digest, type NodeId } from '../base/index.ts';
import { quorumOf, type SignedManifest } from '../wire/index.ts';
import type { LogVersions } from './log-versions.ts';
import { parseCheckpoint, verifyNoteSignature, type Checkpoint } from './checkpoint.ts';
import { logKeyOf, logOrigin, witnessKeyOf } from './policy.ts';
import { isBy, parseNote, type NoteSignature, type SignedNote } from './signed-note.ts';
import type { Report } from './verdict.ts';

/** A head that a key of the manifest vouches for. */
export interface VerifiedHead {
  readonly size: number;
  readonly root: Digest;
  /** Whose log key signed it; `null` when only cosignatures hold. */
  readonly keptBy: NodeId | null;
  /** Whose cosignatures hold, in the manifest's order. */
  readonly cosignedBy: readonly NodeId[];
}

/**
 * Reads and checks a head by the version in force at its size; `null` when nothing in it can be trusted. Whose copy it is,
 * a log key of any version says.
 *
 * @param isCosigned whether less than a quorum of cosignatures is a finding
 */
export function verifyHead(
  name: string,
  bytes: Uint8Array,
  versions: LogVersions,
  isCosigned: boolean,
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
  const consortium = versions.at(checkpoint.size);
  const lines = note.signatures.map((line) => judgeLine(note.text, line, consortium, versions));
  if (!lines.some((line) => line?.holds === true)) {
    report.find(name, `none of its ${lines.length} signatures holds: its text was changed`);
    return null;
  }
  if (checkpoint.origin !== logOrigin(consortium)) {
    report.find(name, `the origin is not ${logOrigin(consortium)}`);
  }
  const seen = new Set<string>();
  const problems = lines.flatMap((line, index) => {
    const text = `signature line ${index + 1} (${note.signatures[index]?.name ?? ''})`;
    if (line === null) return [`${text}: not a member's`];
    const role = line.role === 'log' ? 'log signature' : 'cosignature';
    if (!line.holds) return [`the ${role} of ${line.member} is wrong`];
    if (seen.has(`${line.role} ${line.member}`)) return [`${text}: a second time`];
    seen.add(`${line.role} ${line.member}`);
    return [];
  });
  const ids = consortium.manifest.members.map((member) => member.id);
  const loggers = lines.flatMap((line) =>
    line?.role === 'log' && line.holds ? [line.member] : [],
  );
  const cosignaturesMin = isCosigned ? quorumOf(ids.length) : 0;
  const cosignedBy = ids.filter((id) => seen.has(`witness ${id}`));
  const isLogLineWrong = lines.some((line) => line?.role === 'log' && !line.holds);
  // A line that is wrong is a finding already, and the reason for the one that is lacking.
  if (loggers.length !== 1 && !isLogLineWrong) {
    problems.push(`expected the log signature of one member, got ${loggers.length}`);
  }
  if (cosignedBy.length < cosignaturesMin) {
    const got = `expected valid cosignatures of ${cosignaturesMin} members, got ${cosignedBy.length}`;
    problems.push(got);
  }
  if (problems.length > 0) report.find(name, problems.join('; '));
  const [keptBy = null] = loggers;
  return { size: checkpoint.size, root: hex(checkpoint.root) as Digest, keptBy, cosignedBy };
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
  versions: LogVersions,
): JudgedLine | null {
  for (const version of [...versions.all].reverse()) {
    for (const member of version.manifest.members) {
      const logKey = logKeyOf(version, member);
      if (!isBy(line, logKey)) continue;
      const holds = verifyNoteSignature(text, line, logKey);
      return { role: 'log', member: member.id, holds };
    }
  }
  for (const member of consortium.manifest.members) {
    const witnessKey = witnessKeyOf(member);
    if (isBy(line, witnessKey)) {
      const holds = verifyNoteSignature(text, line, witnessKey);
      return { role: 'witness', member: member.id, holds };
    }
  }
  return null;
}
