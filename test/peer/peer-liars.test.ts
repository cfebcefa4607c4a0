/** Members that lie about updates, or that give none: the round goes on, and ends. */
import { expect } from 'chai';
import { utf8, type Digest, type NodeId } from '../../src/base/index.ts';
import { digestOf } from '../../src/crypto/index.ts';
import { writePeerMessage } from '../../src/peer/peer-messages.ts';
import type { Transport } from '../../src/wire/index.ts';
import { PeerNetwork } from './peer-network.ts';

const start = 1_700_000_000_000;
const names = (count: number): NodeId[] =>
  Array.from({ length: count }, (_, i) => `L${i + 1}` as NodeId);
const four = names(4);
const stages = (participants: readonly NodeId[], rounds: number): Stages => [
  { id: 'student', participants, rounds },
];
type Stages = ConstructorParameters<typeof PeerNetwork>[0]['stages'];

describe('peer among liars', () => {
  it('gets the key of an update that its author sealed to one other only, and averages it', async () => {
    // L2 alone cannot make a quorum of three: L3 and L4 open nothing without the help of L1.
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
    // Two rounds of 5 s each: nobody waited for a deadline of 60 s.
    expect(world.clock.nowMs() - start).to.be.lessThan(30_000);
  });

  it('leaves out an update that nobody can open, whatever its author claims', async () => {
    const honest = four.filter((id) => id !== 'L2');
    const world = new PeerNetwork({
      members: 4,
      stages: stages(four, 1),
      shutOut: { L2: honest },
    });
    await world.start();
    expect(await world.runUntilDone(honest)).to.equal(true);
    for (const id of honest) {
      const [sealed] = world.node(id).events.filter((event) => event.kind === 'sealed');
      expect(sealed!.excluded, id).to.deep.equal(['L2']);
      expect(world.node(id).failures, id).to.deep.equal([]);
    }
  });

  it('is not moved by claims of what does not exist, nor by keys that fit nothing', async () => {
    const world = new PeerNetwork({ members: 4, stages: stages(four, 2), shutOut: { L4: ['L1'] } });
    const some = (text: string): Digest => digestOf(utf8(text));
    const lie = (): void => {
      const round = world.node('L4').peer.state.round;
      const open = Array.from({ length: 200 }, (_, i) => some(`lie ${i}`));
      const sealed = Buffer.alloc(80, 1).toString('base64');
      const lies = [
        { t: 'holds', r: round, open, locked: open },
        { t: 'key', r: round, env: some('x'), sealed },
      ] as const;
      for (const message of lies)
        world.node('L4').transport.broadcast(...writePeerMessage(message));
      world.clock.setTimer(100, lie);
    };
    await world.start();
    lie();
    expect(await world.runUntilDone(four, start + 600_000)).to.equal(true);
    for (const id of four) expect(world.node(id).failures, id).to.deep.equal([]);
    expect(new Set(four.map((id) => world.sealedModels(id).join())).size).to.equal(1);
  });

  it('does not vote for a cut whose updates it cannot fetch', async () => {
    // Nobody but L1 and L2 gets any bulk: two of four hold updates of others, three are a quorum.
    const isShort = (id: NodeId): boolean => id === 'L3' || id === 'L4';
    const bend = (transport: Transport): Transport =>
      isShort(transport.self) ? withFetch(transport, () => failing()) : transport;
    const world = new PeerNetwork({ members: 4, stages: stages(four, 1), bend });
    await world.start();
    await world.clock.runUntil(() => isVoid(world, 'L1'), { untilMs: start + 600_000 });
    const { events } = world.node('L1');
    const kinds = events.map(({ kind }) => kind).filter((kind) => kind !== 'heard');
    const held = events.flatMap((event) => (event.kind === 'update-held' ? event.member : []));
    expect(held.slice(0, 4)).to.have.members(four);
    const others = kinds.filter((kind) => kind !== 'update-held');
    expect(others.slice(0, 3)).to.deep.equal(['opened', 'announced', 'void']);
  });
});

describe('peer and a machine that never answers', () => {
  it('votes and beats on while the author of an update gives nothing', async () => {
    // L2 lives, votes and announces, but no byte of what it serves comes, and no error either.
    const world = new PeerNetwork({
      ...{ members: 4, stages: stages(four, 2) },
      bend: (transport) => withFetch(transport, (from) => (from === 'L2' ? silent() : null)),
    });
    await world.start();
    expect(await world.runUntilDone(['L1', 'L3', 'L4'])).to.equal(true);
    const sealed = world.node('L1').events.filter((event) => event.kind === 'sealed');
    expect(sealed.map(({ excluded }) => excluded)).to.deep.equal([['L2'], ['L2']]);
  });

  it('gets an update from another who has it, when its author is quick with one and never ends with others', async () => {
    // L3 is dead: three of four are a quorum, and L4 is needed. Of L2's update only L1 gets a byte from L2.
    const world = new PeerNetwork({
      ...{ members: 4, stages: stages(four, 1) },
      bend: (transport) =>
        withFetch(transport, (from) =>
          from === 'L2' && transport.self === 'L4' ? silent() : null,
        ),
    });
    await world.start();
    await world.clock.advance(1_000);
    await world.crash('L3');
    expect(await world.runUntilDone(['L1', 'L2', 'L4'])).to.equal(true);
    const [sealed] = world.node('L4').events.filter((event) => event.kind === 'sealed');
    expect(sealed!.participants.map(({ node }) => node)).to.deep.equal(['L1', 'L2', 'L4']);
  });

  it('goes on voting, answering and beating while it waits for an envelope of a decided block', async () => {
    let isStalled = false;
    const bend = (transport: Transport): Transport =>
      transport.self === 'L4'
        ? withFetch(transport, () => (isStalled ? silent() : null))
        : transport;
    const world = new PeerNetwork({ members: 4, stages: stages(names(3), 1), bend });
    await world.start();
    // L4 misses the round's envelopes, and gets the decision that names them.
    await world.clock.advance(1_000);
    world.network.partition([names(3), ['L4' as NodeId]]);
    await world.clock.runUntil(() => world.node('L1').peer.state.phase.kind === 'cut');
    isStalled = true;
    world.network.partition(null);
    let beats = 0;
    const { transport } = world.node('L1');
    transport.onMessage(counting(() => (beats += 1)));
    await world.clock.advance(30_000);
    expect(world.node('L4').peer.state.phase.kind, 'it still waits').to.equal('open');
    // One status a second, and the repeats of consensus.
    expect(beats).to.be.at.least(25);
    expect(world.node('L4').failures).to.deep.equal([]);
  });
});

describe('peer with too much to say', () => {
  it('proposes no block beyond the limit, says so once, and lives', async () => {
    const world = new PeerNetwork({ members: 4, stages: stages(four, 1) });
    // No reader lets such a plan pass: it stands for whatever may make a block grow one day.
    const [stage] = world.consortium.manifest.plan.stages;
    Object.assign(stage!.training, { note: 'x'.repeat(70_000) });
    await world.start();
    await world.clock.advance(60_000);
    for (const id of four) {
      const node = world.node(id);
      expect(node.failures, id).to.deep.equal([]);
      const said = node.log.filter((line) => line.startsWith('error too large to be said'));
      expect(said.length, id).to.be.at.most(1);
    }
    expect(four.flatMap((id) => world.node(id).log).join('\n')).to.match(/"what":"a block"/);
  });
});

function isVoid(world: PeerNetwork, id: string): boolean {
  return world.node(id).events.some(({ kind }) => kind === 'void');
}

type Fetch = Transport['fetch'];

/** A transport whose fetches are others' where `instead` gives one. */
function withFetch(
  transport: Transport,
  instead: (from: NodeId) => ReturnType<Fetch> | null,
): Transport {
  const fetch = transport.fetch.bind(transport);
  transport.fetch = (from, digest, options) => instead(from) ?? fetch(from, digest, options);
  return transport;
}

/** Ends with an error, as if nobody had the blob. */
async function* failing(): AsyncIterable<Uint8Array> {
  await Promise.resolve();
  yield* [];
}

/** Neither gives a byte nor ends. */
async function* silent(): AsyncIterable<Uint8Array> {
  await new Promise(() => undefined);
  yield* [];
}

/** Counts the heartbeats of L4. */
function counting(count: () => void): Parameters<Transport['onMessage']>[0] {
  return (from, topic) => {
    if (from === 'L4' && topic === 'status') count();
    return 'accept';
  };
}
