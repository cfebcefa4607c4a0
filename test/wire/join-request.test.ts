import { expect } from 'chai';
import fc from 'fast-check';
import {
  base64,
  fromBase64,
  fromUtf8,
  utf8,
  type Digest,
  type NodeId,
} from '../../src/base/index.ts';
import { generateEd25519, verifyRaw, type KeyPair } from '../../src/crypto/index.ts';
import {
  encodeCanonical,
  encodeEnvelope,
  joinRequestPayloadType,
  makeJoinRequest,
  memberDigest,
  preAuthEncoding,
  readEnvelope,
  signEnvelope,
  verifyJoinRequest,
  WireError,
  type JoinRequest,
  type Member,
} from '../../src/wire/index.ts';
import { flipped, keyOf, readVector, sealKeyOf } from './fixtures.ts';

const roles = ['consensusKey', 'logKey', 'witnessKey', 'transportKey'] as const;
const key = (role: string): KeyPair => keyOf('L1', role);
const member: Member = {
  ...{ id: 'L1' as NodeId, role: 'voter', orgKey: base64(key('orgKey').publicKey) },
  consensusKey: base64(key('consensusKey').publicKey),
  logKey: base64(key('logKey').publicKey),
  witnessKey: base64(key('witnessKey').publicKey),
  transportKey: base64(key('transportKey').publicKey),
  sealKey: base64(sealKeyOf('L1').publicKey),
  ...{ addresses: ['/dns4/l1.example/tcp/4001'], labels: ['hps'] },
};
const signers = {
  org: key('orgKey'),
  consensus: key('consensusKey'),
  log: key('logKey'),
  witness: key('witnessKey'),
  transport: key('transportKey'),
};
const asked: JoinRequest = { member, createdAtMs: 1_700_000_000_000 };
const file = makeJoinRequest(asked, signers);

function outcome(bytes: Uint8Array): string {
  try {
    verifyJoinRequest(bytes);
    return 'accepted';
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    return 'path' in error.facts ? `${error.code} ${error.facts.path}` : error.code;
  }
}

/** The request with another payload, signed by `org`. */
function signedAgain(
  change: (payload: Record<string, unknown>) => object,
  org = signers.org,
): Uint8Array {
  const envelope = readEnvelope(JSON.parse(fromUtf8(file)));
  const payload = JSON.parse(fromUtf8(fromBase64(envelope.payload)!)) as Record<string, unknown>;
  const bytes = encodeCanonical(change(payload));
  return encodeEnvelope(signEnvelope(joinRequestPayloadType, bytes, org));
}

describe('a join request', () => {
  it('gives back what it was made of, with the consortium that invited or without', () => {
    expect(verifyJoinRequest(file)).to.deep.equal(asked);
    const invited = { ...asked, consortium: 'ab'.repeat(32) as Digest };
    expect(verifyJoinRequest(makeJoinRequest(invited, signers))).to.deep.equal(invited);
  });

  it('is the bytes of the vector, which another program made', () => {
    const vector = readVector('membership.json');
    const bytes = utf8(vector.joinRequest!);
    const read = verifyJoinRequest(bytes);
    expect(read.createdAtMs).to.equal(1_700_000_000_000);
    expect(memberDigest(read.member)).to.equal(vector.memberDigest);
    // Ed25519 is deterministic: the same request signed by the same keys is the same file.
    expect(makeJoinRequest(read, signers)).to.deep.equal(bytes);
  });

  it('is signed as docs/specs/membership-files.md says', () => {
    const envelope = readEnvelope(JSON.parse(fromUtf8(file)));
    const payload = fromBase64(envelope.payload)!;
    const { proofs, ...rest } = JSON.parse(fromUtf8(payload)) as {
      proofs: Record<(typeof roles)[number], string>;
    };
    const signed = fromBase64(envelope.signatures[0]!.sig)!;
    const pae = preAuthEncoding('application/vnd.annulus.join-request+json', payload);
    expect(verifyRaw(signers.org.publicKey, pae, signed)).to.equal(true);
    for (const role of roles) {
      const text = `annulus/possession/v1/${role}\n${fromUtf8(encodeCanonical(rest))}`;
      const proof = fromBase64(proofs[role])!;
      expect(verifyRaw(key(role).publicKey, utf8(text), proof), role).to.equal(true);
    }
  });

  it('has a fingerprint that changes with everything in the line', () => {
    const one = memberDigest(member);
    expect(memberDigest({ ...member, addresses: [] })).to.not.equal(one);
    expect(memberDigest({ ...member, logKey: member.witnessKey })).to.not.equal(one);
  });

  it("is refused without each key's own proof of this very request", () => {
    for (const role of roles) {
      const forged = signedAgain((payload) => ({
        ...payload,
        proofs: { ...(payload.proofs as object), [role]: base64(new Uint8Array(64)) },
      }));
      expect(outcome(forged)).to.equal(`bad_signature $.proofs.${role}`);
    }
    // Another's proof, and one of another role.
    const swapped = signedAgain((payload) => {
      const proofs = payload.proofs as Record<string, string>;
      return { ...payload, proofs: { ...proofs, logKey: proofs.witnessKey } };
    });
    expect(outcome(swapped)).to.equal('bad_signature $.proofs.logKey');
    const later = signedAgain((payload) => ({ ...payload, createdAtMs: 1 }));
    expect(outcome(later)).to.equal('bad_signature $.proofs.consensusKey');
  });

  it('is refused when another organisation signed, a key is weak, or a field is missing or unknown', () => {
    expect(outcome(signedAgain((payload) => payload, generateEd25519()))).to.equal(
      'bad_signature $.signatures',
    );
    const weak = signedAgain((payload) => ({
      ...payload,
      member: { ...member, logKey: base64(new Uint8Array(32)) },
    }));
    expect(outcome(weak)).to.equal('malformed $.member.logKey');
    expect(outcome(signedAgain(({ member: line, proofs }) => ({ member: line, proofs })))).to.equal(
      'malformed $.createdAtMs',
    );
    expect(outcome(signedAgain((payload) => ({ ...payload, extra: 1 })))).to.equal('malformed $');
    expect(outcome(utf8('{}'))).to.equal('malformed $.payloadType');
    expect(outcome(new Uint8Array(65 * 1024))).to.equal('too_large');
    const other = encodeEnvelope(signEnvelope('text/plain', utf8('x'), signers.org));
    expect(outcome(other)).to.equal('malformed $.payloadType');
  });

  it('is never accepted with a bit flipped, and never ends otherwise than with a coded refusal', () => {
    fc.assert(
      fc.property(fc.nat(file.byteLength - 1), fc.nat(7), (index, bit) => {
        expect(outcome(flipped(file, index, bit))).to.not.equal('accepted');
      }),
      { numRuns: 400 },
    );
    fc.assert(
      fc.property(fc.nat(file.byteLength - 1), (length) => {
        expect(outcome(file.subarray(0, length))).to.not.equal('accepted');
      }),
      { numRuns: 50 },
    );
  });
});
