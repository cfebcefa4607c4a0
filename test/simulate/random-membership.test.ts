/** Worlds whose members change while things go wrong; and peers made wrong on purpose, which must be seen. */
import { expect } from 'chai';
import { base64, type NodeId } from '../../src/base/index.ts';
import { decodeMessage, encodeMessage } from '../../src/consensus/index.ts';
import type { Submission } from '../../src/peer/index.ts';
import {
  countedCrypto,
  memberNames,
  simulateConsortium,
  virtualMember,
  virtualPlan,
  type MembershipChange,
  type SimulationOptions,
  type VirtualWorld,
} from '../../src/simulate/index.ts';
import { signSuccessor, virtualSuccession } from '../../src/simulate/members.ts';
import {
  consensusDomain,
  statementBytes,
  type SignedManifest,
  type Statement,
  type Transport,
} from '../../src/wire/index.ts';
import { changingRandomWorld, failureOf } from './random-world.ts';

/** 150 more: large-worlds.slow.test.ts. */
const seedCount = 50;
const batch = 50;

describe('random faults while the members change', () => {
  for (let first = 1; first <= seedCount; first += batch) {
    const last = first + batch - 1;
    it(`end, and then all members carry the plan out: seeds ${first} to ${last}`, async () => {
      for (let seed = first; seed <= last; seed++) {
        const failure = await failureOf(changingRandomWorld(seed));
        expect(failure, `seed ${seed}`).to.equal(null);
      }
    }).timeout(600_000);
  }
});

const seed = 5;
const members = memberNames(4);
const [l1, l2] = members as [NodeId, NodeId];
const revoke: MembershipChange = { kind: 'revoke', node: l1, atMs: 0 };
const real = virtualSuccession(countedCryptoWith(l1));

/** Keys as those of the world: they follow from its seed. */
function countedCryptoWith(...ids: readonly NodeId[]): ReturnType<typeof countedCrypto> {
  const crypto = countedCrypto(seed);
  for (const id of [...ids, ...members]) virtualMember(id, crypto);
  return crypto;
}

async function brokenBy(changes: Partial<SimulationOptions>): Promise<string | null> {
  const { violation, outcome } = await simulateConsortium({
    ...{ seed, members, untilMs: 300_000 },
    plan: virtualPlan({ participants: members, rounds: 4 }),
    ...changes,
  });
  return violation?.invariant ?? (outcome === 'done' ? null : outcome);
}

describe('a change of members made wrong', () => {
  /** L2 hands in a version with other limits that L1 alone has signed. */
  const prepare = (world: VirtualWorld): void => {
    const { manifest, digest } = world.consortium;
    const next = { ...manifest, version: 1, prev: digest, limits: { updateBytesMax: 9_999 } };
    const bytes = signSuccessor(next, [virtualMember(l1, countedCryptoWith()).keys.org]);
    world.clock.setTimer(500, () => void world.node(l2).peer!.submit(bytes));
  };

  it('is seen where members accept a version that does not follow, and refused otherwise', async () => {
    const unchecked = (previous: SignedManifest, bytes: Uint8Array): SignedManifest => {
      const envelope = JSON.parse(Buffer.from(bytes).toString()) as { payload: string };
      const payload = Buffer.from(envelope.payload, 'base64');
      const manifest = JSON.parse(payload.toString()) as SignedManifest['manifest'];
      return { ...previous, manifest, bytes };
    };
    expect(await brokenBy({ prepare, membership: [] })).to.equal(null);
    const parts = { succeed: unchecked };
    expect(await brokenBy({ prepare, membership: [], parts })).to.equal('epoch');
  });

  it('is seen where the votes of members that left still count', async () => {
    expect(await brokenBy({ membership: [revoke] })).to.equal(null);
    const keepsAll = (previous: SignedManifest, bytes: Uint8Array): SignedManifest => {
      const next = real(previous, bytes);
      const { members: before, plan } = previous.manifest;
      return { ...next, manifest: { ...next.manifest, members: before, plan } };
    };
    expect(await brokenBy({ membership: [revoke], parts: { succeed: keepsAll } })).to.equal(
      'epoch',
    );
  });

  it('is seen where a member goes by the old version one height longer', async () => {
    const signer = virtualMember(l2, countedCryptoWith()).keys.consensus;
    const changes: readonly MembershipChange[] = [{ kind: 'reroot', node: l1, atMs: 0 }];
    /** Each vote of L2 under version 1 goes out once more, as one under version 0. */
    const bend = (transport: Transport): Transport => {
      if (transport.self !== l2) return transport;
      const broadcast = transport.broadcast.bind(transport);
      transport.broadcast = (topic, bytes) => {
        broadcast(topic, bytes);
        if (topic !== 'consensus') return;
        const message = decodeMessage(bytes);
        if (message.t !== 'FINALIZE' || message.e !== 1) return;
        const { t, cid, h, v, x } = message;
        const late = { t, cid, e: 0, h, v, ...(x && { x }) } as Statement;
        const sig = base64(signer.sign(consensusDomain, statementBytes(late)));
        broadcast(topic, encodeMessage({ ...message, e: 0, sig }));
      };
      return transport;
    };
    expect(await brokenBy({ membership: changes })).to.equal(null);
    expect(await brokenBy({ membership: changes, parts: { bend, liars: [] } })).to.equal('epoch');
  });
});

describe('versions handed in at one time', () => {
  it('are decided one of them: the other is dropped with what to do, and asked again says why', async () => {
    let made: VirtualWorld | undefined;
    const versionWith = (world: VirtualWorld, updateBytesMax: number): Uint8Array => {
      const { manifest, digest } = world.consortium;
      const next = { ...manifest, version: 1, prev: digest, limits: { updateBytesMax } };
      const crypto = countedCryptoWith();
      const signers = members.slice(0, 3).map((id) => virtualMember(id, crypto).keys.org);
      return signSuccessor(next, signers);
    };
    const first: Submission[] = [];
    const outcome = await brokenBy({
      membership: [],
      prepare: (world) => {
        made = world;
        world.clock.setTimer(300, () => {
          for (const [id, bytes] of [
            [l1, 20_000],
            [l2, 30_000],
          ] as const) {
            const submitted = world.node(id).peer!.submit(versionWith(world, bytes));
            void submitted.then((submission) => first.push(submission));
          }
        });
      },
    });
    expect([outcome, first.map(({ kind }) => kind)]).to.deep.equal([null, ['pending', 'pending']]);
    const world = made!;
    const { versions } = world.invariants;
    expect(versions).to.have.length(2);
    const { updateBytesMax } = versions[1]!.manifest.limits;
    const peer = world.node(l1).peer!;
    const height = peer.log.heightOf(1)!;
    const again = (bytes: number): Promise<Submission> => peer.submit(versionWith(world, bytes));
    expect(await again(updateBytesMax)).to.deep.include({ kind: 'decided', version: 1, height });
    expect(await again(50_000 - updateBytesMax)).to.deep.include({
      ...{ kind: 'refused', advice: 'draft again from version 1, which is in force' },
    });
    const dropped = [l1, l2].map((id) =>
      world.node(id).log.some((line) => line.includes('a version of the manifest is dropped')),
    );
    expect(dropped).to.deep.equal([true, true]);
  });
});
