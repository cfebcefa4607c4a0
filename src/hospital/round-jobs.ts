/**
 * From a stage of the plan to the jobs of the training workers: what a hospital starts from, what it is asked to train
 * in a round, which teachers label its cases. Functions of what all agreed on; whoever repeats a round asks the same.
 */
import { seededRandom } from '../base/index.ts';
import { parseTaskId, taskIds, type IntensityScale, type TaskId } from '../data/index.ts';
import {
  optimiserOf,
  readDistillation,
  readStageOptions,
  type OptimiserState,
  type Teacher,
  type TrainArgs,
} from '../distill/index.ts';
import { initialWeights, readModelSpec, type ModelSpec } from '../models/index.ts';
import type { TrainingJob } from '../peer/index.ts';
import type { ModelWeights } from '../weights/index.ts';
import type { Plan, PlanStage } from '../wire/index.ts';

/** Where a hospital's cases lie, and how they are read. */
export interface CasesAt {
  readonly folder: string;
  readonly intensity: IntensityScale;
  readonly generation: string;
}

/** Generation of the cases before the teachers labelled them. */
export const expertGeneration = 'expert';

/** Generation of the cases with the labels that the teachers gave for this stage. */
export function pseudoGeneration(stage: PlanStage): string {
  return `pseudo-${stage.id}`;
}

/** What a stage's model is and which tasks it learns. */
export function specAndTasks(stage: PlanStage): { spec: ModelSpec; tasks: TaskId[] } {
  const spec = readModelSpec(stage.model);
  return { spec, tasks: taskIds.filter((task) => task in spec.heads) };
}

/** The model every member starts a stage from. */
export function stageWeights({ seed }: Pick<Plan, 'seed'>, stage: PlanStage): ModelWeights {
  return initialWeights(readModelSpec(stage.model), seededRandom(seed).fork(`stage/${stage.id}`));
}

/** The job of `hospital` in a round. @param state its moments after its last round of the stage, or null */
export function roundTraining(
  { seed }: Pick<Plan, 'seed'>,
  { stage, round, base, hp }: Omit<TrainingJob, 'roundsSealed'>,
  hospital: string,
  at: CasesAt,
  state: OptimiserState | null,
): TrainArgs {
  const { patch, batch, sampling, resetOptimiser } = readStageOptions(hp);
  return {
    ...at,
    ...specAndTasks(stage),
    origins: stage.kind === 'teacher' ? ['expert'] : ['expert', 'pseudo'],
    weights: base,
    state: resetOptimiser ? null : state,
    steps: Number(hp.steps),
    batch,
    patch,
    sampling,
    distillation: readDistillation(hp),
    optimiser: optimiserOf(hp),
    seed: `${seed}/${hospital}/${round}`,
  };
}

/** The sealed teachers of a plan. @param sealed models by stage id */
export function teachersOf(
  { stages }: Pick<Plan, 'stages'>,
  sealed: ReadonlyMap<string, ModelWeights>,
): Teacher[] {
  return stages.flatMap((stage): Teacher[] => {
    const task = parseTaskId(stage.task);
    const weights = sealed.get(stage.id);
    if (stage.kind !== 'teacher' || task === null || weights === undefined) return [];
    const window = readStageOptions(stage.options).patch;
    return [{ task, spec: readModelSpec(stage.model), weights, window }];
  });
}
