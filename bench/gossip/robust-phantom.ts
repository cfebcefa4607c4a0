/**
 * What attacks cost on phantoms, with the robust default and without: a small U-Net learns the heart and the five points of
 * `hps` from phantoms of several hospitals, by the very jobs and the very average of a consortium, without a network.
 *
 *   node bench/gossip/robust-phantom.ts [MEMBERS LIARS [ROUNDS [RULE [ATTACK]]]]
 *
 * Prints for each attack the mean Dice of the heart's structures and the mean distance of the points that were found, on
 * held-out phantoms of the honest hospitals.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { seededRandom, type NodeId } from '../../src/base/index.ts';
import {
  engineOptionsOf,
  loadPreset,
  membersOf,
  modelSpecFor,
  patchOf,
  robustDefaults,
  type RobustSettings,
  studentStage,
  type RunSettings,
} from '../../src/config/index.ts';
import {
  intensityDefaults,
  type EvaluatedCase,
  type OptimiserState,
  type RoundTrained,
} from '../../src/distill/index.ts';
import { caseJobs } from '../../src/experiment/index.ts';
import { averagingRule, roundAverage, roundUpdate } from '../../src/gossip/index.ts';
import {
  eachOf,
  expertGeneration,
  openTrainingPool,
  roundTraining,
  specAndTasks,
  stageWeights,
  type WorkerPool,
} from '../../src/hospital/index.ts';
import { lieOf, type UpdateAttack } from '../../src/simulate/index.ts';
import { delta, type ModelWeights } from '../../src/weights/index.ts';
import { hyperparametersOf, type Json, type PlanStage } from '../../src/wire/index.ts';

const [memberCount = 4, liarCount = 1, rounds = 10] = process.argv.slice(2, 5).map(Number);
/** Only what has these names; all where absent. */
const [onlyRule, onlyAttack] = process.argv.slice(5);
const stepsPerRound = 12;

const hospitals = Array.from({ length: memberCount }, (_, i) => {
  const id = `L${String(i + 1).padStart(2, '0')}`;
  return `    - { id: ${id}, cases: { hps: 3, ms: 1, calc: 1, test: 2 } }`;
});
const preset = `
preset: robust phantom
consortium:
  hospitals:
${hospitals.join('\n')}
phantom: { shape: [32, 32, 32], spacingMm: [4.5, 4.5, 4.5] }
models:
  teacher: { features: [6, 12, 24], strides: [1, 2, 2], convsPerStage: 1, deepSupervision: false }
  student: { featureSize: 6, depths: [1, 1], numHeads: [2, 2], window: 4 }
training:
  patch: [32, 32, 32]
  pointRadiusMm: 9
  heart: head
  teacher: { rounds: 1, stepsPerRound: 1, batch: 1 }
  student: { rounds: ${rounds}, stepsPerRound: ${stepsPerRound}, batch: 1, learningRate: 0.01 }
`;
const attacks: Readonly<Record<string, UpdateAttack | null>> = {
  none: null,
  'sign flip x10': { kind: 'sign-flip', factor: 10 },
  'scale x1000': { kind: 'scale', factor: 1000 },
  'ALIE z = 1.5': { kind: 'alie', z: 1.5 },
  'IPM ε = 0.5': { kind: 'ipm', epsilon: 0.5 },
};

/** Settings of the average; `tolerated` of NNM is the number of liars. */
const rules: Readonly<Record<string, RobustSettings>> = {
  mean: robustDefaults,
  centred: { ...robustDefaults, kind: 'centred-clip', nnm: false },
  'NNM + centred': { ...robustDefaults, kind: 'centred-clip', nnm: true, tolerated: liarCount },
};

/** How well a model does on held-out phantoms. */
interface Scored {
  readonly dice: number;
  readonly errorMm: number;
  readonly missed: number;
}

const folder = await mkdtemp(join(tmpdir(), 'annulus-robust-'));
const pools: WorkerPool[] = [];
try {
  const settings = loadPreset(preset, 'robust-phantom.yaml');
  const pool = openTrainingPool(engineOptionsOf(settings.compute), settings.compute.workers);
  pools.push(pool);
  const casesOf = (id: string): string => join(folder, id);
  const jobs = await caseJobs(settings, casesOf);
  await eachOf(jobs, 2 * pool.size, ({ run }) => run(pool, () => undefined));
  console.log(
    `${liarCount} of ${memberCount} lie, ${rounds} rounds of ${stepsPerRound} steps: Dice of the heart x100, points mm (missed)`,
  );
  for (const [rule, robust] of Object.entries(rules)) {
    if (onlyRule !== undefined && rule !== onlyRule) continue;
    for (const [name, attack] of Object.entries(attacks)) {
      if (onlyAttack !== undefined && name !== onlyAttack) continue;
      const training = { ...settings.training, robust };
      const { dice, errorMm, missed } = await runOf({ ...settings, training }, pool, attack);
      const words = [(100 * dice).toFixed(1), errorMm.toFixed(1), `(${missed})`].join('  ');
      console.log(`${rule.padEnd(14)}${name.padEnd(16)}${words}`);
    }
  }
} finally {
  for (const pool of pools) await pool.close();
  await rm(folder, { recursive: true, force: true });
}

async function runOf(
  settings: RunSettings,
  pool: WorkerPool,
  attack: UpdateAttack | null,
): Promise<Scored> {
  const members = membersOf(settings);
  const liars = new Set(members.slice(memberCount - liarCount));
  const { models, training, seed } = settings;
  const model = modelSpecFor(models.teacher, ['hps'], training.heart) as unknown as Json;
  const stage = studentStage(settings, 'heart', training.student, members, model);
  const rule = averagingRule(stage.rule, memberCount);
  let weights = stageWeights({ seed }, stage);
  const states = new Map<NodeId, OptimiserState>();
  for (let round = 0; round < rounds; round++) {
    const hp = hyperparametersOf({ seed }, stage, round);
    const trained = await eachOf(members, Infinity, async (id) => {
      const job = roundTraining({ stage, round: round + 1, hp }, id, at(id, expertGeneration));
      const args = { ...job, weights, state: states.get(id) ?? null };
      const done = (await pool.run('train', args)) as RoundTrained;
      states.set(id, done.state);
      return { id, done };
    });
    const base = weights;
    const honest = trained.filter(({ id }) => !liars.has(id) || attack === null);
    const changes = honest.map(({ done }) => delta(done.weights, base));
    const random = seededRandom(`lies ${round}`);
    const updates = trained.map(({ id, done }) => {
      const sent =
        attack === null || !liars.has(id)
          ? done.weights
          : moved(
              base,
              lieOf(attack, {
                ...{ own: delta(done.weights, base), honest: changes, liarCount, random },
              }),
            );
      return roundUpdate(sent, base, done, rule);
    });
    weights = roundAverage(base, updates, rule);
  }
  const honestMembers = members.filter((id) => !liars.has(id));
  return scoreOf(settings, stage, weights, pool, honestMembers);
}

function moved(base: ModelWeights, change: Float64Array): ModelWeights {
  let at = 0;
  return base.map(({ name, shape, data }) => {
    const after = data.map((x, t) => x + (change[at + t] as number));
    at += data.length;
    return { name, shape, data: after };
  });
}

function at(hospital: string, generation: string): Parameters<typeof roundTraining>[2] {
  return { folder: join(folder, hospital), intensity: intensityDefaults, generation };
}

async function scoreOf(
  settings: RunSettings,
  stage: PlanStage,
  weights: ModelWeights,
  pool: WorkerPool,
  hospitals: readonly NodeId[],
): Promise<Scored> {
  const window = patchOf(settings.training);
  const inference = { ...settings.inference, window };
  const cases = await eachOf(hospitals, Infinity, (id) => {
    const args = { ...at(id, 'test'), ...specAndTasks(stage), weights, inference };
    return pool.run('evaluate', args) as Promise<EvaluatedCase[]>;
  });
  const scores = cases.flat().flatMap((one) => one.scores);
  const dices = scores.flatMap(({ dice }) => (dice === null ? [] : [dice]));
  const points = scores.filter(({ kind }) => kind === 'point');
  const found = points.flatMap(({ errorMm }) => (errorMm === null ? [] : [errorMm]));
  return {
    dice: meanOf(dices),
    errorMm: meanOf(found),
    missed: points.length - found.length,
  };
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, x) => sum + x, 0) / values.length;
}
