import { expect } from 'chai';

import { seededRandom } from '../../../src/base/index.ts';
import { openEngine, type Engine } from '../../../src/compute/index.ts';
import {
  drawPatch,
  Learner,
  trainRound,
  type DistillError,
  type OptimiserState,
  type Patch,
  type RoundTraining,
} from '../../../src/distill/index.ts';
import { modelDigest, type ModelWeights } from '../../../src/weights/index.ts';
import {
  adamW,
  ballCase,
  tinySize,
  tinySpec,
  tinyWeights,
  undisturbed,
} from '../training-cases.ts';

function patchWith(tasks: readonly string[]): Patch {
  return drawPatch(
    { source: ballCase(tasks), about: null },
    tasks,
    tinySize,
    seededRandom('patch'),
    undisturbed,
  );
}

describe('what a hospital trains', () => {
  let engine: Engine;
  let tensorsBefore: number;

  before(async () => {
    engine = await openEngine({ backend: 'wasm' });
  });
  beforeEach(() => {
    tensorsBefore = engine.tf.memory().numTensors;
  });
  afterEach(() => {
    expect(engine.tf.memory().numTensors, 'tensors left over').equal(tensorsBefore);
  });
  after(() => {
    engine.close();
  });

  /** Weights and moments after steps on `patches`, from the start or from where another stopped. */
  async function learn(
    patches: readonly Patch[],
    steps: number,
    from: { weights: ModelWeights; state: OptimiserState | null } = {
      weights: tinyWeights(),
      state: null,
    },
  ): Promise<{ weights: ModelWeights; state: OptimiserState; losses: number[] }> {
    const learner = new Learner(engine, tinySpec, from.weights, from.state);
    try {
      const losses: number[] = [];
      for (let step = 0; step < steps; step++) {
        losses.push(await learner.step(patches, adamW, step));
      }
      return {
        weights: await learner.loaded.weights(),
        state: await learner.optimiserState(),
        losses,
      };
    } finally {
      learner.dispose();
    }
  }

  describe('Learner', () => {
    it('lowers the loss of a patch it sees twenty times', async () => {
      const { losses } = await learn([patchWith(['calc', 'hps'])], 20);
      expect(losses.at(-1)).below((losses[0] ?? 0) / 2);
    });

    it('leaves a head without labels as it was, byte for byte', async () => {
      const both = await learn([patchWith(['calc', 'hps'])], 2);
      const { weights, state } = await learn([patchWith(['calc'])], 3, both);
      const memoryOf = (of: OptimiserState, wanted: string): OptimiserState[number] | undefined =>
        of.find(({ name }) => name === wanted);
      let heads = 0;
      weights.forEach(({ name, data }, n) => {
        const isHps = name.includes('heads.hps');
        if (isHps) heads++;
        const before = both.weights[n]?.data ?? new Float32Array();
        expect(same(data, before), `weights of ${name}`).equal(isHps);
        const memory = memoryOf(state, name);
        const earlier = memoryOf(both.state, name);
        expect(memory?.steps, `steps of ${name}`).equal(isHps ? 2 : 5);
        for (const at of [0, 1]) {
          const isSame = same(memory?.buffers[at], earlier?.buffers[at]);
          expect(isSame, `moment ${at} of ${name}`).equal(isHps);
        }
      });
      expect(heads).equal(2); // weight and bias
    });

    it('remembers nothing of a head that it never trained', async () => {
      const { state } = await learn([patchWith(['calc'])], 1);
      expect(state.length).greaterThan(0);
      expect(state.filter(({ name }) => name.includes('heads.hps'))).deep.equal([]);
    });

    it('ends with the same model from the same seed', async () => {
      const patches = [patchWith(['calc', 'hps']), patchWith(['hps'])];
      const first = modelDigest((await learn(patches, 3)).weights);
      expect(modelDigest((await learn(patches, 3)).weights)).equal(first);
      expect(modelDigest((await learn(patches, 4)).weights)).not.equal(first);
    });

    it('goes on from weights and moments as if it had not been interrupted', async () => {
      const patches = [patchWith(['calc', 'hps'])];
      const whole = await learn(patches, 6);
      const half = await learn(patches, 3);
      // Through a structured clone, as between threads; dropout is off, so seeds do not matter.
      const copy = structuredClone({ weights: half.weights, state: half.state });
      const rest = await learn(patches, 3, copy);
      expect(modelDigest(rest.weights)).equal(modelDigest(whole.weights));
      expect(rest.state).deep.equal(whole.state);
      const fresh = await learn(patches, 3, { weights: half.weights, state: null });
      expect(modelDigest(fresh.weights), 'without moments').not.equal(modelDigest(whole.weights));
    });

    it('takes the mean over a batch: two equal patches count as one', async () => {
      const patch = patchWith(['calc']);
      const one = await learn([patch], 1);
      const two = await learn([patch, patch], 1);
      expect(two.losses[0]).closeTo(one.losses[0] ?? NaN, 1e-6);
      two.weights.forEach(({ name, data }, n) => {
        data.forEach((value, at) => {
          expect(value, `${name}[${at}]`).closeTo(one.weights[n]?.data[at] ?? NaN, 1e-6);
        });
      });
    });

    it('tells the loss of a patch without learning from it', async () => {
      const learner = new Learner(engine, tinySpec, tinyWeights(), null);
      const patch = patchWith(['calc', 'hps']);
      const loss = await learner.loaded.loss(patch);
      expect(await learner.loaded.loss(patch)).equal(loss);
      expect(await learner.step([patch], adamW, 0)).closeTo(loss, 1e-5);
      learner.dispose();
    });
  });

  describe('trainRound', () => {
    const round: RoundTraining = {
      spec: tinySpec,
      tasks: ['calc', 'hps'],
      weights: tinyWeights(),
      state: null,
      steps: 3,
      batch: 2,
      patch: tinySize,
      optimiser: adamW,
      sampling: {
        ...undisturbed,
        rotationDegMax: 10,
        scannerNoiseStdDevMax: 0.1,
        foregroundShare: 0.5,
      },
      seed: '1/L1/0',
    };
    const run = (changes: Partial<RoundTraining> = {}): ReturnType<typeof trainRound> =>
      trainRound(
        engine,
        [ballCase(), ballCase(['hps'])],
        { ...round, ...changes },
        () => undefined,
      );

    it('reports each step and the number of cases', async () => {
      const seen: [number, number][] = [];
      const { loss, samples, state } = await trainRound(engine, [ballCase()], round, (step, at) => {
        seen.push([step, at]);
      });
      expect(seen.map(([step]) => step)).deep.equal([1, 2, 3]);
      expect(loss).closeTo(seen.reduce((sum, [, at]) => sum + at, 0) / 3, 1e-9);
      expect({ samples, steps: state[0]?.steps }).deep.equal({ samples: 1, steps: 3 });
    });

    it('gives the same model for the same seed, another for another', async () => {
      const digest = modelDigest((await run()).weights);
      expect(modelDigest((await run()).weights)).equal(digest);
      expect(modelDigest((await run({ seed: '1/L2/0' })).weights)).not.equal(digest);
    });

    it('counts the cases of each head that it trained, and none of a head that no step saw', async () => {
      const cases = [ballCase(['calc']), ballCase(['calc']), ballCase(['calc', 'hps'])];
      const trained = async (steps: number, seed: string): ReturnType<typeof trainRound> =>
        trainRound(engine, cases, { ...round, steps, batch: 1, seed }, () => undefined);
      const { heads, samples } = await trained(12, 'long');
      expect({ heads, samples }).deep.equal({ heads: { calc: 3, hps: 1 }, samples: 3 });
      // One patch of one case: 'short 1' draws one that has no point.
      const short = await trained(1, 'short 1');
      expect(short.heads).deep.equal({ calc: 3, hps: 0 });
      short.weights.forEach(({ name, data }, n) => {
        const isHps = name.includes('heads.hps');
        expect(same(data, round.weights[n]?.data), name).equal(isHps);
      });
    });

    it('refuses to train on nothing', async () => {
      expect(await codeOf(() => trainRound(engine, [], round, () => undefined))).equal('no_cases');
    });

    it('stops when the numbers are no longer finite, even after the last step', async () => {
      const optimiser = { ...adamW, lr: 1e39 };
      expect(await codeOf(() => run({ optimiser }))).equal('diverged');
      expect(await codeOf(() => run({ optimiser, steps: 1 }))).equal('diverged');
    });
  });
});

async function codeOf(work: () => Promise<unknown>): Promise<string> {
  try {
    await work();
  } catch (error) {
    return (error as DistillError).code;
  }
  return 'nothing thrown';
}

function same(a: Float32Array | undefined, b: Float32Array | undefined): boolean {
  if (a === undefined || b === undefined) return false;
  return (
    Buffer.compare(
      new Uint8Array(a.buffer, a.byteOffset, a.byteLength),
      new Uint8Array(b.buffer, b.byteOffset, b.byteLength),
    ) === 0
  );
}
