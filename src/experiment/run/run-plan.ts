/** From the settings of a run to the plan that its members agree on: a teacher for each task, then the student. */
import { invariant, parseNodeId, type Digest, type NodeId } from '../../base/index.ts';
import { modelSpecFor, type RunSettings, type StageSettings } from '../../config/index.ts';
import { taskIds, type TaskId } from '../../data/index.ts';
import {
  distillationOptions,
  stageOptions,
  type HeartUse,
  type PatchSize,
} from '../../distill/index.ts';
import { ruleOptions } from '../../peer/index.ts';
import { plainAverage, type OuterStep } from '../../gossip/index.ts';
import type { ConsortiumLimits, Json, Plan, PlanStage } from '../../wire/index.ts';

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
  const startOf = (kind: 'teacher' | 'student'): PlanStage['options'] => {
    const start = starts[kind];
    return start === undefined ? {} : { start };
  };
  const teachers = tasks.map((task): PlanStage => {
    const model = modelSpecFor(models.teacher, [task], oneTaskHeart(settings));
    const participants = holdersOf(settings, task);
    const stage = stageFor(settings, `teacher-${task}`, training.teacher, participants, model);
    return {
      ...stage,
      options: { ...stage.options, ...startOf('teacher') },
      kind: 'teacher',
      task,
    };
  });
  const model = modelSpecFor(models.student, tasks, training.heart);
  const all = stageFor(settings, 'student', training.student, membersOf(settings), model);
  const student: PlanStage = {
    ...all,
    options: {
      ...all.options,
      ...distillationOptions(settings.distillation),
      ...startOf('student'),
    },
    kind: 'student',
  };
  return { seed, stages: [...teachers, student] };
}

/** What a model of one task does with the heart's segmentation: it sees it, but is not taught it. */
export function oneTaskHeart({ training: { heart } }: RunSettings): HeartUse {
  return heart === 'condition' ? 'condition' : 'none';
}

export function limitsOf(settings: RunSettings, parameterCountMax: number): ConsortiumLimits {
  const { samplesCap, clamp } = settings.training;
  return {
    weightMax: samplesCap,
    clampMicro: Math.round(clamp * 1e6),
    // At most four bytes a parameter and one for 64 of them, and what encryption adds to each 16 KiB.
    updateBytesMax: Math.ceil(parameterCountMax * 4 * 1.01) + 4096,
  };
}

/** A stage of `model` among `participants`, as long and as fast as `stage` says. */
export function stageFor(
  { training, sampling }: RunSettings,
  id: string,
  stage: StageSettings,
  participants: readonly NodeId[],
  model: unknown,
): Omit<PlanStage, 'kind' | 'task'> {
  const { rounds, stepsPerRound, learningRate, schedule, batch, optimiser, weightDecay } = stage;
  const { momentum, clipNorm, resetOptimiser, samplesCap, roundTimeoutMs } = training;
  const { outer, proxMu } = federationOf(training, stage);
  return {
    id,
    model: model as Json,
    participants,
    rounds,
    stepsPerRound,
    learningRateMicro: Math.round(learningRate * 1e6),
    samplesCap,
    roundTimeoutMs,
    minParticipants: Math.ceil(participants.length / 2),
    options: {
      ...ruleOptions(schedule, outer),
      ...stageOptions({
        patch: patchOf(training),
        ...{ batch, optimiser, weightDecay, momentum, clipNorm, proxMu, resetOptimiser, sampling },
      }),
    },
  };
}

/** The training patch, which is also the window of every search. */
export function patchOf({ patch }: Pick<RunSettings['training'], 'patch'>): PatchSize {
  if (typeof patch === 'string') return 'whole';
  const [depth = 0, height = 0, width = 0] = patch;
  return [depth, height, width];
}

/** The numbers behind the name of a stage's federation. */
function federationOf(
  { proxMu, outerLearningRate, outerMomentum }: RunSettings['training'],
  { federation }: StageSettings,
): { readonly proxMu: number; readonly outer: OuterStep } {
  switch (federation) {
    case 'fedavg':
      return { proxMu: 0, outer: plainAverage };
    case 'fedprox':
      return { proxMu, outer: plainAverage };
    case 'diloco':
      return { proxMu: 0, outer: { rate: outerLearningRate, momentum: outerMomentum } };
  }
}
