import { mkdtempSync, rmSync, writeFileSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect } from 'chai';

import { parseNodeId, seededRandom, utf8, type Digest, type NodeId } from '../../src/base/index.ts';
import {
  distillationDefaults,
  encodeStudent,
  intensityDefaults,
  samplingDefaults,
  type CheckArgs,
  type LabelArgs,
  type TrainArgs,
} from '../../src/distill/index.ts';
import { initialWeights, readModelSpec } from '../../src/models/index.ts';
import { diskStore } from '../../src/host/index.ts';
import { HospitalError } from '../../src/hospital/errors.ts';
import { ModelJobs } from '../../src/hospital/model-jobs.ts';
import {
  HospitalTrainer,
  keepStartModel,
  planTraining,
  specAndTasks,
} from '../../src/hospital/index.ts';
import type { TrainingResult } from '../../src/peer/index.ts';
import { layoutOf, modelDigest, readModel } from '../../src/weights/index.ts';
import type { Plan, PlanStage } from '../../src/wire/index.ts';
import { plainImages, plainRule } from '../wire/sample-stage.ts';

interface Call {
  readonly method: string;
  readonly args: unknown;
}

/** A pool that does its work on files here, writes down what is learnt, and trains by adding one to the step count. */
class FakePool {
  readonly calls: Call[] = [];
  /** The next job fails. */
  isBroken = false;
  loss = 1.2345;

  run(method: string, args: unknown): Promise<unknown> {
    const noted = (name: string, given: unknown): void => {
      this.calls.push({ method: name, args: given });
      if (this.isBroken) throw new Error('the worker is gone');
    };
    const models = new ModelJobs(
      {
        train: (given) => {
          noted('train', given);
          const steps = (given.state?.[0]?.steps ?? 0) + 1;
          const state = [{ name: 'w', steps, buffers: [] }];
          const { weights } = given;
          return Promise.resolve({ weights, state, samples: 3, heads: {}, loss: this.loss });
        },
        label: async (given) => {
          await Promise.resolve();
          noted('label', given);
          return 1;
        },
        check: async (given) => {
          await Promise.resolve();
          noted('check', given);
          return 0.25;
        },
      },
      diskStore,
    );
    const job = Reflect.get(models, method) as (
      given: unknown,
      report: unknown,
    ) => Promise<unknown>;
    return job.call(models, args, () => undefined);
  }

  argsOf<Args>(method: string): Args[] {
    return this.calls.filter((call) => call.method === method).map(({ args }) => args as Args);
  }
}

const l1 = parseNodeId('L1') as NodeId;

function stageOf(id: string, heads: Record<string, number>, patch: number): PlanStage {
  return {
    id,
    kind: id === 'student' ? 'student' : 'teacher',
    ...(id === 'student' ? {} : { task: id.replace('teacher-', '') }),
    model: {
      ...{ kind: 'unet', inChannels: 1, features: [2, 4], strides: [1, 2], convsPerStage: 1 },
      ...{ heads, deepSupervision: false, dropoutMilli: 0 },
    },
    ...{ participants: [l1], rounds: 2, stepsPerRound: 5, learningRateMicro: 1000 },
    ...{ schedule: 'poly', roundTimeoutMs: 1000, minParticipants: 1, rule: plainRule },
    training: planTraining({
      ...{ patch: [patch, patch, patch], batch: 2, optimiser: 'adamw', weightDecay: 0.01 },
      ...{ momentum: 0, clipNorm: 0, proxMu: 0, resetOptimiser: false },
      sampling: samplingDefaults,
      ...(id === 'student' ? { distillation: distillationDefaults } : {}),
    }),
  };
}

const hps = stageOf('teacher-hps', { hps: 6 }, 16);
const ms = stageOf('teacher-ms', { ms: 3 }, 24);
const student = stageOf('student', { hps: 6, ms: 3 }, 32);
const plan: Plan = { seed: 7, images: plainImages, stages: [hps, ms, student] };
const silent = (): void => undefined;

describe('HospitalTrainer', () => {
  let folder: string;
  let pool: FakePool;
  beforeEach(() => {
    pool = new FakePool();
    folder = mkdtempSync(join(tmpdir(), 'annulus-trainer-'));
    mkdirSync(join(folder, 'train'));
    writeFileSync(join(folder, 'train', 'a.case'), 'first');
    writeFileSync(join(folder, 'train', 'b.case'), 'second');
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  const trainerOf = (
    changes: { plan?: Plan; hospital?: string; siteKey?: Uint8Array } = {},
  ): HospitalTrainer =>
    new HospitalTrainer({
      hospital: 'L1',
      folder,
      nodeFolder: folder,
      stateFolder: join(folder, 'states'),
      plan,
      inference: { overlap: 0.5, batch: 1 },
      pool,
      siteKey: new Uint8Array(32).fill(1),
      ...changes,
    });
  const initial = async (trainer: HospitalTrainer, stage: PlanStage): Promise<Digest> =>
    (await trainer.initialModel(stage, `initial/${stage.id}`)).digest;
  const train = async (
    trainer: HospitalTrainer,
    stage: PlanStage,
    round: number,
  ): Promise<TrainingResult> => {
    const hp = { ...stage.training, seed: 7, steps: 5, lrMicro: 900 };
    await initial(trainer, stage);
    const files = { start: `initial/${stage.id}`, into: `work/${round}/trained` };
    return trainer.train({ stage, round, roundsSealed: 0, ...files, hp }, silent);
  };

  it('starts a stage from weights that plan and stage alone fix', async () => {
    const first = await initial(trainerOf(), hps);
    expect(await initial(trainerOf({ hospital: 'L2' }), hps), 'another hospital').equal(first);
    expect(await initial(trainerOf({ plan: { ...plan, seed: 8 } }), hps), 'seed').not.equal(first);
    const renamed = { ...hps, id: 'teacher-again' };
    expect(await initial(trainerOf(), renamed), 'another stage').not.equal(first);
    expect(pool.calls).deep.equal([]);
    const made = await trainerOf().initialModel(hps, 'first');
    const weights = initialWeights(
      readModelSpec(hps.model),
      seededRandom(7).fork('stage/teacher-hps'),
    );
    expect(made.digest).equal(modelDigest(weights));
    expect(made.layout).deep.equal(layoutOf(weights));
    expect(await readModel(diskStore(folder), 'first', made.layout)).deep.equal(weights);
  });

  it('starts a stage from the model that the plan names, if that lies in the folder, whole', async () => {
    const store = diskStore(folder);
    const spec = readModelSpec(hps.model);
    const weights = initialWeights(spec, seededRandom('elsewhere'));
    const digest = modelDigest(weights);
    const start: PlanStage = { ...hps, start: digest };
    const from = { spec, weights, digest, intensity: intensityDefaults };
    const refused = async (reason: string): Promise<void> => {
      const error: unknown = await initial(trainerOf(), start).catch((caught: unknown) => caught);
      expect(error).instanceOf(HospitalError).with.property('code', 'bad_start');
      expect((error as HospitalError).message)
        .contain(digest)
        .and.contain(reason);
    };
    await refused('model.json is missing');
    await keepStartModel(store, { ...from, spacingMm: [1, 1, 1], window: [16, 16, 16] });
    expect(await initial(trainerOf({ hospital: 'L2' }), start)).equal(digest);

    const other = initialWeights(spec, seededRandom('other'));
    for (const [name, bytes] of encodeStudent({
      ...{ ...from, weights: other },
      ...{ spacingMm: [1, 1, 1], window: [16, 16, 16] },
    })) {
      await store.write(`start/${digest}/${name}`, bytes);
    }
    await refused(`what lies there has the digest ${modelDigest(other)}`);
    await store.write(`start/${digest}/model.json`, utf8('{}'));
    await refused('model.json: expected format');
  });

  it('gives each teacher to the labelling with its own weights and window, before the student only', async () => {
    const trainer = trainerOf();
    const [sealed, digests] = [new Map<string, string>(), new Map<string, Digest>()];
    for (const stage of [hps, ms]) {
      digests.set(stage.id, await initial(trainer, stage));
      sealed.set(stage.id, `initial/${stage.id}`);
    }
    await trainer.prepare(hps, new Map(), silent);
    expect(pool.calls).deep.equal([]);
    await trainer.prepare(student, sealed, silent);
    await trainer.prepare(student, sealed, silent); // once is enough
    const [labelled, ...more] = pool.argsOf<LabelArgs>('label');
    expect(more).deep.equal([]);
    expect(
      labelled?.teachers.map(({ task, spec, weights, window }) => ({
        ...{ task, heads: spec.heads, window },
        same: modelDigest(weights) === digests.get(`teacher-${task}`),
      })),
    ).deep.equal([
      { task: 'hps', heads: { hps: 6 }, window: [16, 16, 16], same: true },
      { task: 'ms', heads: { ms: 3 }, window: [24, 24, 24], same: true },
    ]);
    expect(labelled?.inference).deep.equal({ overlap: 0.5, batch: 1 });
  });

  it('labels with the teachers that were sealed, and not with those that were not', async () => {
    const trainer = trainerOf();
    await initial(trainer, ms);
    await trainer.prepare(student, new Map([[ms.id, `initial/${ms.id}`]]), silent);
    const [labelled] = pool.argsOf<LabelArgs>('label');
    expect(labelled?.teachers.map(({ task }) => task)).deep.equal(['ms']);
  });

  it('tells the workers to read the cases again once they are labelled', async () => {
    const trainer = trainerOf();
    await train(trainer, hps, 0);
    await trainer.prepare(student, new Map(), silent);
    await train(trainer, student, 1);
    expect(await trainer.check(student, 'work/1/trained')).equal(0.25);
    const [before, after] = pool.argsOf<TrainArgs>('train').map(({ generation }) => generation);
    expect(after).not.equal(before);
    expect(pool.argsOf<LabelArgs>('label')[0]?.generation).equal(before);
    expect(pool.argsOf<CheckArgs>('check')[0]?.generation).equal(after);
  });

  it('has new cases read and labelled, and lets no job run while they come', async () => {
    const trainer = trainerOf();
    await trainer.prepare(student, new Map(), silent);
    await train(trainer, student, 1);
    const order: string[] = [];
    let finish = (): void => undefined;
    const changed = trainer.changeCases(async () => {
      order.push('change begins');
      await new Promise<void>((resolve) => (finish = resolve));
      order.push('change ends');
    });
    const trained = train(trainer, student, 2).then(() => order.push('trained'));
    finish();
    await Promise.all([changed, trained]);
    expect(order).deep.equal(['change begins', 'change ends', 'trained']);
    await trainer.prepare(student, new Map(), silent);
    expect(pool.argsOf('label').length).equal(2);
    const [before, after] = pool.argsOf<TrainArgs>('train').map(({ generation }) => generation);
    expect(after).not.equal(before);
  });

  it('labels again when labelling failed', async () => {
    const trainer = trainerOf();
    pool.isBroken = true;
    const error = await trainer
      .prepare(student, new Map(), silent)
      .catch((thrown: unknown) => thrown);
    expect(error).instanceOf(Error);
    pool.isBroken = false;
    await trainer.prepare(student, new Map(), silent);
    expect(pool.argsOf('label').length).equal(2);
  });

  it('turns an OPEN into a job: teachers learn from experts, the student from all', async () => {
    const trainer = trainerOf();
    const result = await train(trainer, hps, 4);
    await train(trainer, student, 5);
    const [first, second] = pool.argsOf<TrainArgs>('train');
    expect(first).deep.include({
      ...{ folder, tasks: ['hps'], origins: ['expert'], state: null, steps: 5, batch: 2 },
      ...{ patch: [16, 16, 16], sampling: samplingDefaults, seed: '7/L1/4' },
    });
    expect(first?.optimiser).deep.include({ lr: 0.0009, weightDecay: 0.01 });
    expect(second).deep.include({
      tasks: ['hps', 'ms'],
      origins: ['expert', 'pseudo'],
      seed: '7/L1/5',
    });
    expect(result.samples).equal(3);
    expect(result.metricsMilli).deep.equal({ loss: 1235 }); // 1234.5 thousandths
  });

  it('signs a loss just below zero as 0: canonical JSON knows no -0', async () => {
    pool.loss = -0.0003;
    const result = await train(trainerOf(), hps, 0);
    expect(Object.is(result.metricsMilli.loss, 0)).equal(true);
  });

  it("keeps AdamW's moments from round to round of a stage, and apart from other stages", async () => {
    const trainer = trainerOf();
    for (const [stage, round] of [
      [hps, 0],
      [hps, 1],
      [ms, 2],
      [hps, 3],
    ] as const) {
      await train(trainer, stage, round);
    }
    const steps = pool.argsOf<TrainArgs>('train').map(({ state }) => state?.[0]?.steps ?? null);
    expect(steps).deep.equal([null, 1, null, 2]);
  });

  it('begins every round anew where the plan resets the optimiser', async () => {
    const trainer = trainerOf();
    const reset = { ...hps, training: { ...hps.training, resetOptimiser: true } };
    for (const round of [0, 1]) await train(trainer, reset, round);
    expect(pool.argsOf<TrainArgs>('train').map(({ state }) => state)).deep.equal([null, null]);
  });

  it('commits to the data: equal for equal data and key, and else different', async () => {
    const commitment = async (trainer: HospitalTrainer, round: number): Promise<string> =>
      (await train(trainer, hps, round)).dataset;
    const first = await commitment(trainerOf(), 0);
    expect(first).match(/^[0-9a-f]{64}$/);
    expect(await commitment(trainerOf(), 0)).equal(first);
    expect(await commitment(trainerOf(), 1), 'another round').not.equal(first);
    const otherKey = trainerOf({ siteKey: new Uint8Array(32).fill(2) });
    expect(await commitment(otherKey, 0), 'another key').not.equal(first);
    writeFileSync(join(folder, 'train', 'b.case'), 'changed');
    expect(await commitment(trainerOf(), 0), 'other data').not.equal(first);
    writeFileSync(join(folder, 'train', 'b.case'), 'second');
    expect(await commitment(trainerOf(), 0), 'the data again').equal(first);
    mkdirSync(join(folder, 'test'));
    writeFileSync(join(folder, 'test', 'c.case'), 'held out');
    expect(await commitment(trainerOf(), 0), 'held-out cases are no training data').equal(first);
  });

  it('commits anew after the teachers labelled the cases', async () => {
    const trainer = trainerOf();
    const { dataset } = await train(trainer, hps, 0);
    writeFileSync(join(folder, 'train', 'b.case'), 'labelled');
    expect((await train(trainer, hps, 0)).dataset, 'read once').equal(dataset);
    await trainer.prepare(student, new Map(), silent);
    expect((await train(trainer, student, 0)).dataset).not.equal(dataset);
  });

  it('refuses a plan that it cannot carry out before the first round', () => {
    const refusal = (stage: Partial<PlanStage>): string => {
      try {
        trainerOf({ plan: { ...plan, stages: [ms, { ...hps, ...stage }] } });
        return 'taken';
      } catch (error) {
        if (error instanceof HospitalError) return error.message;
        throw error;
      }
    };
    expect(refusal({})).equal('taken');
    expect(refusal({ model: { kind: 'perceptron' } })).match(
      /^stage teacher-hps of the plan: .*unet/,
    );
    expect(refusal({ task: 'ms' })).match(/no head for the task ms/);
    expect(refusal({ task: 'gout' })).match(/no head for the task gout/);
    expect(refusal({ model: { ...(hps.model as object), heads: { gout: 2 } } })).match(/no head/);
  });

  it('names the tasks of a stage in the order of the table', () => {
    expect(specAndTasks(stageOf('student', { ms: 3, calc: 2, hps: 6 }, 16)).tasks).deep.equal([
      ...['hps', 'ms', 'calc'],
    ]);
  });
});
