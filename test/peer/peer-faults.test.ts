import { expect } from 'chai';
import { seededRandom, type NodeId } from '../../src/base/index.ts';
import { topics } from '../../src/wire/index.ts';
import { PeerNetwork, type ToyNode } from './peer-network.ts';

const four = ['L1', 'L2', 'L3', 'L4'] as NodeId[];
const eight = Array.from({ length: 8 }, (_, i) => `L${i + 1}` as NodeId);
const twoStages = [
  { id: 'teacher', participants: four, rounds: 1 },
  { id: 'student', participants: four, rounds: 1 },
];

describe('peer under faults', () => {
  it('does not wait for a participant that says its training failed', async () => {
    const world = new PeerNetwork({ members: 4, stages: twoStages });
    world.node('L2').trainer.fails = true;
    const startedAtMs = world.clock.nowMs();
    await world.start();
    await endsWell(world, four, 'training failed');
    const sealed = world.node('L1').events.filter((event) => event.kind === 'sealed');
    expect(sealed.map(({ excluded }) => excluded)).to.deep.equal([['L2'], ['L2']]);
    // Two rounds of 5 s each, far from their deadlines of 60 s.
    expect(world.clock.nowMs() - startedAtMs).to.be.lessThan(40_000);
  });

  it('fetches anew what its disk damaged between the check of an update and the average', async () => {
    const world = new PeerNetwork({ members: 4, stages: twoStages });
    // Of two nodes of four: without one of them there is no quorum that has averaged.
    const damaged = ['L1', 'L2'].map((id) => world.node(id));
    await world.start();
    await world.clock.runUntil(() => damaged.every((node) => updatesOf(node).length === 4));
    for (const node of damaged) {
      for (const name of updatesOf(node)) {
        const bytes = node.store.files.get(name)!.slice();
        bytes[bytes.length - 1]! ^= 1;
        node.store.files.set(name, bytes);
      }
    }
    await endsWell(world, four, 'damaged updates');
    const logs = damaged.map(({ log }) => log.join('\n')).join('\n');
    expect(logs).to.include('was damaged on the disk');
  });

  it('leaves nothing of its own work on the disk once the rounds are over', async () => {
    const world = new PeerNetwork({ members: 4, stages: twoStages });
    await world.start();
    await endsWell(world, four, 'work');
    await world.clock.advance(5_000);
    for (const id of four) {
      const names = [...world.node(id).store.files.keys()];
      const left = names.filter((name) => name.startsWith('work/'));
      expect(left, id).to.deep.equal([]);
      expect(world.node(id).store.underWay, id).to.equal(0);
    }
  });

  it('announces one update a round, whenever the power goes', async () => {
    // Training ends about 5.3 s after the start: before, in and after the announcement, and in the second round.
    for (const crashMs of [1_000, 4_000, 5_150, 5_250, 5_400, 5_700, 6_500, 12_000]) {
      const world = new PeerNetwork({ members: 4, stages: twoStages });
      const written = ownEnvelopes(world.node('L3'));
      await world.start();
      await world.clock.advance(crashMs);
      await world.crash('L3');
      await world.clock.advance(500);
      await world.restart('L3');
      await endsWell(world, four, `crash at ${crashMs}`);
      for (const [name, envelopes] of written) {
        expect(envelopes.size, `crash at ${crashMs}: ${name}`).to.equal(1);
      }
    }
  });

  it('goes on from a disk that stopped taking writes at any point', async () => {
    // Between these lie the write-ahead log, bundles, tiles, the decision, the heads, blobs and the own envelope.
    for (const writes of [4, 9, 12, 15, 18, 22, 27, 33, 40, 55]) {
      const world = new PeerNetwork({ members: 4, stages: twoStages });
      const node = world.node('L3');
      const written = ownEnvelopes(node);
      await world.start();
      node.store.writesLeft = writes;
      await world.clock.runUntil(() => node.failures.length > 0, { untilMs: start + 60_000 });
      await world.crash('L3');
      node.failures.length = 0;
      node.store.writesLeft = Infinity;
      await world.restart('L3');
      await endsWell(world, four, `after ${writes} writes`);
      for (const [name, envelopes] of written) {
        expect(envelopes.size, `after ${writes} writes: ${name}`).to.equal(1);
      }
    }
  });

  it('opens the next stage after all peers were started again, in a round and in its cut', async () => {
    for (const phase of ['open', 'cut'] as const) {
      const world = new PeerNetwork({ members: 4, stages: twoStages });
      await world.start();
      const isThere = (): boolean => world.node('L1').peer.state.phase.kind === phase;
      expect(await world.clock.runUntil(isThere), phase).to.equal(true);
      for (const id of four) await world.crash(id);
      for (const id of four) await world.restart(id);
      await endsWell(world, four, phase);
    }
  });

  it('decides nothing in a network cut in halves, and goes on when it heals', async () => {
    const stages = [{ id: 'student', participants: eight, rounds: 2 }];
    const world = new PeerNetwork({ members: 8, stages });
    await world.start();
    await world.clock.advance(2_000);
    world.network.partition([eight.slice(0, 4), eight.slice(4)]);
    const before = Math.max(...eight.map((id) => world.node(id).peer.state.height));
    await world.clock.advance(90_000);
    for (const id of eight) expect(world.node(id).peer.state.height, id).to.be.at.most(before);
    world.network.partition(null);
    await endsWell(world, eight, 'healed');
  });

  it('leaves out a peer that runs another program', async () => {
    const stages = [{ id: 'student', participants: four, rounds: 1 }];
    const world = new PeerNetwork({ members: 4, stages, strangers: ['L2'] });
    await world.start();
    await endsWell(world, four, 'all');
    const [sealed] = world.node('L1').events.filter((event) => event.kind === 'sealed');
    expect(sealed!.excluded).to.deep.equal(['L2']);
    expect(world.node('L2').events.some(({ kind }) => kind === 'announced')).to.equal(false);
  });

  it('ends a round whose hold-outs are of two minds, after its time', async () => {
    const stages = [{ id: 'student', participants: four, rounds: 1 }];
    const world = new PeerNetwork({ members: 4, stages });
    // Two refuse and two accept: neither finds the quorum of three.
    const doubters = ['L1', 'L3'].map((id) => world.node(id).trainer);
    for (const trainer of doubters) trainer.refuses = true;
    await world.start();
    const isVoid = (): boolean => world.node('L2').events.some(({ kind }) => kind === 'void');
    expect(await world.clock.runUntil(isVoid, { untilMs: start + 1_200_000 })).to.equal(true);
    for (const trainer of doubters) trainer.refuses = false;
    for (const { trainer } of world.nodes.values()) trainer.step = 0.5;
    await endsWell(world, four, 'agreed again');
  });

  it('is not disturbed by a member that sends noise on every topic', async () => {
    const world = new PeerNetwork({ members: 4, stages: twoStages });
    const random = seededRandom('noise');
    const noise = (): void => {
      const transport = world.node('L4').transport;
      for (const topic of topics) {
        const bytes = Uint8Array.from({ length: random.integer(300) }, () => random.integer(256));
        transport.broadcast(topic, bytes);
        transport.broadcast(
          topic,
          Buffer.from(JSON.stringify({ t: 'status', h: random.integer(9) })),
        );
      }
      world.clock.setTimer(500, noise);
    };
    await world.start();
    noise();
    await endsWell(world, four, 'noise');
  });
});

const start = 1_700_000_000_000;

/** All carry out the plan with the same models, and no peer had to stop. */
async function endsWell(world: PeerNetwork, ids: readonly string[], what: string): Promise<void> {
  expect(await world.runUntilDone(ids), `${what}: done`).to.equal(true);
  const models = new Set(ids.map((id) => [...world.node(id).peer.state.models.values()].join()));
  expect(models.size, `${what}: models`).to.equal(1);
  for (const id of ids) expect(world.node(id).failures, `${what}: ${id}`).to.deep.equal([]);
}

/** What was written under `own/`, by name. */
function ownEnvelopes({ store }: ToyNode): Map<string, Set<string>> {
  const written = new Map<string, Set<string>>();
  const write = store.write.bind(store);
  store.write = async (name, bytes) => {
    await write(name, bytes);
    if (!name.startsWith('own/')) return;
    written.set(name, (written.get(name) ?? new Set()).add(Buffer.from(bytes).toString('hex')));
  };
  return written;
}

/** Names of the ciphertexts of round 1 that a node holds. */
function updatesOf({ store: { files } }: ToyNode): string[] {
  const lines = Buffer.from(files.get('rounds/1') ?? [])
    .toString()
    .split('\n');
  const names = lines.flatMap((line) => {
    const [kind, digest] = line.split(' ');
    return kind === 'update' ? [`blobs/${digest}`] : [];
  });
  // Envelopes are text, and stand in memory too.
  const isBulk = (bytes: Uint8Array): boolean =>
    !Buffer.from(bytes).toString().startsWith('{"payload');
  return names.filter((name) => isBulk(files.get(name) ?? Buffer.from('{"payload')));
}
