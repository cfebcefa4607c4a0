/** The model that a stage starts from, on every member and for whoever repeats its first round. */
import type { Store } from '../base/index.ts';
import { readModelSpec, startingWeights } from '../models/index.ts';
import type { ModelWeights } from '../weights/index.ts';
import type { Plan, PlanStage } from '../wire/index.ts';
import { stageWeights } from './round-jobs.ts';
import { readStartModel } from './start-models.ts';

/** Fresh from the plan's seed, or from the model that the stage names (`keepStartModel`). @throws {HospitalError} as `readStartModel` */
export async function stageStart(
  plan: Pick<Plan, 'seed'>,
  stage: PlanStage,
  store: Pick<Store, 'read'>,
): Promise<ModelWeights> {
  const fresh = stageWeights(plan, stage);
  const { start } = stage;
  if (start === undefined) return fresh;
  return startingWeights(readModelSpec(stage.model), fresh, await readStartModel(store, start));
}
