import { expect } from 'chai';

import { base64, type Digest, type NodeId } from '../../src/base/index.ts';
import { generateEd25519, generateHpkeKey, sha256, type KeyPair } from '../../src/crypto/index.ts';
import { utf8 } from '../../src/base/index.ts';
import {
  approvalOf,
  changeBetween,
  encodeCanonical,
  encodeEnvelope,
  manifestPayloadType,
  openManifest,
  renewedAlone,
  signEnvelope,
  verifyManifest,
  verifySuccessor,
  WireError,
  type Manifest,
  type Member,
  type SignedManifest,
} from '../../src/wire/index.ts';
import { keyOf, readVector } from './fixtures.ts';

// Four members: T = floor(2*4/3)+1 = 3. Five: T = 4.
const genesis = verifyManifest(utf8(readVector('manifest.json').envelope!));
const before = genesis.manifest;
const ids = before.members.map(({ id }) => id);
const org = (id: NodeId): KeyPair => keyOf(id, 'orgKey');
const [l1, l2, l3, l4] = ids as [NodeId, NodeId, NodeId, NodeId];

const key = (name: string): KeyPair => generateEd25519(sha256(utf8(name)));
const newcomerOrg = key('L5/org');
const newcomer: Member = {
  id: 'L5' as NodeId,
  role: 'voter',
  orgKey: base64(newcomerOrg.publicKey),
  consensusKey: base64(key('L5/consensus').publicKey),
  logKey: base64(key('L5/log').publicKey),
  witnessKey: base64(key('L5/witness').publicKey),
  transportKey: base64(key('L5/transport').publicKey),
  sealKey: base64(generateHpkeKey(sha256(utf8('L5/seal'))).publicKey),
  addresses: [],
  labels: [],
};

function next(changes: Partial<Manifest>): Manifest {
  return { ...before, version: 1, prev: genesis.digest, ...changes };
}

function envelopeOf(manifest: Manifest, ...keys: KeyPair[]): Uint8Array {
  const payload = encodeCanonical(manifest);
  return encodeEnvelope(signEnvelope(manifestPayloadType, payload, ...keys));
}

function outcome(manifest: Manifest, ...keys: KeyPair[]): string {
  try {
    verifySuccessor(genesis, envelopeOf(manifest, ...keys));
    return 'accepted';
  } catch (error) {
    if (error instanceof WireError) return error.code;
    throw error;
  }
}

function withMember(id: NodeId, changes: Partial<Member>): Manifest {
  const members = before.members.map((one) => (one.id === id ? { ...one, ...changes } : one));
  return next({ members });
}

const withNewcomer = next({ members: [...before.members, newcomer] });

describe('a restart', () => {
  const restart = {
    ...{ height: 7, size: 9 },
    ...{ block: 'a'.repeat(64) as Digest, root: 'b'.repeat(64) as Digest },
  };
  const two = before.members.filter(({ id }) => id === l1 || id === l2);
  const stages = before.plan.stages.map((stage) => {
    const participants = stage.participants.filter((id) => id === l1 || id === l2);
    return { ...stage, participants, minParticipants: 1 };
  });
  const plan = { ...before.plan, stages: stages.filter((one) => one.participants.length > 0) };

  it('needs T of the organisations before it, however few members remain', () => {
    const left = next({ members: two, plan, restart });
    expect(outcome(left, org(l1), org(l2), org(l4))).to.equal('accepted');
    expect(outcome(left, org(l1), org(l2))).to.equal('bad_signature');
    // Of two after it both: floor(4/3)+1.
    expect(outcome(left, org(l1), org(l3), org(l4))).to.equal('bad_signature');
  });

  it('is no business of one member alone, and no part of a genesis', () => {
    const renewed = withMember(l2, { consensusKey: base64(key('new').publicKey) });
    expect(outcome({ ...renewed, restart }, org(l2))).to.equal('bad_signature');
    expect(outcome({ ...renewed, restart }, org(l1), org(l2), org(l3))).to.equal('accepted');
    expect(() => verifyManifest(envelopeOf({ ...before, restart }, ...ids.map(org)))).to.throw(
      WireError,
      'no restart in a genesis',
    );
  });

  it('names a block that was decided', () => {
    const left = next({ members: two, plan, restart: { ...restart, height: 0 } });
    expect(outcome(left, org(l1), org(l2), org(l4))).to.equal('malformed');
  });
});

describe('a later version of the manifest', () => {
  it('lets a newcomer in with T of the members before, T of those after, and its own signature', () => {
    expect(outcome(withNewcomer, newcomerOrg, org(l1), org(l2), org(l3))).to.equal('accepted');
    expect(outcome(withNewcomer, newcomerOrg, org(l1), org(l2))).to.equal('bad_signature');
    // Four of five, but it did not agree itself.
    expect(outcome(withNewcomer, ...ids.map(org))).to.equal('bad_signature');
  });

  it('names the consortium by its genesis and itself by its own digest', () => {
    const keys = [newcomerOrg, ...ids.map(org)];
    const made = verifySuccessor(genesis, envelopeOf(withNewcomer, ...keys));
    expect(made.cid).to.equal(genesis.cid);
    expect(made.digest).to.not.equal(genesis.digest);
    const after: Manifest = { ...withNewcomer, version: 2, prev: made.digest };
    const left = { ...after, members: after.members.filter(({ id }) => id !== newcomer.id) };
    // Five before: four must sign; four after: three must. The one who leaves need not.
    const signed = envelopeOf(left, ...ids.map(org));
    expect(verifySuccessor(made, signed).manifest.members.map(({ id }) => id)).to.deep.equal(ids);
    expect(() => verifySuccessor(made, envelopeOf(left, ...ids.slice(1).map(org)))).to.throw(
      WireError,
      'signed by 3 of the 4 needed (members before)',
    );
    // The version before the one in force is no next one.
    expect(() => verifySuccessor(made, made.bytes)).to.throw(WireError, '$.version');
  });

  it('lets a member renew the keys of its node alone, and nobody for another', () => {
    const renewed = withMember(l2, { consensusKey: base64(key('new').publicKey), addresses: [] });
    expect(outcome(renewed, org(l2))).to.equal('accepted');
    expect(outcome(renewed, org(l1))).to.equal('bad_signature');
    // Not even all the others: it is a renewal, which is its own.
    expect(outcome(renewed, org(l1), org(l3), org(l4))).to.equal('bad_signature');
  });

  it('lets no member change more than its own line alone', () => {
    const two = {
      ...withMember(l2, { labels: [] }),
      limits: { updateBytesMax: before.limits.updateBytesMax + 1 },
    };
    expect(outcome(two, org(l2))).to.equal('bad_signature');
    expect(outcome(two, org(l1), org(l2), org(l3))).to.equal('accepted');
    const plan = next({ plan: { ...before.plan, seed: before.plan.seed + 1 } });
    expect(outcome(plan, org(l2))).to.equal('bad_signature');
  });

  it('replaces an org key with T of the members before and T of those after, and the new key', () => {
    const root = key('new root');
    const rerooted = withMember(l4, { orgKey: base64(root.publicKey) });
    expect(outcome(rerooted, org(l1), org(l2), org(l3), root)).to.equal('accepted');
    expect(outcome(rerooted, org(l1), org(l2), org(l3))).to.equal('bad_signature');
    // Before: L1, L2, L4 by its old key. After: L1, L2 and the new key, which is enough.
    expect(outcome(rerooted, org(l1), org(l2), org(l4), root)).to.equal('accepted');
    expect(outcome(rerooted, org(l1), org(l4), root)).to.equal('bad_signature');
  });

  it('is refused when it is of another consortium, version or name', () => {
    const all = [...ids.map(org), newcomerOrg];
    expect(outcome({ ...withNewcomer, prev: digestLike }, ...all)).to.equal('malformed');
    expect(outcome({ ...withNewcomer, version: 2 }, ...all)).to.equal('malformed');
    expect(outcome({ ...withNewcomer, name: 'Other' }, ...all)).to.equal('malformed');
    expect(outcome({ ...withNewcomer, domain: 'other.example' }, ...all)).to.equal('malformed');
    const noPrev = { ...before, members: withNewcomer.members, version: 1 };
    expect(outcome(noPrev, ...all)).to.equal('malformed');
    expect(outcome(before, ...ids.map(org))).to.equal('malformed');
    // And it is no genesis.
    expect(() => verifyManifest(envelopeOf(withNewcomer, ...all))).to.throw(WireError, '$.version');
  });

  it('carries no signature of a stranger, none twice and none that is wrong', () => {
    const enough = [newcomerOrg, org(l1), org(l2), org(l3)];
    expect(outcome(withNewcomer, ...enough, key('stranger'))).to.equal('malformed');
    expect(outcome(withNewcomer, ...enough, org(l1))).to.equal('malformed');
    const good = signEnvelope(manifestPayloadType, encodeCanonical(withNewcomer), ...enough);
    const [first, ...rest] = good.signatures;
    const forged = { ...first!, sig: rest[0]!.sig };
    const bytes = encodeEnvelope({ ...good, signatures: [...rest, forged] });
    expect(() => verifySuccessor(genesis, bytes)).to.throw(WireError, 'a signature is wrong');
  });
});

describe('the change between two versions', () => {
  const open = (manifest: Manifest, ...keys: KeyPair[]): ReturnType<typeof openManifest> =>
    openManifest(envelopeOf(manifest, ...keys));

  it('says who came, who went and whose keys are new', () => {
    const change = changeBetween(before, {
      ...next({ members: [...before.members.slice(1), newcomer] }),
    });
    expect(change).to.deep.equal({
      joined: ['L5'],
      left: [l1],
      rerooted: [],
      renewed: [],
      isPlanChanged: false,
      areLimitsChanged: false,
    });
    expect(renewedAlone(change)).to.equal(null);
    expect(renewedAlone(changeBetween(before, withMember(l3, { addresses: [] })))).to.equal(
      before.members[2]!.addresses.length === 0 ? null : l3,
    );
  });

  it('says who must still sign', () => {
    const approval = approvalOf(before, open(withNewcomer, org(l1), org(l2)));
    expect(approval.isEnough).to.equal(false);
    expect(approval.groups).to.deep.equal([
      { who: 'members before', signed: [l1, l2], missing: [l3, l4], needed: 3 },
      { who: 'members after', signed: [l1, l2], missing: [l3, l4, 'L5'], needed: 4 },
      { who: 'new org keys', signed: [], missing: ['L5'], needed: 1 },
    ]);
    const all = approvalOf(null, open(before, ...ids.map(org)));
    expect(all.groups).to.deep.equal([{ who: 'all members', signed: ids, missing: [], needed: 4 }]);
    expect(all.isEnough).to.equal(true);
  });
});

const digestLike = '1'.repeat(64) as SignedManifest['digest'];
