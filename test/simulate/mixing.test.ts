/**
 * Consortia whose rounds are mixed over a graph finish although as many members as may fail do: one model everywhere, and
 * the right one. Liars are refused and named, and who proposes another model than all came to finds no quorum.
 */
import { expect } from 'chai';
import type { NodeId, Store } from '../../src/base/index.ts';
import {
  memberNames,
  modelAfter,
  quadraticTrainer,
  seededQuadratics,
  seededShare,
  simulateConsortium,
  virtualPlan,
  type Fault,
  type Quadratic,
  type SimulationOptions,
  type SimulationRecord,
  type VirtualWorld,
} from '../../src/simulate/index.ts';
import { decodeSafetensors } from '../../src/weights/index.ts';
import {
  faultCountMax,
  TransportError,
  type MixingRule,
  type MixingTopology,
  type Transport,
} from '../../src/wire/index.ts';

const modelSize = 4;
/** Long enough for every honest step, and short beside a round. ms */
const patienceMs = 4_000;
const onePeer: MixingTopology = { kind: 'one-peer-exponential' };

function mixing(topology: MixingTopology, changes: Partial<MixingRule> = {}): MixingRule {
  return {
    ...{ kind: 'mixing', topology, steps: 0, epsilonNano: 10_000, patienceMs },
    ...{ samplesCap: 50, weightMax: 100, clampMicro: 1_000_000 },
    ...{ outerRateMicro: 1_000_000, outerMomentumMicro: 0, ...changes },
  };
}

/** A run, and its world to look at. */
interface Ended {
  readonly record: SimulationRecord;
  readonly world: VirtualWorld;
}

async function run(
  members: readonly NodeId[],
  rule: MixingRule,
  options: Partial<SimulationOptions> & { rounds?: number; participants?: readonly NodeId[] } = {},
): Promise<Ended> {
  const { rounds = 10, participants = members, ...others } = options;
  let world: VirtualWorld | undefined;
  const record = await simulateConsortium({
    ...{ seed: members.length, members, untilMs: 1_200_000 },
    plan: virtualPlan({ participants, rounds, roundTimeoutMs: 20_000, rule }),
    settings: { tickMs: 2_000 },
    prepare: (made) => {
      world = made;
    },
    ...others,
  });
  return { record, world: world! };
}

function sealedOf({
  rounds,
}: SimulationRecord): Extract<SimulationRecord['rounds'][number], { outcome: 'sealed' }>[] {
  return rounds.filter((round) => round.outcome === 'sealed');
}

/** The model of a node as numbers. */
function modelOf({ record, world }: Ended, id: NodeId): number[] {
  const digest = record.nodes.find((node) => node.id === id)!.models.student!;
  const [tensor] = decodeSafetensors(world.node(id).disk.files.get(`blobs/${digest}`)!).tensors;
  return [...(tensor!.data as Float32Array)];
}

/** One model everywhere but at `others`, which is the one of these cuts within the rule's bound for each round. */
function expectRightModel(ended: Ended, epsilon: number, others: readonly NodeId[] = []): void {
  const { record } = ended;
  const nodes = record.nodes.filter(({ id }) => !others.includes(id));
  expect(new Set(nodes.map(({ models }) => models.student)).size, 'models').to.equal(1);
  const hospitals = seededQuadratics(record.seed, record.members);
  const cuts = sealedOf(record).map(({ participants }) =>
    participants.map((id): Quadratic => hospitals.get(id)!),
  );
  const expected = modelAfter(cuts, seededShare, modelSize);
  // Each round's error is halved by the next: twice the bound is left of all of them.
  modelOf(ended, nodes[0]!.id).forEach((value, at) => {
    expect(value, `coordinate ${at}`).to.be.closeTo(expected[at]!, 2 * epsilon);
  });
}

describe('a mixed round of a virtual consortium', function () {
  this.timeout(600_000);

  const graphs: [string, number, MixingRule, number][] = [
    ['one peer at a time', 8, mixing(onePeer), 1e-5],
    ['one peer at a time', 16, mixing(onePeer), 1e-5],
    ['a Base-2 graph', 7, mixing({ kind: 'base', k: 1 }), 1e-5],
    ['a ring', 8, mixing({ kind: 'ring' }, { epsilonNano: 1_000_000 }), 1e-3],
    [
      'a 4-regular graph',
      16,
      mixing({ kind: 'regular', degree: 4, redrawn: true }, { epsilonNano: 100_000 }),
      1e-4,
    ],
    // Only its columns sum to 1: push-sum.
    ['drawn neighbours', 8, mixing({ kind: 'el-local', degree: 3 }), 1e-5],
  ];
  for (const [name, count, rule, epsilon] of graphs) {
    it(`of ${count} over ${name} ends ten rounds with the model known by arithmetic`, async () => {
      const ended = await run(memberNames(count), rule);
      expect(ended.record.outcome, JSON.stringify(ended.record.violation)).to.equal('done');
      const sealed = sealedOf(ended.record);
      expect(sealed.map(({ participants }) => participants.length)).to.deep.equal(
        Array.from({ length: 10 }, () => count),
      );
      expectRightModel(ended, epsilon);
    });
  }

  it('is the same, byte for byte, a second time', async () => {
    const [first, second] = [
      await run(memberNames(5), mixing({ kind: 'base', k: 1 }), { rounds: 3 }),
      await run(memberNames(5), mixing({ kind: 'base', k: 1 }), { rounds: 3 }),
    ];
    expect(JSON.stringify(second.record)).to.equal(JSON.stringify(first.record));
  });

  it('is voted for by members that do not take part', async () => {
    const members = memberNames(8);
    const participants = members.slice(0, 4);
    const ended = await run(members, mixing(onePeer), { participants, rounds: 4 });
    expect(ended.record.outcome).to.equal('done');
    expectRightModel(ended, 1e-5);
  });

  it('ends although messages are lost, repeated and broken off', async () => {
    const network = { latencyMsMax: 300, dropRate: 0.05, duplicateRate: 0.05, breakRate: 0.02 };
    const ended = await run(memberNames(8), mixing(onePeer, { patienceMs: 10_000 }), { network });
    expect(ended.record.outcome, JSON.stringify(ended.record.violation)).to.equal('done');
    expectRightModel(ended, 1e-5);
  });
});

describe('a mixed round with f members that fail', function () {
  this.timeout(600_000);

  for (const count of [8, 16]) {
    const members = memberNames(count);
    const failing = members.filter((_, at) => at % 3 === 1).slice(0, faultCountMax(count));

    it(`of ${count} goes on without stragglers`, async () => {
      const ended = await run(members, mixing({ kind: 'base', k: 1 }), {
        trainerOf: slowTrainers(count, members, failing),
        rounds: 5,
      });
      expect(ended.record.outcome).to.equal('done');
      for (const { participants } of sealedOf(ended.record)) {
        for (const id of failing) expect(participants).to.not.include(id);
      }
      expectRightModel(ended, 1e-5);
    });

    it(`of ${count} goes on without silent ones`, async () => {
      const ended = await run(members, mixing({ kind: 'base', k: 1 }), {
        ...{ excused: failing, rounds: 5 },
        parts: { bend: (one) => (failing.includes(one.self) ? muted(one) : one) },
      });
      expect(ended.record.outcome).to.equal('done');
      expectRightModel(ended, 1e-5, failing);
    });

    it(`of ${count} ends while they lose their power again and again`, async () => {
      const ended = await run(members, mixing({ kind: 'base', k: 1 }), {
        ...{ faults: crashes(failing), disk: { writeMs: 2 } },
      });
      expect(ended.record.outcome, JSON.stringify(ended.record.violation)).to.equal('done');
      expect(sealedOf(ended.record)).to.have.length(10);
      expect(new Set(ended.record.nodes.map(({ models }) => models.student)).size).to.equal(1);
    });
  }
});

describe('a liar in a mixed round', function () {
  this.timeout(600_000);
  const members = memberNames(8);
  const liar = members[2]!;

  const states: [string, (bytes: Uint8Array) => Uint8Array][] = [
    ['numbers that are none', (bytes) => filled(bytes, NaN)],
    ['numbers beyond its weight', (bytes) => filled(bytes, 1e30)],
    ['noise', (bytes) => bytes.map((_, at) => (at * 37) % 251)],
    ['more numbers than the model has', (bytes) => new Uint8Array([...bytes, ...bytes])],
  ];
  for (const [what, change] of states) {
    it(`that sends ${what} is refused, named and left out`, async () => {
      const ended = await run(members, mixing(onePeer), {
        rounds: 2,
        parts: { liars: [liar], bendStore: only(liar, /-0\.state$/, change) },
      });
      // Of more bytes than a state has nothing is taken.
      const isLonger = what.startsWith('more');
      expectLeftOut(ended, liar, isLonger ? 'a step is not here yet' : 'a step is refused');
    });
  }

  it('that does not give what it signed is left out', async () => {
    const ended = await run(members, mixing(onePeer), {
      rounds: 2,
      parts: {
        liars: [liar],
        bend: (transport) => (transport.self === liar ? stingy(transport) : transport),
      },
    });
    expectLeftOut(ended, liar, 'a step is not here yet');
  });

  it('that says of good states that it cannot use them is left out alone', async () => {
    const ended = await run(members, mixing(onePeer), {
      ...{ rounds: 2, excused: [liar] },
      parts: {
        liars: [liar],
        bend: (transport) => (transport.self === liar ? deaf(transport) : transport),
      },
    });
    expect(ended.record.outcome).to.equal('done');
    for (const { participants } of sealedOf(ended.record)) {
      expect(participants).to.deep.equal(members.filter((id) => id !== liar));
    }
  });

  it('that proposes a model beyond the bound finds no quorum, and another leader does', async () => {
    const ended = await run(members, mixing(onePeer), {
      rounds: 6,
      // Three steps among eight: its last state, of which its model is made.
      parts: {
        liars: [liar],
        bendStore: only(liar, /-3\.state$/, (bytes) => filled(bytes, 20)),
      },
      excused: [liar],
    });
    expect(ended.record.outcome).to.equal('done');
    expectRightModel(ended, 1e-5);
    const refusals = members.flatMap((id) =>
      ended.world.node(id).log.filter((line) => line.includes('a proposed model is refused')),
    );
    expect(refusals).to.not.be.empty;
  });
});

it('a mixed round whose models stay apart ends without one, for a reason of its own', async function () {
  this.timeout(600_000);
  const rule = mixing({ kind: 'ring' }, { steps: 1, epsilonNano: 1_000 });
  const ended = await run(memberNames(4), rule, { untilMs: 120_000 });
  expect(ended.record.outcome).to.not.equal('done');
  const reasons = ended.record.rounds.map((round) => round.outcome === 'void' && round.reason);
  expect(reasons).to.have.length.above(1);
  expect(new Set(reasons)).to.deep.equal(new Set(['models_apart']));
});

/** The liar is in no model, and honest nodes say who it was. */
function expectLeftOut(ended: Ended, liar: NodeId, line: string): void {
  const { record, world } = ended;
  expect(record.outcome, JSON.stringify(record.violation)).to.equal('done');
  const sealed = sealedOf(record);
  expect(sealed).to.have.length(2);
  for (const { participants } of sealed) expect(participants).to.not.include(liar);
  // Nobody else is: those to whom it sent show what they got.
  for (const { participants } of sealed) expect(participants.length).to.equal(7);
  const named = record.members.flatMap((id) =>
    world.node(id).log.filter((one) => one.includes(line) && one.includes(`"from":"${liar}"`)),
  );
  expect(named).to.not.be.empty;
  expect(new Set(record.nodes.map(({ models }) => models.student)).size).to.equal(1);
}

/** Every float32 is this. */
function filled(bytes: Uint8Array, value: number): Uint8Array {
  return new Uint8Array(new Float32Array(bytes.byteLength / 4).fill(value).buffer);
}

/** The disk of one node gives other bytes for some of its files. */
function only(
  liar: NodeId,
  names: RegExp,
  change: (bytes: Uint8Array) => Uint8Array,
): (id: NodeId, store: Store) => Store {
  return (id, store) => {
    if (id !== liar) return store;
    const changed = async (name: string): Promise<Uint8Array | null> => {
      const bytes = await store.read(name);
      return bytes === null ? null : change(bytes);
    };
    const readPart: Store['readPart'] = async (name, start, length) => {
      if (!names.test(name)) return store.readPart(name, start, length);
      return (await changed(name))?.slice(start, start + length) ?? null;
    };
    return new Proxy(store, {
      get(target, key) {
        if (key === 'readPart') return readPart;
        const value: unknown = Reflect.get(target, key);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
  };
}

/** Serves nothing. */
function stingy(transport: Transport): Transport {
  transport.serveBlobs = () => undefined;
  return transport;
}

/** Fetches nothing. */
function deaf(transport: Transport): Transport {
  // eslint-disable-next-line require-yield, @typescript-eslint/require-await -- a stream that breaks at once
  transport.fetch = async function* () {
    throw new TransportError({ code: 'unreachable', peer: transport.self }, 'nothing comes');
  };
  return transport;
}

/** Hears all and says nothing. */
function muted(transport: Transport): Transport {
  transport.broadcast = () => undefined;
  transport.send = () => undefined;
  return transport;
}

/** Some need longer than late work is worth. */
function slowTrainers(
  seed: number,
  members: readonly NodeId[],
  slow: readonly NodeId[],
): NonNullable<SimulationOptions['trainerOf']> {
  const hospitals = seededQuadratics(seed, members);
  return (id, clock, store) => {
    const durationMs = (): number => (slow.includes(id) ? 120_000 : 1_000);
    const training = { ...hospitals.get(id)!, share: seededShare, durationMs };
    return quadraticTrainer(id, clock, store, training);
  };
}

/** Each loses its power four times, for a second and a half. */
function crashes(ids: readonly NodeId[]): Fault[] {
  return ids.flatMap((node, at) =>
    [0, 1, 2, 3].map((time): Fault => {
      return { atMs: 1_500 + 7_000 * time + 137 * at, forMs: 1_500, kind: 'kill', node };
    }),
  );
}
