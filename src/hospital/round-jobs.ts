/**
 * From a stage of the plan to the jobs of the training workers: what a hospital starts from, what it is asked to train
 * in a round, which teachers label its cases. Functions of what all agreed on; whoever repeats a round asks the same.
 */
import { seededRandom } from '../base/index.ts';
import { parseTaskId, taskIds, type IntensityScale, type TaskId } from '../data/index.ts';
import type { Teacher, TrainArgs } from '../distill/index.ts';
import { initialWeights, ModelsError, readModelSpec, type ModelSpec } from '../models/index.ts';
import type { TrainingJob } from '../peer/index.ts';
import type { ModelWeights } from '../weights/index.ts';
import type { Plan, PlanStage } from '../wire/index.ts';
import { HospitalError } from './errors.ts';
import { distillationOf, optimiserOf, samplingOf } from './stage-training.ts';

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

/**
 * Refuses a plan that this program cannot carry out, before its first round. What the entries for training may be,
 * `wire` has checked.
 * @throws {HospitalError} 'bad_plan' for a model that is none, or a task that is unknown or not among the model's heads
 */
export function checkStages({ stages }: Pick<Plan, 'stages'>): void {
  for (const stage of stages) {
    const refuse = (reason: string, cause?: unknown): HospitalError =>
      new HospitalError({ code: 'bad_plan', stage: stage.id, reason }, { cause });
    let tasks: TaskId[];
    try {
      ({ tasks } = specAndTasks(stage));
    } catch (error) {
      if (error instanceof ModelsError) throw refuse(error.message, error);
      throw error;
    }
    if (tasks.length === 0) throw refuse('its model has no head of a known task');
    if (stage.task !== undefined && !tasks.some((task) => task === stage.task)) {
      throw refuse(`its model has no head for the task ${stage.task}`);
    }
  }
}

/** The model every member starts a stage from. */
export function stageWeights({ seed }: Pick<Plan, 'seed'>, stage: PlanStage): ModelWeights {
  return initialWeights(readModelSpec(stage.model), seededRandom(seed).fork(`stage/${stage.id}`));
}

/** The job of `hospital` in a round, but for the model that it begins with and its moments. */
export function roundTraining(
  { stage, round, hp }: Pick<TrainingJob, 'stage' | 'round' | 'hp'>,
  hospital: string,
  at: CasesAt,
): Omit<TrainArgs, 'weights' | 'state'> {
  const { patch, batch, steps, seed } = hp;
  return {
    ...at,
    ...specAndTasks(stage),
    origins: stage.kind === 'teacher' ? ['expert'] : ['expert', 'pseudo'],
    steps,
    batch,
    patch,
    sampling: samplingOf(hp),
    distillation: distillationOf(hp),
    optimiser: optimiserOf(hp),
    seed: `${seed}/${hospital}/${round}`,
  };
}

/** The sealed teachers of a plan, each with its model. @param sealed models, or where they are, by stage id */
export function teachersOf<Model>(
  { stages }: Pick<Plan, 'stages'>,
  sealed: ReadonlyMap<string, Model>,
): (Omit<Teacher, 'weights'> & { readonly model: Model })[] {
  return stages.flatMap((stage) => {
    const task = parseTaskId(stage.task);
    const model = sealed.get(stage.id);
    if (stage.kind !== 'teacher' || task === null || model === undefined) return [];
    return [{ task, spec: readModelSpec(stage.model), window: stage.training.patch, model }];
  });
}
