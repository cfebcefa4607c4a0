/** From the settings of a run to the plan that its members agree on: a teacher for each task, then the student. */
import { invariant, parseNodeId, type Digest, type NodeId } from '../base/index.ts';
import { taskIds, type TaskId } from '../data/index.ts';
import { intensityDefaults, type HeartUse, type PatchSize } from '../distill/index.ts';
import { planImages, planTraining, specAndTasks, type StageTraining } from '../hospital/index.ts';
import { parameterList } from '../models/index.ts';
import { elementCount } from '../weights/index.ts';
import type {
  ConsortiumLimits,
  Json,
  Plan,
  PlanImages,
  PlanStage,
  RoundRule,
} from '../wire/index.ts';
import { mixingRuleOf } from './mixing-settings.ts';
import { modelSpecFor } from './model-settings.ts';
import { robustRuleOf } from './run-plan-robust.ts';
import type { RunSettings } from './run-settings.ts';
import type { StageSettings } from './training-settings.ts';

/** Up to so many members each sends its update to all others: with one more that is 16 copies of it. */
const exactMax = 16;
/** Members that add up each shard: two could each say something else, and none of them would be believed. */
const reducers = 3;

/** By kind of stage. */
export interface StartDigests {
  readonly teacher?: Digest;
  readonly student?: Digest;
}

/** Hospitals that hold an expert's label of `task`, ascending. */
export function holdersOf(settings: RunSettings, task: TaskId): NodeId[] {
  return membersOf(settings).filter((id) =>
    settings.consortium.hospitals.some(
      (hospital) => hospital.id === id && hospital.cases[task] > 0,
    ),
  );
}

/** All hospitals, ascending. */
export function membersOf(settings: RunSettings): NodeId[] {
  return settings.consortium.hospitals
    .map(({ id }) => {
      const parsed = parseNodeId(id);
      invariant(parsed !== null, 'hospital ids are checked by the settings');
      return parsed;
    })
    .sort();
}

/** Tasks that somebody labelled, in the order of the table. */
export function taughtTasks(settings: RunSettings): TaskId[] {
  return taskIds.filter((task) => holdersOf(settings, task).length > 0);
}

/** @param starts digests of the models that stages begin from, by kind; fresh weights where there is none. */
export function planOf(settings: RunSettings, starts: StartDigests = {}): Plan {
  const { models, training, seed } = settings;
  const tasks = taughtTasks(settings);
  const teachers = tasks.map((task): PlanStage => {
    const model = modelSpecFor(models.teacher, [task], oneTaskHeart(settings));
    const participants = holdersOf(settings, task);
    const id = `teacher-${task}`;
    return {
      ...teacherStage(settings, id, training.teacher, participants, model, task),
      ...(starts.teacher === undefined ? {} : { start: starts.teacher }),
    };
  });
  const model = modelSpecFor(models.student, tasks, training.heart);
  const student: PlanStage = {
    ...studentStage(settings, 'student', training.student, membersOf(settings), model),
    ...(starts.student === undefined ? {} : { start: starts.student }),
  };
  return { seed, images: imagesFor(settings), stages: [...teachers, student] };
}

/** What images are to the models of a run. */
export function imagesFor({ phantom, training }: RunSettings): PlanImages {
  const { pointRadiusMm, heart } = training;
  const { spacingMm } = phantom;
  return planImages({ spacingMm, pointRadiusMm, heart, intensity: intensityDefaults });
}

/** What a model of one task does with the heart's segmentation: it sees it, but is not taught it. */
export function oneTaskHeart({ training: { heart } }: RunSettings): HeartUse {
  return heart === 'condition' ? 'condition' : 'none';
}

/** What bounds messages: an update of the largest model. */
export function limitsOf(parameterCountMax: number): ConsortiumLimits {
  // At most four bytes a parameter and one for 64 of them, and what encryption adds to each 16 KiB.
  return { updateBytesMax: Math.ceil(parameterCountMax * 4 * 1.01) + 4096 };
}

/** As `limitsOf`, for the largest model of a plan. */
export function limitsOfPlan({ stages }: Plan): ConsortiumLimits {
  const counts = stages.map((stage) =>
    parameterList(specAndTasks(stage).spec).reduce(
      (sum, { shape }) => sum + elementCount(shape),
      0,
    ),
  );
  return limitsOf(Math.max(...counts));
}

/** A stage in which `participants` learn one task, as long and as fast as `stage` says. */
export function teacherStage(
  settings: RunSettings,
  id: string,
  stage: StageSettings,
  participants: readonly NodeId[],
  model: unknown,
  task: TaskId,
): PlanStage {
  const training = planTraining(trainingOf(settings, stage));
  return { ...stageOf(settings, id, stage, participants, model), kind: 'teacher', task, training };
}

/** A stage in which `participants` learn all tasks, also from teachers, as long and as fast as `stage` says. */
export function studentStage(
  settings: RunSettings,
  id: string,
  stage: StageSettings,
  participants: readonly NodeId[],
  model: unknown,
): PlanStage {
  const { distillation } = settings;
  const training = planTraining({ ...trainingOf(settings, stage), distillation });
  return { ...stageOf(settings, id, stage, participants, model), kind: 'student', training };
}

/** The training patch, which is also the window of every search. */
export function patchOf({ patch }: Pick<RunSettings['training'], 'patch'>): PatchSize {
  if (typeof patch === 'string') return 'whole';
  const [depth = 0, height = 0, width = 0] = patch;
  return [depth, height, width];
}

/** Half of a stage's participants, rounded up: with fewer updates a round has no result. */
export function minParticipantsOf(participantCount: number): number {
  return Math.ceil(participantCount / 2);
}

/** What both kinds of stage have. */
function stageOf(
  { training, consortium }: RunSettings,
  id: string,
  stage: StageSettings,
  participants: readonly NodeId[],
  model: unknown,
): Omit<PlanStage, 'kind' | 'task' | 'training'> {
  const { rounds, stepsPerRound, learningRate, schedule } = stage;
  return {
    id,
    model: model as Json,
    participants,
    rounds,
    stepsPerRound,
    learningRateMicro: Math.round(learningRate * 1e6),
    schedule,
    roundTimeoutMs: training.roundTimeoutMs,
    ...(training.deadlineFactor > 0 && {
      deadlineFactorMicro: Math.round(Math.max(1, training.deadlineFactor) * 1e6),
    }),
    minParticipants: minParticipantsOf(participants.length),
    rule: ruleOf(training, stage, consortium.hospitals.length),
  };
}

/** The average of a stage: DiLoCo has an outer step of its own, all others take the mean as it is. */
function ruleOf(
  training: RunSettings['training'],
  { federation }: StageSettings,
  memberCount: number,
): RoundRule {
  const { averaging, compression, samplesCap, clamp } = training;
  const { outerLearningRate, outerMomentum } = training;
  const robust = robustRuleOf(training.robust, memberCount);
  const isDiloco = federation === 'diloco';
  const mean = {
    ...(compression !== 'none' && { compression }),
    samplesCap,
    weightMax: samplesCap,
    clampMicro: Math.round(clamp * 1e6),
    outerRateMicro: isDiloco ? Math.round(outerLearningRate * 1e6) : 1_000_000,
    outerMomentumMicro: isDiloco ? Math.round(outerMomentum * 1e6) : 0,
  };
  if (averaging === 'mixing') return mixingRuleOf(training.mixing, mean);
  // Who judges an update by its length, or beside the others, needs all of it.
  if (robust !== null) return { kind: 'exact', ...mean, robust };
  const isSharded = averaging === 'sharded' || (averaging === 'by-size' && memberCount > exactMax);
  return isSharded ? { kind: 'sharded', reducers, ...mean } : { kind: 'exact', ...mean };
}

function trainingOf({ training, sampling }: RunSettings, stage: StageSettings): StageTraining {
  const { momentum, clipNorm, resetOptimiser, proxMu } = training;
  const { batch, optimiser, weightDecay, federation } = stage;
  return {
    patch: patchOf(training),
    ...{ batch, optimiser, weightDecay, momentum, clipNorm, resetOptimiser, sampling },
    proxMu: federation === 'fedprox' ? proxMu : 0,
  };
}
