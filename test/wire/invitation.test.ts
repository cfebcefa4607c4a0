import { expect } from 'chai';
import fc from 'fast-check';
import { fromUtf8, utf8, type Digest, type NodeId } from '../../src/base/index.ts';
import { generateEd25519 } from '../../src/crypto/index.ts';
import {
  encodeCanonical,
  encodeEnvelope,
  invitationPayloadType,
  makeInvitation,
  manifestPayloadType,
  openInvitation,
  signEnvelope,
  verifyManifest,
  verifySuccessor,
  WireError,
  type Invitation,
} from '../../src/wire/index.ts';
import { flipped, keyOf, readVector } from './fixtures.ts';

const genesis = verifyManifest(utf8(readVector('manifest.json').envelope!));
const [l1, l2, l3] = genesis.manifest.members.map(({ id }) => id) as [NodeId, NodeId, NodeId];
const org = (id: NodeId): ReturnType<typeof keyOf> => keyOf(id, 'orgKey');
const second = verifySuccessor(
  genesis,
  encodeEnvelope(
    signEnvelope(
      manifestPayloadType,
      encodeCanonical({
        ...genesis.manifest,
        ...{ version: 1, prev: genesis.digest, limits: { updateBytesMax: 7 } },
      }),
      ...[org(l1), org(l2), org(l3)],
    ),
  ),
);
const says: Invitation = {
  ...{ cid: genesis.cid, newest: second.digest, inviter: l2 },
  ...{ createdAtMs: 1000, expiresAtMs: 2000, checkpoint: 'log\n1\nroot\n' },
};
const file = makeInvitation([genesis, second], says, org(l2));

function outcome(bytes: Uint8Array): string {
  try {
    openInvitation(bytes);
    return 'accepted';
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    return 'path' in error.facts ? `${error.code} ${error.facts.path}` : error.code;
  }
}

describe('an invitation', () => {
  it('gives back what it says and every version with it, verified', () => {
    const { invitation, manifests } = openInvitation(file);
    expect(invitation).to.deep.equal(says);
    expect(manifests.map(({ bytes }) => bytes)).to.deep.equal([genesis.bytes, second.bytes]);
    const without: Invitation = {
      ...{ cid: says.cid, newest: says.newest, inviter: says.inviter },
      ...{ createdAtMs: says.createdAtMs, expiresAtMs: says.expiresAtMs },
    };
    expect(
      openInvitation(makeInvitation([genesis, second], without, org(l2))).invitation,
    ).to.deep.equal(without);
  });

  it('is the bytes of the vector, which another program made', () => {
    const bytes = utf8(readVector('membership.json').invitation!);
    const { invitation, manifests } = openInvitation(bytes);
    expect(manifests.map(({ cid }) => cid)).to.deep.equal([genesis.cid]);
    expect(invitation.expiresAtMs - invitation.createdAtMs).to.equal(7 * 24 * 3_600_000);
    expect(makeInvitation(manifests, invitation, org(l2))).to.deep.equal(bytes);
  });

  it('is refused when it says another consortium, newest version or inviter than come with it', () => {
    const made = (changes: Partial<Invitation>, key = org(l2)): string =>
      outcome(makeInvitation([genesis, second], { ...says, ...changes }, key));
    expect(made({ cid: second.digest })).to.equal('malformed $.cid');
    expect(made({ newest: genesis.digest })).to.equal('malformed $.newest');
    expect(made({ inviter: 'L77' as NodeId })).to.equal('malformed $.inviter');
    expect(made({ inviter: l1 })).to.equal('bad_signature $.signatures');
    expect(made({}, generateEd25519())).to.equal('bad_signature $.signatures');
    expect(made({ cid: 'ab' as Digest })).to.equal('malformed $.cid');
  });

  it('is refused with a version missing, out of turn or forged, or of another type', () => {
    expect(outcome(makeInvitation([second], says, org(l2)))).to.equal('malformed $.version');
    expect(outcome(makeInvitation([second, genesis], says, org(l2)))).to.equal(
      'malformed $.version',
    );
    const parsed = JSON.parse(fromUtf8(file)) as { manifests: string[]; envelope: object };
    expect(outcome(encodeCanonical({ ...parsed, manifests: [] }))).to.equal(
      'malformed $.manifests',
    );
    expect(outcome(encodeCanonical({ ...parsed, manifests: ['x'] }))).to.equal(
      'malformed $.manifests[0]',
    );
    expect(outcome(encodeCanonical({ ...parsed, more: 1 }))).to.equal('malformed $');
    const other = signEnvelope('text/plain', encodeCanonical(says), org(l2));
    expect(outcome(encodeCanonical({ ...parsed, envelope: other }))).to.equal(
      'malformed $.payloadType',
    );
    const bare = signEnvelope(invitationPayloadType, utf8('{}'), org(l2));
    expect(outcome(encodeCanonical({ ...parsed, envelope: bare }))).to.equal('malformed $.cid');
  });

  it('is never accepted with a bit flipped, and never ends otherwise than with a coded refusal', () => {
    fc.assert(
      fc.property(fc.nat(file.byteLength - 1), fc.nat(7), (index, bit) => {
        expect(outcome(flipped(file, index, bit))).to.not.equal('accepted');
      }),
      { numRuns: 200 },
    );
  });
});
