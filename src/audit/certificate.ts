/**
 * Checking of a FINALIZE certificate with nothing but the manifest, by the signed bytes that the
 * specification of consensus gives. Written apart from the room of consensus, which made the certificate.
 *
 *   signed = "annulus/consensus/v1\n" || JCS({t: "FINALIZE", cid, e, h, v, x})
 */
import { fromBase64, messageOf } from '../base/index.ts';
import { signatureBytes, verifySignature } from '../crypto/index.ts';
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

/**
 * Checks a decision's certificate against its body. `suspendedFrom`: by index, the first height at which a convicted
 * member has no vote; n and q are those of the others.
 */
export function judgeCertificate(
  decision: Decision,
  consortium: SignedManifest,
  suspendedFrom: ReadonlyMap<number, number>,
): CertificateVerdict {
  const { body } = decision;
  const { members } = consortium.manifest;
  let certificate: ReturnType<typeof readCertificate>;
  try {
    certificate = readCertificate(decision.certificate, 'certificate');
  } catch (error) {
    return { isCertified: false, problem: messageOf(error) };
  }
  const { h, v, x, sigs } = certificate;
  if (h !== body.h || x !== bodyDigest(body)) {
    return { isCertified: false, problem: `its votes are for another body, of height ${h}` };
  }
  const problems: string[] = [];
  const message = encodeCanonical({ t: 'FINALIZE', cid: consortium.cid, e: body.e, h, v, x });
  let last = -1;
  let valid = 0;
  for (const [index, sig] of sigs) {
    const member = members[index];
    const bytes = fromBase64(sig);
    if (member === undefined || index <= last || bytes === null) {
      problems.push(`the certificate names member ${index} out of order`);
    } else if ((suspendedFrom.get(index) ?? Infinity) <= body.h) {
      problems.push(`the certificate counts ${member.id}, whose key is suspended`);
    } else if (verifySignature(keyBytes(member.consensusKey), consensusDomain, message, bytes)) {
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
