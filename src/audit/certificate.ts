/**
 * Checking of a FINALIZE certificate with nothing but the manifest, by the signed bytes that the
 * specification of consensus gives. Written apart from the room of consensus, which made the certificate.
 *
 *   signed = "annulus/consensus/v1\n" || JCS({t: "FINALIZE", cid, e, h, v, x})
 */
import { fromBase64, messageOf } from '../base/index.ts';
import { signatureBytes, verifySignature, verifySignatureAside } from '../crypto/index.ts';
import {
  arr,
  b64,
  bodyDigest,
  digest,
  encodeCanonical,
  int,
  keyBytes,
  literal,
  obj,
  pair,
  quorumOf,
  type SignedManifest,
  limits,
} from '../wire/index.ts';
import type { Decision } from './log-files.ts';

const consensusDomain = 'annulus/consensus/v1';
const count = int(0, 2 ** 31 - 1);

const readCertificate = obj({
  kind: literal('FINALIZE'),
  h: count,
  v: count,
  x: digest,
  sigs: arr(pair(count, b64(signatureBytes, signatureBytes)), limits.membersMax),
});

/** What a certificate is worth. */
export interface CertificateVerdict {
  /** Whether a quorum signed this very body. A certificate with a false vote too many may still hold one. */
  readonly isCertified: boolean;
  /** What is wrong with it, in words; `null` when nothing is. */
  readonly problem: string | null;
}

/** Which votes of a decision are right, by their place in the certificate. */
export interface CheckedVotes {
  /** By whose keys. */
  readonly consortium: SignedManifest;
  readonly areRight: readonly boolean[];
}

/** Checks the votes of a decision beside this thread; null where there is nothing to check them by. Judges nothing. */
export async function checkVotes(
  { body, certificate }: Decision,
  consortium: SignedManifest,
): Promise<CheckedVotes | null> {
  let read: ReturnType<typeof readCertificate>;
  try {
    read = readCertificate(certificate, 'certificate');
  } catch {
    return null; // `judgeCertificate` says why
  }
  const message = signedVote(read, body.e, consortium);
  const checks = read.sigs.map(([index, sig]) => {
    const member = consortium.manifest.members[index];
    const bytes = fromBase64(sig);
    return member === undefined || bytes === null
      ? Promise.resolve(false)
      : verifySignatureAside(keyBytes(member.consensusKey), consensusDomain, message, bytes);
  });
  return { consortium, areRight: await Promise.all(checks) };
}

function signedVote(
  { h, v, x }: ReturnType<typeof readCertificate>,
  e: number,
  { cid }: SignedManifest,
): Uint8Array {
  return encodeCanonical({ t: 'FINALIZE', cid, e, h, v, x });
}

/**
 * Checks a decision's certificate against its body. `suspendedFrom`: by index, the first height at which a convicted
 * member has no vote; n and q are those of the others. `checked`: what `checkVotes` found of this decision.
 */
export function judgeCertificate(
  decision: Decision,
  consortium: SignedManifest,
  suspendedFrom: ReadonlyMap<number, number>,
  checked: CheckedVotes | null = null,
): CertificateVerdict {
  const { body } = decision;
  const { members } = consortium.manifest;
  let certificate: ReturnType<typeof readCertificate>;
  try {
    certificate = readCertificate(decision.certificate, 'certificate');
  } catch (error) {
    return { isCertified: false, problem: messageOf(error) };
  }
  const { h, x, sigs } = certificate;
  if (h !== body.h || x !== bodyDigest(body)) {
    return { isCertified: false, problem: `its votes are for another body, of height ${h}` };
  }
  const problems: string[] = [];
  const known = checked?.consortium === consortium ? checked.areRight : null;
  const message = signedVote(certificate, body.e, consortium);
  const isRight = (at: number, key: string, signature: Uint8Array): boolean =>
    known?.[at] ?? verifySignature(keyBytes(key), consensusDomain, message, signature);
  let last = -1;
  let valid = 0;
  for (const [at, [index, sig]] of sigs.entries()) {
    const member = members[index];
    const bytes = fromBase64(sig);
    if (member === undefined || index <= last || bytes === null) {
      problems.push(`the certificate names member ${index} out of order`);
    } else if ((suspendedFrom.get(index) ?? Infinity) <= body.h) {
      problems.push(`the certificate counts ${member.id}, whose key is suspended`);
    } else if (isRight(at, member.consensusKey, bytes)) {
      valid += 1;
    } else {
      problems.push(`the vote of ${member.id} in the certificate is wrong`);
    }
    last = index;
  }
  const suspended = [...suspendedFrom.values()].filter((from) => from <= body.h);
  const quorum = quorumOf(members.length - suspended.length);
  if (valid < quorum) problems.push(`expected valid votes of ${quorum} members, got ${valid}`);
  const problem = problems.length === 0 ? null : problems.join(', ');
  return { isCertified: valid >= quorum, problem };
}

/** Indices of the members whose votes a decision's certificate holds; unchecked. @throws {WireError} 'malformed' */
export function certificateVoters({ certificate }: Decision): number[] {
  return readCertificate(certificate, 'certificate').sigs.map(([index]) => index);
}
