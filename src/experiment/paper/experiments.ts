/**
 * The paper's six arms, {U-Net, SwinUNETR} × {local, federated, distilled}, as experiments: one model each, from
 * its first weights to its last round. What the plan of a consortium has (federated U-Nets as teachers, the distilled
 * SwinUNETR) is taken from there, so that it is the same to the last bit; the rest is built beside it.
 */
import { invariant, type NodeId } from '../../base/index.ts';
import {
  holdersOf,
  membersOf,
  modelSpecFor,
  oneTaskHeart,
  planOf,
  type RunSettings,
  studentStage,
  taughtTasks,
  teacherStage,
} from '../../config/index.ts';
import { parseTaskId, type TaskId } from '../../data/index.ts';
import type { Json, PlanStage } from '../../wire/index.ts';
import { ReproduceError } from './errors.ts';

/** The two networks of the paper. */
export type NetworkId = 'unet' | 'swin';

/** How a model was trained: alone on own labels; together on experts' labels; together on experts' and teachers' labels. */
export type Regime = 'local' | 'federated' | 'distilled';

/** A row of the paper's table. */
export interface Arm {
  readonly id: `${NetworkId}-${Regime}`;
  readonly network: NetworkId;
  readonly regime: Regime;
  /** As the paper names it. */
  readonly title: string;
}

const titleOf: Readonly<Record<Regime, (network: string) => string>> = {
  local: (network) => `${network} local`,
  federated: (network) => `Fed ${network}`,
  distilled: (network) => `Fed KD ${network}`,
};

/** In the order of the paper's table. */
export const arms: readonly Arm[] = (['local', 'federated', 'distilled'] as const).flatMap(
  (regime) =>
    (['unet', 'swin'] as const).map((network): Arm => {
      const title = titleOf[regime](network === 'unet' ? 'U-Net' : 'SwinUNETR');
      return { id: `${network}-${regime}`, network, regime, title };
    }),
);

/** One model under training. */
export interface Experiment {
  /** Short and unique: `unet-hps`, `unet-hps-L1`, `swin-all`. */
  readonly id: string;
  readonly arm: Arm;
  /** Its participants train; a lone hospital's experiment has one. */
  readonly stage: PlanStage;
  /** Number of its first round in the run, which the seeds of rounds are made of. */
  readonly firstRound: number;
  /** Heads of the model. */
  readonly tasks: readonly TaskId[];
}

/** All experiments of one seed, in the order in which one can follow the other. */
export interface Experiments {
  /** Local and federated models, of one task each. */
  readonly single: readonly Experiment[];
  /** Distilled models, of all tasks; they need the federated U-Nets' labels. */
  readonly distilled: readonly Experiment[];
}

/**
 * All experiments of one seed. A network brings its learning rate and batch: `training.teacher` has the U-Net's,
 * `training.student` the SwinUNETR's. Rounds and steps are the teacher's for models of one task and the student's for the
 * distilled ones, whichever the network.
 *
 * @throws {ReproduceError} 'wrong_networks' unless teachers are U-Nets and the student a SwinUNETR, all of drawn weights
 */
export function experimentsOf(settings: RunSettings): Experiments {
  checkNetworks(settings);
  checkCompression(settings);
  const { stages } = planOf(settings);
  const firstRounds = new Map<string, number>();
  let round = 1;
  for (const { id, rounds } of stages) {
    firstRounds.set(id, round);
    round += rounds;
  }
  const firstRoundOf = (id: string): number => firstRounds.get(id) ?? 1;
  const single = taughtTasks(settings).flatMap((task) => {
    const teacher = stages.find((stage) => parseTaskId(stage.task) === task);
    invariant(teacher !== undefined, 'every taught task has a teacher');
    const first = firstRoundOf(teacher.id);
    return [
      ...withLocals('unet', task, teacher, first),
      ...withLocals('swin', task, singleSwin(settings, task), first),
    ];
  });
  const student = stages.find(({ kind }) => kind === 'student');
  invariant(student !== undefined, 'a plan ends with a student');
  const first = firstRoundOf(student.id);
  const tasks = taughtTasks(settings);
  const distilled = (network: NetworkId, stage: PlanStage): Experiment => ({
    ...{ id: `${network}-all`, arm: armOf(network, 'distilled'), stage, firstRound: first, tasks },
  });
  return {
    single,
    distilled: [distilled('unet', studentUnet(settings)), distilled('swin', student)],
  };
}

/** The federated model of one task, and each participant's own from the same first weights. */
function withLocals(
  network: NetworkId,
  task: TaskId,
  stage: PlanStage,
  firstRound: number,
): Experiment[] {
  const experiment = (regime: Regime, id: string, participants: readonly NodeId[]): Experiment => ({
    ...{ id, arm: armOf(network, regime), stage: { ...stage, participants }, firstRound },
    tasks: [task],
  });
  return [
    experiment('federated', `${network}-${task}`, stage.participants),
    ...stage.participants.map((hospital) =>
      experiment('local', `${network}-${task}-${hospital}`, [hospital]),
    ),
  ];
}

/** The student's architecture with the one head of `task`, among those that labelled it. */
function singleSwin(settings: RunSettings, task: TaskId): PlanStage {
  const { models, training } = settings;
  const { rounds, stepsPerRound } = training.teacher;
  const budget = { ...training.student, rounds, stepsPerRound };
  const model = modelSpecFor(models.student, [task], oneTaskHeart(settings)) as unknown as Json;
  const holders = holdersOf(settings, task);
  return teacherStage(settings, `swin-${task}`, budget, holders, model, task);
}

/** The teacher's architecture with a head for every task, among all. */
function studentUnet(settings: RunSettings): PlanStage {
  const { models, training } = settings;
  const { rounds, stepsPerRound } = training.student;
  const budget = { ...training.teacher, rounds, stepsPerRound };
  const tasks = taughtTasks(settings);
  const model = modelSpecFor(models.teacher, tasks, training.heart) as unknown as Json;
  const members = membersOf(settings);
  return studentStage(settings, 'student-unet', budget, members, model);
}

function armOf(network: NetworkId, regime: Regime): Arm {
  const arm = arms.find((one) => one.network === network && one.regime === regime);
  invariant(arm !== undefined, 'every network is trained in every regime');
  return arm;
}

function checkNetworks({ models, training }: RunSettings): void {
  if (training.teacher.start !== '' || training.student.start !== '') {
    const expected = 'training.teacher.start and training.student.start empty';
    throw new ReproduceError(
      { code: 'wrong_networks', expected },
      `the six arms begin from weights that their seeds draw: expected ${expected}`,
    );
  }
  if (models.teacher.kind === 'unet' && models.student.kind === 'swin-unetr') return;
  const expected = 'models.teacher of kind unet and models.student of kind swin-unetr';
  throw new ReproduceError(
    { code: 'wrong_networks', expected },
    `the six arms compare a U-Net with a SwinUNETR: expected ${expected}`,
  );
}

function checkCompression({ training: { compression } }: RunSettings): void {
  if (compression === 'none') return;
  const message = `expected training.compression none, got ${compression}: a reproduction has no network on which updates are rounded`;
  throw new ReproduceError({ code: 'compressed' }, message);
}
