/**
 * Rounds whose updates, or states, travel compressed: nothing of what hospitals learnt is lost or counted twice, whoever
 * is late, away or killed, and exact and sharded rounds seal the same models.
 */
import { expect } from 'chai';
import { seededRandom, type NodeId } from '../../src/base/index.ts';
import {
  memberNames,
  quadraticTrainer,
  simulateConsortium,
  virtualPlan,
  type Fault,
  type Quadratic,
  type SimulationRecord,
  type VirtualWorld,
} from '../../src/simulate/index.ts';
import { decodeSafetensors } from '../../src/weights/index.ts';
import type { RoundRule } from '../../src/wire/index.ts';

const members = memberNames(4);
const size = 600;
const share = 0.5;
const mean = {
  ...{ samplesCap: 50, weightMax: 50, clampMicro: 1_000_000 },
  ...{ outerRateMicro: 1_000_000, outerMomentumMicro: 0 },
};
const rules: Readonly<Record<string, RoundRule>> = {
  exact: { kind: 'exact', ...mean, compression: 'int8' },
  sharded: { kind: 'sharded', reducers: 3, ...mean, compression: 'int8' },
  bf16: { kind: 'exact', ...mean, compression: 'bf16' },
  robust: {
    ...{ kind: 'exact', ...mean, compression: 'int8' },
    robust: { kind: 'centred-clip', capMicro: 1_000_000, radiusMicro: 1_000_000, iterations: 4 },
  },
  mixing: {
    ...{ kind: 'mixing', topology: { kind: 'ring' }, steps: 0, epsilonNano: 10_000 },
    ...{ patienceMs: 4_000, ...mean, compression: 'int8' },
  },
};

/** Optima within ±0.5, some numbers a thousand times smaller, 10 to 40 samples. */
const hospitals = new Map<NodeId, Quadratic>(
  members.map((id, at) => {
    const random = seededRandom(`compressed ${id}`);
    const optimum = Array.from(
      { length: size },
      (_, i) => (random.uniform() - 0.5) * (i % 3 === 0 ? 0.001 : 1),
    );
    return [id, { optimum, samples: 10 * (at + 1) }];
  }),
);

interface Ended {
  readonly record: SimulationRecord;
  readonly world: VirtualWorld;
}

async function run(rule: RoundRule, rounds: number, faults: readonly Fault[] = []): Promise<Ended> {
  let world: VirtualWorld | undefined;
  const record = await simulateConsortium({
    ...{ seed: 5, members, faults, settings: { modelRoundsKept: 100 } },
    plan: virtualPlan({ participants: members, rounds, rule, roundTimeoutMs: 8_000 }),
    trainerOf: (id, clock, store) =>
      quadraticTrainer(id, clock, store, {
        ...{ ...hospitals.get(id)!, share, durationMs: () => 1_000 },
      }),
    prepare: (made) => {
      world = made;
    },
  });
  expect(record.outcome, JSON.stringify(record.violation)).to.equal('done');
  expect(new Set(record.nodes.map(({ models }) => models.student)).size).to.equal(1);
  return { record, world: world! };
}

function numbersOf(bytes: Uint8Array): Float32Array {
  return decodeSafetensors(bytes).tensors[0]!.data as Float32Array;
}

/** The model of each round in order, the first of zeros. */
function modelsOf({ record, world }: Ended): Float32Array[] {
  const { files } = world.node(members[0]!).disk;
  const sealed = record.rounds.filter((round) => round.outcome === 'sealed');
  return [
    new Float32Array(size),
    ...sealed.map(({ model }) => numbersOf(files.get(`blobs/${model}`)!)),
  ];
}

/** What a node's roundings have left out when the plan is carried out. */
function leftOut({ world }: Ended, id: NodeId, lastRound: number): Float32Array {
  const { files } = world.node(id).disk;
  const bytes = files.get(`residual/student/${lastRound}`) ?? files.get('residual/student/kept')!;
  return new Float32Array(bytes.slice().buffer);
}

/**
 * Σ over rounds of W (x' - x) is what all updates added; that and what is left out is what all hospitals learnt, to the
 * rounding of float32 models.
 */
function expectNothingLost(ended: Ended): void {
  const { record } = ended;
  const models = modelsOf(ended);
  const sums = { added: new Float64Array(size), learnt: new Float64Array(size) };
  const carried = new Map<NodeId, Float64Array>();
  const sealed = record.rounds.filter((round) => round.outcome === 'sealed');
  for (const [at, { participants }] of sealed.entries()) {
    const [before, after] = [models[at]!, models[at + 1]!];
    const total = participants.reduce((sum, id) => sum + hospitals.get(id)!.samples, 0);
    for (let i = 0; i < size; i++) sums.added[i]! += total * (after[i]! - before[i]!);
    for (const [id, { optimum, samples }] of hospitals) {
      const late = carried.get(id) ?? new Float64Array(size);
      const change = Float64Array.from(late, (d, i) => d + share * (optimum[i]! - before[i]! - d));
      if (participants.includes(id)) {
        for (let i = 0; i < size; i++) sums.learnt[i]! += samples * change[i]!;
        carried.delete(id);
      } else carried.set(id, change);
    }
  }
  for (const [id, { samples }] of hospitals) {
    const left = leftOut(ended, id, record.rounds.length);
    for (let i = 0; i < size; i++) sums.added[i]! += samples * left[i]!;
  }
  const worst = Math.max(...sums.added.map((value, i) => Math.abs(value - sums.learnt[i]!)));
  // Weights up to 100 in all, models rounded to 2^-25 a round. A residual lost or counted twice is 40 · 0.25 / 254 = 0.04.
  expect(worst).to.be.below(1e-4);
}

/** What the last one says in the second round is lost; it hears the others. */
const unheard: Fault = {
  ...{ kind: 'cut', atMs: 3_300, forMs: 8_000, from: [members[3]!], to: members.slice(0, 3) },
};

describe('rounds with compressed updates', () => {
  it('seal one model in exact and sharded rounds, and carry the same residuals', async () => {
    const [exact, sharded] = [await run(rules.exact!, 5), await run(rules.sharded!, 5)];
    const modelOf = ({ record }: Ended): unknown => record.nodes[0]!.models.student;
    expect(modelOf(sharded)).to.equal(modelOf(exact));
    for (const id of members) {
      expect(leftOut(sharded, id, 5)).to.deep.equal(leftOut(exact, id, 5));
    }
    const plain = await run({ kind: 'exact', ...mean }, 5);
    expect(modelOf(plain)).to.not.equal(modelOf(exact));
  });

  for (const name of ['exact', 'sharded', 'bf16'] as const) {
    it(`lose nothing of what was learnt: ${name}`, async () => {
      expectNothingLost(await run(rules[name]!, 6));
    });

    it(`lose nothing where an update comes too late for its round: ${name}`, async () => {
      const ended = await run(rules[name]!, 5, [unheard]);
      const sizes = ended.record.rounds.map((round) =>
        round.outcome === 'sealed' ? round.participants.length : 0,
      );
      expect(sizes.filter((count) => count === 3).length, sizes.join()).to.be.at.least(1);
      expect(sizes.at(-1)).to.equal(4);
      expectNothingLost(ended);
    });
  }

  it('come to the end whenever a node is killed, with one model near that of whole updates', async () => {
    const plain = modelsOf(await run({ kind: 'exact', ...mean }, 5)).at(-1)!;
    for (const atMs of [1_150, 1_300, 2_500]) {
      const kill: Fault = { kind: 'kill', node: members[3]!, atMs, forMs: 600 };
      const ended = await run(rules.sharded!, 5, [kill]);
      const model = modelsOf(ended).at(-1)!;
      const worst = Math.max(...model.map((x, i) => Math.abs(x - plain[i]!)));
      // A change counted twice would be off by a tenth.
      expect(worst, `killed at ${atMs}`).to.be.below(0.01);
    }
  });

  it('can be averaged by a robust rule, which sees the integers that they stand for', async () => {
    const robust = modelsOf(await run(rules.robust!, 4)).at(-1)!;
    const { compression, ...whole } = rules.robust!;
    expect(compression).to.equal('int8');
    const plain = modelsOf(await run(whole, 4)).at(-1)!;
    const worst = Math.max(...robust.map((x, i) => Math.abs(x - plain[i]!)));
    expect(worst).to.be.below(0.005).and.above(0);
  });

  it('mix to within the bound of whole states, and lose nothing by rounding', async () => {
    const mixed = await run(rules.mixing!, 4);
    const exact = modelsOf(await run({ kind: 'exact', ...mean }, 4)).at(-1)!;
    const worst = Math.max(
      ...modelsOf(mixed)
        .at(-1)!
        .map((x, i) => Math.abs(x - exact[i]!)),
    );
    // ε is 10^-5 a round.
    expect(worst).to.be.below(4e-5);
  });
});
