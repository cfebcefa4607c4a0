/** What a peer tells its transport about a message before it acts upon it: gossip passes on what is accepted. */
import { expect } from 'chai';
import { base64, utf8, type NodeId } from '../../src/base/index.ts';
import { encodeMessage, type ConsensusMessage } from '../../src/consensus/index.ts';
import { digestOf } from '../../src/crypto/index.ts';
import { consensusDomain, statementBytes, type Verdict } from '../../src/wire/index.ts';
import { PeerNetwork } from './peer-network.ts';

const four = ['L1', 'L2', 'L3', 'L4'] as NodeId[];
const stages = [{ id: 'student', participants: four, rounds: 3 }];

/** A network that notes every verdict, as `SENDER topic verdict`. */
function watched(faults: { readonly dropRate?: number } = {}): {
  readonly world: PeerNetwork;
  readonly verdicts: string[];
} {
  const verdicts: string[] = [];
  const world = new PeerNetwork({
    ...{ members: 4, stages, faults },
    bend: (transport) => {
      const listen = transport.onMessage.bind(transport);
      transport.onMessage = (handler): void => {
        listen((from, topic, bytes): Verdict => {
          const verdict = handler(from, topic, bytes);
          verdicts.push(`${from} ${topic} ${verdict}`);
          return verdict;
        });
      };
      return transport;
    },
  });
  return { world, verdicts };
}

describe('what peers say of messages before they act upon them', () => {
  it('rejects nothing of an honest member, through losses, a crash and a restart', async () => {
    const { world, verdicts } = watched({ dropRate: 0.2 });
    await world.start();
    await world.clock.runUntil(() => world.node('L1').peer.state.height >= 3);
    await world.crash('L3');
    await world.clock.runUntil(() => world.node('L1').peer.state.height >= 5);
    await world.restart('L3');
    expect(await world.runUntilDone()).to.equal(true);
    expect(verdicts.filter((line) => line.endsWith('reject'))).to.deep.equal([]);
    expect(verdicts.filter((line) => line === 'L2 consensus accept').length).to.be.above(50);
  });

  it('rejects certificates, views and evidence that prove nothing', async () => {
    const { world, verdicts } = watched();
    await world.start();
    await world.clock.advance(4_000);
    const { member, peer, transport } = world.node('L4');
    const common = { cid: world.consortium.cid, e: 0, h: peer.state.height + 1 };
    const x = digestOf(utf8('made up'));
    const own = (t: 'NOTARIZE', v: number): { readonly i: number; readonly sig: string } => ({
      i: 3,
      sig: base64(
        member.keys.consensus.sign(consensusDomain, statementBytes({ ...common, t, v, x })),
      ),
    });
    const { sig } = own('NOTARIZE', 7);
    const cert = {
      ...({ kind: 'NOTARIZE', h: common.h, v: 7, x } as const),
      sigs: [0, 1, 3].map((i) => [i, sig] as const),
    };
    const a = { ...common, t: 'NOTARIZE', v: 7, x, i: 0, sig } as const;
    const lies: ConsensusMessage[] = [
      { ...common, t: 'CERT', cert },
      { ...common, t: 'VIEW', v: 8, chain: { nota: cert, nulli: null } },
      {
        ...{ ...common, t: 'EVIDENCE' },
        pair: { kind: 'two_notarizations', a, b: { ...a, x: digestOf(utf8('another')) } },
      },
    ];
    for (const lie of lies) {
      verdicts.length = 0;
      transport.broadcast('consensus', encodeMessage(lie));
      await world.clock.advance(100);
      const said = verdicts.filter((line) => line.startsWith('L4 consensus'));
      expect(said, lie.t).to.deep.equal(Array<string>(3).fill('L4 consensus reject'));
    }
  });
});
