export { HospitalError, type HospitalErrorFacts } from './errors.ts';
export {
  countOwnCases,
  listOwnCases,
  readCaseFiles,
  trying,
  type OwnCaseFolder,
  type OwnCases,
  type SetAside,
} from './own-cases.ts';
export { lookAtCase, type LookedAtCase, type Looking } from './look-at-case.ts';
export { eachOf } from './side-by-side.ts';
export type { CreateHandlers, Emit, JobContext, JobHandlers } from './pool-messages.ts';
export { WorkerPool, type JobOptions, type WorkerPoolInit } from './worker-pool.ts';
export { HospitalTrainer, type HospitalTrainerOptions } from './hospital-trainer.ts';
export {
  checkStages,
  expertGeneration,
  pseudoGeneration,
  roundTraining,
  specAndTasks,
  stageWeights,
  teachersOf,
  type CasesAt,
} from './round-jobs.ts';
export {
  distillationOf,
  optimiserOf,
  planTraining,
  samplingOf,
  type StageTraining,
} from './stage-training.ts';
export { keepStartModel, readStartModel } from './start-models.ts';
export type { TrainingWorkerData } from './training-entry.ts';
export { openTrainingPool } from './training-pool.ts';
export { openAveragingPool, workerAverager } from './worker-averager.ts';
