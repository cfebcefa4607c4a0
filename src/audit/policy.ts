/**
 * Names and keys of the consortium log, all derived from the manifest, and the C2SP tlog-policy file that
 * says them to other tools. https://c2sp.org/tlog-policy
 */
import { utf8, type NodeId } from '../base/index.ts';
import { keyBytes, quorumOf, type Member, type SignedManifest } from '../wire/index.ts';
import { formatVkey, noteKeyTypes, type NoteKey } from './signed-note.ts';

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
