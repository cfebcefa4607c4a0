/**
 * Names and keys of the consortium log, all derived from the manifest, and the C2SP tlog-policy file that
 * says them to other tools. https://c2sp.org/tlog-policy
 */
import { fromUtf8, utf8, type NodeId } from '../base/index.ts';
import { keyBytes, quorumOf, type Member, type SignedManifest } from '../wire/index.ts';
import { malformed } from './errors.ts';
import { formatVkey, noteKeyTypes, parseVkey, type NoteKey } from './signed-note.ts';

/** First line of every checkpoint: `<domain>/fl/<first 16 digits of the consortium id>`. */
export function logOrigin(consortium: SignedManifest): string {
  return `${consortium.manifest.domain}/fl/${consortium.cid.slice(0, 16)}`;
}

/** The key with which a member signs its own copy of the log. All carry the origin as their name. */
export function logKeyOf(consortium: SignedManifest, member: Member): NoteKey {
  const publicKey = keyBytes(member.logKey);
  return { name: logOrigin(consortium), type: noteKeyTypes.log, publicKey };
}

/** The name of a member's cosignatures. */
export function witnessName(member: NodeId): string {
  return `${member}/witness`;
}

/** The key with which a member cosigns checkpoints. */
export function witnessKeyOf(member: Member): NoteKey {
  const publicKey = keyBytes(member.witnessKey);
  return { name: witnessName(member.id), type: noteKeyTypes.witness, publicKey };
}

/** The policy file: any member's log key, and cosignatures of a quorum of the members. */
export function policyFile(consortium: SignedManifest): Uint8Array {
  const { manifest, cid } = consortium;
  const names = manifest.members.map((member) => witnessName(member.id));
  return utf8(
    [
      `# Annulus consortium ${cid}`,
      ...manifest.members.map((member) => `log ${formatVkey(logKeyOf(consortium, member))}`),
      ...manifest.members.map(
        (member) => `witness ${witnessName(member.id)} ${formatVkey(witnessKeyOf(member))}`,
      ),
      `group members ${quorumOf(names.length)} ${names.join(' ')}`,
      'quorum members',
      '',
    ].join('\n'),
  );
}

/** A policy file as far as ours go: any of the logs, and so many of the witnesses. */
export interface LogPolicy {
  readonly logs: readonly NoteKey[];
  readonly witnesses: readonly { readonly name: string; readonly key: NoteKey }[];
  /** Least count of cosignatures. */
  readonly quorum: number;
}

const policyBytesMax = 256 * 1024;

/**
 * Reads a policy of the form that `policyFile` writes: one group over all witnesses, which is the quorum.
 * @throws {AuditError} 'malformed' for any other
 */
export function parsePolicy(bytes: Uint8Array): LogPolicy {
  if (bytes.byteLength > policyBytesMax)
    throw malformed('policy', `at most ${policyBytesMax} bytes`);
  const lines = fromUtf8(bytes)
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split(' '));
  const logs: NoteKey[] = [];
  const witnesses: { name: string; key: NoteKey }[] = [];
  let quorum = 0;
  let group: string | null = null;
  let isEnded = false;
  for (const [word, ...rest] of lines) {
    if (isEnded) throw malformed('policy', 'nothing after the line "quorum"');
    if (word === 'log' && rest.length === 1) logs.push(parseVkey(rest[0] ?? ''));
    else if (word === 'witness' && rest.length === 2) {
      witnesses.push({ name: rest[0] ?? '', key: parseVkey(rest[1] ?? '') });
    } else if (word === 'group' && group === null) {
      const [name, least, ...names] = rest;
      const known = witnesses.map((one) => one.name).join(' ');
      if (names.join(' ') !== known || new Set(names).size !== names.length) {
        throw malformed('policy', 'one group of all the witnesses');
      }
      quorum = /^[1-9][0-9]{0,3}$/.test(least ?? '') ? Number(least) : 0;
      if (quorum < 1 || quorum > names.length)
        throw malformed('policy', 'a group of 1 to all of them');
      group = name ?? '';
    } else if (word === 'quorum' && rest.length === 1 && rest[0] === group) isEnded = true;
    else throw malformed('policy', 'lines log, witness, one group and its quorum');
  }
  if (!isEnded || logs.length === 0) throw malformed('policy', 'a log, and a line "quorum"');
  return { logs, witnesses, quorum };
}
