/** From an offence to a suspended key: on every honest disk, in the log, after restarts, and for the auditor. */
import { expect } from 'chai';

import {
  base64,
  fromUtf8,
  utf8,
  type Digest,
  type NodeId,
  type RoundNumber,
} from '../../src/base/index.ts';
import { verifyLogDirectory } from '../../src/audit/index.ts';
import { encodeMessage, type Vote } from '../../src/consensus/index.ts';
import { digestOf } from '../../src/crypto/index.ts';
import { signUpdate } from '../../src/gossip/index.ts';
import { writePeerMessage } from '../../src/peer/peer-messages.ts';
import { consensusDomain, statementBytes, type Open } from '../../src/wire/index.ts';
import { directoryOf } from '../audit/sample-log.ts';
import { PeerNetwork } from './peer-network.ts';

const five = ['L1', 'L2', 'L3', 'L4', 'L5'] as NodeId[];
const honest = five.slice(0, 4);
const stages = [{ id: 'student', participants: five, rounds: 2 }];

/** A vote of view 7 of the height under way, signed with the key of `id`. */
function voteOf(world: PeerNetwork, id: string, t: 'NOTARIZE' | 'NULLIFY', x?: Digest): Vote {
  const { member, peer } = world.node(id);
  const { cid, manifest } = world.consortium;
  const height = peer.state.height + 1;
  const more = x === undefined ? { p: -1 } : { x };
  const statement = { t, cid, e: 0, h: height, v: 7, ...more };
  const sig = base64(member.keys.consensus.sign(consensusDomain, statementBytes(statement)));
  return { ...statement, i: manifest.members.findIndex((one) => one.id === id), sig };
}

/** L5 notarizes two values of one view, each before all. */
function offend(world: PeerNetwork): void {
  for (const text of ['one', 'other']) {
    const vote = voteOf(world, 'L5', 'NOTARIZE', digestOf(utf8(text)));
    world.node('L5').transport.broadcast('consensus', encodeMessage(vote));
  }
}

const isSuspendedAt = (world: PeerNetwork, id: string): boolean =>
  world.node(id).peer.state.suspendedFrom.has(4);

describe('a member that signs two votes of one view', () => {
  it('is convicted on every disk, suspended by the log, and stays so after restarts and for the auditor', async () => {
    const world = new PeerNetwork({ members: 5, stages });
    await world.start();
    await world.clock.advance(4_000);
    offend(world);
    const all = (): boolean => honest.every((id) => isSuspendedAt(world, id));
    expect(await world.clock.runUntil(all, { untilMs: world.clock.nowMs() + 60_000 })).to.equal(
      true,
    );
    const from = world.node('L1').peer.state.suspendedFrom.get(4)!;
    for (const id of honest) {
      const { store, log, peer } = world.node(id);
      expect(peer.state.suspendedFrom.get(4), id).to.equal(from);
      expect(store.files.has('evidence/L5.json'), id).to.equal(true);
      expect(log.join('\n'), id).to.include('a member is suspended').and.to.include('L5');
    }
    for (const id of honest) {
      await world.crash(id);
      await world.restart(id);
      expect(isSuspendedAt(world, id), id).to.equal(true);
    }
    expect(await world.runUntilDone(honest)).to.equal(true);
    for (const id of honest) {
      const { store, failures } = world.node(id);
      expect(failures, id).to.deep.equal([]);
      const files = new Map(
        [...store.files]
          .filter(([name]) => name.startsWith('log/'))
          .map(([name, bytes]) => [name.slice(4), bytes]),
      );
      expect((await verifyLogDirectory(directoryOf(files))).findings, id).to.deep.equal([]);
      // From its height on no certificate counts member 4; n = 4 and q = 3 there, where n = 5 and q = 4 were.
      for (const [name, bytes] of files) {
        const height = Number(/^decisions\/(\d+)\.json$/.exec(name)?.[1] ?? 0);
        if (height === 0) continue;
        const { certificate } = JSON.parse(Buffer.from(bytes).toString()) as {
          certificate: { sigs: [number, string][] };
        };
        const signers = certificate.sigs.map(([index]) => index);
        expect(signers.length, `${id} ${name}`).to.equal(height < from ? 4 : 3);
        if (height >= from) expect(signers, `${id} ${name}`).to.not.include(4);
      }
    }
  });

  it('is suspended although all were restarted between the offence and its block', async () => {
    const world = new PeerNetwork({ members: 5, stages });
    await world.start();
    await world.clock.advance(4_000);
    offend(world);
    const isKept = (): boolean =>
      honest.every((id) => world.node(id).store.files.has('evidence/L5.json'));
    await world.clock.runUntil(isKept);
    await world.crash('L5');
    for (const id of honest) await world.crash(id);
    expect(isSuspendedAt(world, 'L1')).to.equal(false);
    for (const id of honest) await world.restart(id);
    expect(await world.runUntilDone(honest)).to.equal(true);
    for (const id of honest) expect(isSuspendedAt(world, id), id).to.equal(true);
  });
});

describe('a member that signs two updates of one round', () => {
  it('is told of, and both envelopes are kept on every disk', async () => {
    const world = new PeerNetwork({ members: 5, stages });
    await world.start();
    const isOpen = (): boolean => world.node('L1').peer.state.phase.kind === 'open';
    await world.clock.runUntil(isOpen);
    await world.clock.advance(1_000); // for all
    const { phase } = world.node('L1').peer.state;
    const { member, transport } = world.node('L5');
    world.node('L5').trainer.durationMs = Infinity;
    const envelopes: string[] = [];
    for (const value of [1, 2]) {
      const update = digestOf(utf8(`update ${value}`));
      const envelope = await signUpdate({
        ...{
          consortium: world.consortium,
          open: (phase as { open: Open }).open,
          author: member.id,
        },
        bulk: { update, updateBytes: 100, weights: { weight: 10, heads: {} } },
        key: new Uint8Array(32),
        ...{
          metricsMilli: { loss: 1 },
          dataset: digestOf(utf8('data')),
          nodeLog: { log: 1, size: 3, root: digestOf(utf8('own log')) },
          logSigner: member.keys.log,
        },
      });
      envelopes.push(fromUtf8(envelope));
      const message = { t: 'update', r: 1 as RoundNumber, envelope: fromUtf8(envelope) } as const;
      transport.broadcast(...writePeerMessage(message));
    }
    await world.clock.advance(2_000);
    for (const id of honest) {
      const kept = world.node(id).store.files.get('evidence/updates-1-L5.json');
      const document = JSON.parse(Buffer.from(kept ?? []).toString()) as { envelopes: string[] };
      expect(document.envelopes, id).to.have.members(envelopes);
      expect(world.node(id).log.join('\n'), id).to.include('signed two updates for one round');
    }
    // It reads back as no pair: nobody is suspended for it, and the rounds go on.
    await world.crash('L1');
    await world.restart('L1');
    expect(await world.runUntilDone(honest)).to.equal(true);
    expect(isSuspendedAt(world, 'L1')).to.equal(false);
  });
});

describe('a disk that went back in time', () => {
  it('is noticed before the first vote; the node goes on as an observer, also after another restart', async () => {
    const four = five.slice(0, 4);
    const world = new PeerNetwork({
      members: 4,
      stages: [{ id: 'student', participants: four, rounds: 2 }],
    });
    const node = world.node('L3');
    await world.start();
    const isAt = (height: number): boolean => node.peer.state.height >= height;
    await world.clock.runUntil(() => isAt(1));
    const backup = new Map(node.store.files);
    await world.clock.runUntil(() => isAt(2));
    await world.crash('L3');
    node.store.files.clear();
    for (const [name, bytes] of backup) node.store.files.set(name, bytes);
    const votes = votesOf(world, 'L3');
    await world.restart('L3');
    expect(await world.runUntilDone(four)).to.equal(true);
    expect(node.failures).to.deep.equal([]);
    expect(votes, 'after the restart').to.deep.equal([]);
    expect(node.log.join('\n')).to.include('this node does not vote any more');
    expect(world.sealedModels('L3').at(-1)).to.equal(world.sealedModels('L1').at(-1));
    await world.crash('L3');
    node.log.length = 0;
    const again = votesOf(world, 'L3');
    await world.restart('L3');
    await world.clock.advance(30_000);
    expect(node.log.join('\n')).to.include('this node does not vote any more');
    expect(again).to.deep.equal([]);
  });

  it('does not hold up a consortium that starts with empty disks, or that lost power as a whole', async () => {
    const four = five.slice(0, 4);
    const world = new PeerNetwork({
      members: 4,
      stages: [{ id: 'student', participants: four, rounds: 2 }],
    });
    await world.start();
    await world.clock.runUntil(() => world.node('L1').peer.state.height >= 2);
    for (const id of four) await world.crash(id);
    for (const id of four) await world.restart(id);
    expect(await world.runUntilDone(four)).to.equal(true);
    for (const id of four) {
      expect(world.node(id).log.join('\n'), id).to.not.include('does not vote');
    }
  });
});

/** Kinds of the records that a node writes to its write-ahead log from now on, decisions aside. */
function votesOf(world: PeerNetwork, id: string): string[] {
  const { store } = world.node(id);
  const votes: string[] = [];
  const append = store.append.bind(store);
  store.append = async (name, bytes) => {
    const kind = /"t":"([A-Z]+)"/.exec(Buffer.from(bytes).toString())?.[1] ?? '';
    if (name.startsWith('wal/') && kind !== 'DEC') votes.push(kind);
    await append(name, bytes);
  };
  return votes;
}
