/** Members that lie in a round in shards, with real keys: the round goes on, ends, and is right. */
import { expect } from 'chai';
import { utf8, type NodeId } from '../../../../src/base/index.ts';
import { digestOf } from '../../../../src/crypto/index.ts';
import { encodeShardList, type RoundRule, type Transport } from '../../../../src/wire/index.ts';
import { plainRule } from '../../../wire/sample-stage.ts';
import { PeerNetwork } from '../../peer-network.ts';

const rule: RoundRule = { ...plainRule, kind: 'sharded', reducers: 3 };
const names = (count: number): NodeId[] =>
  Array.from({ length: count }, (_, i) => `L${i + 1}` as NodeId);
const four = names(4);
const stages = (participants: readonly NodeId[], rounds: number): Stages => [
  { id: 'student', participants, rounds, rule },
];
type Stages = ConstructorParameters<typeof PeerNetwork>[0]['stages'];

describe('peer in rounds in shards', function () {
  this.timeout(60_000);

  it('gets the key of an update that its author sealed to one other only, and all average it', async () => {
    const shutOut = { L2: ['L3', 'L4'] };
    const world = new PeerNetwork({ members: 4, stages: stages(four, 2), shutOut });
    await world.start();
    expect(await world.runUntilDone()).to.equal(true);
    for (const id of four) {
      const sealed = world.node(id).events.filter((event) => event.kind === 'sealed');
      expect(
        sealed.map(({ excluded }) => excluded),
        id,
      ).to.deep.equal([[], []]);
      expect(world.node(id).failures, id).to.deep.equal([]);
    }
    expect(new Set(four.map((id) => world.sealedModels(id).join())).size).to.equal(1);
  });

  it('leaves out an update that nobody can open, whatever its author claims', async () => {
    const honest = four.filter((id) => id !== 'L2');
    const world = new PeerNetwork({ members: 4, stages: stages(four, 1), shutOut: { L2: honest } });
    await world.start();
    expect(await world.runUntilDone(honest)).to.equal(true);
    for (const id of honest) {
      const [sealed] = world.node(id).events.filter((event) => event.kind === 'sealed');
      expect(sealed!.excluded, id).to.deep.equal(['L2']);
    }
  });

  // What the author of an update serves under the digest of its list, in place of it.
  const lists: Record<string, (honest: Uint8Array) => Uint8Array> = {
    'is not served': () => new Uint8Array(0),
    'is of other bytes than its digest says': (honest) => honest.map((byte) => byte ^ 1),
    'lacks a shard': (honest) => {
      const { shards } = JSON.parse(new TextDecoder().decode(honest)) as {
        shards: Parameters<typeof encodeShardList>[0];
      };
      return encodeShardList(shards.slice(1));
    },
  };
  for (const [what, bend] of Object.entries(lists)) {
    it(`leaves out an update whose list ${what}`, async () => {
      const world = new PeerNetwork({
        ...{ members: 4, stages: stages(four, 1) },
        bend: (transport) => (transport.self === 'L2' ? serving(transport, bend) : transport),
      });
      await world.start();
      const honest = four.filter((id) => id !== 'L2');
      expect(await world.runUntilDone(honest)).to.equal(true);
      const [sealed] = world.node('L1').events.filter((event) => event.kind === 'sealed');
      expect(sealed!.excluded).to.deep.equal(['L2']);
      expect(new Set(honest.map((id) => world.sealedModels(id).join())).size).to.equal(1);
    });
  }

  it('goes on from a power cut of one in the middle of a cut, to the same model', async () => {
    const world = new PeerNetwork({ members: 4, stages: stages(four, 2) });
    await world.start();
    await world.clock.runUntil(() => world.node('L3').peer.state.phase.kind === 'cut');
    await world.crash('L3');
    await world.restart('L3');
    expect(await world.runUntilDone()).to.equal(true);
    expect(new Set(four.map((id) => world.sealedModels(id).join())).size).to.equal(1);
  });

  it('refuses sums of another hand, of who does not add up the shard, and noise', async () => {
    const refusals = new Map<NodeId, string[]>();
    const world = new PeerNetwork({
      ...{ members: 8, stages: stages(names(8), 1) },
      bend: (transport) => {
        const charge = transport.charge.bind(transport);
        transport.charge = (member, cost) => {
          const { self } = transport;
          if (cost.refusal !== undefined && member === 'L1') {
            refusals.set(self, [...(refusals.get(self) ?? []), cost.refusal]);
          }
          charge(member, cost);
        };
        return transport;
      },
    });
    await world.start();
    await world.clock.runUntil(() => world.node('L1').peer.state.phase.kind === 'cut');
    const { cid } = world.consortium;
    const sig = Buffer.alloc(64, 1).toString('base64');
    const [cut, sum] = ['cut', 'a lie'].map((text) => digestOf(utf8(text)));
    for (let shard = 0; shard < 8; shard++) {
      const said = { cid, cut, i: 0, r: 1, sig, sums: [{ shard, sum }] };
      const text = canonical({ r: 1, said, t: 'sums' });
      world.node('L1').transport.broadcast('updates', utf8(text));
    }
    expect(await world.runUntilDone()).to.equal(true);
    for (const id of names(8).slice(1)) {
      const own = refusals.get(id) ?? [];
      // L1 is one of five reducers of 5 shards of 8: there the signature shows it, and at the others that it is none.
      const foreign = own.filter((one) => one.includes('does not add up'));
      const forged = own.filter((one) => one.includes('bad signature'));
      expect([foreign.length, forged.length], id).to.deep.equal([3, 5]);
      expect(world.node(id).failures).to.deep.equal([]);
      expect(world.node(id).events.some(({ kind }) => kind === 'false-sum')).to.equal(false);
    }
  });
});

/** JSON with ascending keys: enough for these. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, one]) => `${JSON.stringify(key)}:${canonical(one)}`).join()}}`;
}

/** A node that gives something else where it is asked for a list of shards. */
function serving(transport: Transport, bend: (honest: Uint8Array) => Uint8Array): Transport {
  const serveBlobs = transport.serveBlobs.bind(transport);
  transport.serveBlobs = (provider) => {
    serveBlobs(async (digest) => {
      const blob = await provider(digest);
      const head = await blob?.read(0, Math.min(10, blob.totalBytes));
      if (blob === null || !new TextDecoder().decode(head ?? undefined).startsWith('{"shards"'))
        return blob;
      const bent = bend((await blob.read(0, blob.totalBytes)) ?? new Uint8Array(0));
      return {
        totalBytes: bent.byteLength,
        read: (offset, length) => Promise.resolve(bent.slice(offset, offset + length)),
      };
    });
  };
  return transport;
}
