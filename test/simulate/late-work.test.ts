/** What a slow hospital learns is not lost: it goes into the next round that it can reach. */
import { expect } from 'chai';
import type { NodeId } from '../../src/base/index.ts';
import {
  memberNames,
  quadraticTrainer,
  seededQuadratics,
  seededShare,
  simulateConsortium,
  virtualPlan,
  type Fault,
  type Quadratic,
  type SimulationRecord,
  type VirtualWorld,
} from '../../src/simulate/index.ts';
import { decodeSafetensors } from '../../src/weights/index.ts';

const seed = 7;
const members = memberNames(4);
const [first, slow] = [members[0]!, members[3]!];
const roundTimeoutMs = 8_000;
const hospitals = seededQuadratics(seed, members);
const others = members.slice(0, 3).map((id) => hospitals.get(id)!);
const own = hospitals.get(slow)!;
type Vector = readonly number[];

/** Each change is what a hospital adds to the model, weighted by its samples. */
function average(base: Vector, changes: readonly (readonly [Quadratic, Vector])[]): Vector {
  const total = changes.reduce((sum, [{ samples }]) => sum + samples, 0);
  return base.map(
    (x, at) =>
      x + changes.reduce((sum, [{ samples }, change]) => sum + samples * change[at]!, 0) / total,
  );
}

/** What a hospital learns from `start`: a share of the way to its optimum. */
function learnt({ optimum }: Quadratic, start: Vector): Vector {
  return start.map((x, at) => seededShare * (optimum[at]! - x));
}

const ofOthers = (base: Vector): (readonly [Quadratic, Vector])[] =>
  others.map((one) => [one, learnt(one, base)] as const);
const plus = (a: Vector, b: Vector): Vector => a.map((x, at) => x + b[at]!);

/** Runs so many rounds; the slow one's trainings take the given times, the last one for all further. */
async function run(
  rounds: number,
  tookMs: readonly number[],
  faults: readonly Fault[] = [],
): Promise<{ readonly record: SimulationRecord; readonly model: readonly number[] }> {
  let world: VirtualWorld | undefined;
  let trainings = 0;
  const durationOf = (id: NodeId): number => {
    if (id !== slow) return 1_000;
    const duration = tookMs[Math.min(trainings, tookMs.length - 1)]!;
    trainings += 1;
    return duration;
  };
  const record = await simulateConsortium({
    ...{ seed, members, faults },
    plan: virtualPlan({ participants: members, rounds, roundTimeoutMs }),
    trainerOf: (id, clock, store) =>
      quadraticTrainer(id, clock, store, {
        ...{ ...hospitals.get(id)!, share: seededShare, durationMs: () => durationOf(id) },
      }),
    prepare: (made) => {
      world = made;
    },
  });
  expect(record.outcome, JSON.stringify(record.violation)).to.equal('done');
  const digest = record.nodes[0]!.models.student!;
  expect(new Set(record.nodes.map(({ models }) => models.student)).size).to.equal(1);
  const bytes = world!.node(first).disk.files.get(`blobs/${digest}`)!;
  const [tensor] = decodeSafetensors(bytes).tensors;
  return { record, model: [...(tensor!.data as Float32Array)] };
}

function expectNear(model: Vector, expected: Vector): void {
  // Each round rounds to 2^-23 of the clamp, times the members.
  expected.forEach((value, at) => expect(model[at], `coordinate ${at}`).to.be.closeTo(value, 1e-4));
}

/** How many updates each round's model is made of. */
function cutSizes({ rounds }: SimulationRecord): number[] {
  return rounds.map((round) => (round.outcome === 'sealed' ? round.participants.length : 0));
}

/** What the slow one says in the first round is lost; it hears the others. */
const unheard: readonly Fault[] = [
  { kind: 'cut', atMs: 300, forMs: 8_400, from: [slow], to: members.slice(0, 3) },
];

const zero = own.optimum.map(() => 0);

describe('work that comes too late for its round', () => {
  it('is where the next training starts: the update of that round holds both', async () => {
    const { record, model } = await run(2, [1_000], unheard);
    expect(cutSizes(record)).to.deep.equal([3, 4]);
    const x1 = average(zero, ofOthers(zero));
    const start = plus(x1, learnt(own, zero));
    const update = plus(learnt(own, zero), learnt(own, start));
    expectNear(model, average(x1, [...ofOthers(x1), [own, update]]));
  });

  it('goes out as it is where there is no time for another training', async () => {
    // Twenty seconds: begun in the first round, done in the third, whose last four seconds are too few for another.
    const { record, model } = await run(3, [20_000]);
    expect(cutSizes(record)).to.deep.equal([3, 3, 4]);
    const x1 = average(zero, ofOthers(zero));
    const x2 = average(x1, ofOthers(x1));
    expectNear(model, average(x2, [...ofOthers(x2), [own, learnt(own, zero)]]));
  });

  it('is not told twice', async () => {
    // Late once; its update of the second round is in the cut, so the third holds the third training alone.
    const { record, model } = await run(3, [1_000], unheard);
    expect(cutSizes(record)).to.deep.equal([3, 4, 4]);
    const x1 = average(zero, ofOthers(zero));
    const start = plus(x1, learnt(own, zero));
    const update = plus(learnt(own, zero), learnt(own, start));
    const x2 = average(x1, [...ofOthers(x1), [own, update]]);
    expectNear(model, average(x2, [...ofOthers(x2), [own, learnt(own, x2)]]));
  });

  it('is given up when it is more than three rounds old', async () => {
    // Done after 36 s, in the fifth round: four rounds ago.
    const { record, model } = await run(5, [36_000, 1_000]);
    const counts = cutSizes(record);
    expect(counts).to.deep.equal([3, 3, 3, 3, 4]);
    let x: Vector = zero;
    for (let round = 1; round <= 4; round++) x = average(x, ofOthers(x));
    expectNear(model, average(x, [...ofOthers(x), [own, learnt(own, x)]]));
  });
});
