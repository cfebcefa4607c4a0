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
export {
  OwnCaseBook,
  type BookedCase,
  type OwnCaseBookOptions,
  type OwnCasesReport,
} from './own-case-book.ts';
export { takeOwnCase, type OwnTaking } from './take-own-case.ts';
export {
  listSources,
  type SourceCase,
  type SourcePart,
  type Sources,
} from './site/site-sources.ts';
export { partSources, type PartingOptions } from './site/part-sources.ts';
export { partsOf, type Parted, type SitePart } from './site/site-parts.ts';
export { readSiteCase } from './site/read-site-case.ts';
export type { SiteLook, SiteReading } from './site/site-look.ts';
export {
  caseName,
  contentRoot,
  SiteStore,
  type CaseHashes,
  type StoredCase,
} from './site/site-store.ts';
export { casesFolderOf, importedCasesOf } from './site/site-folder.ts';
export { openSitePool } from './site/site-pool.ts';
export {
  hashSite,
  importSite,
  lookAtSite,
  type ImportedCase,
  type ImportOptions,
} from './site/import-site.ts';
export { commitmentFor, recordsRoot } from './data-commitment.ts';
export { eachOf } from './side-by-side.ts';
export type { CreateHandlers, Emit, JobContext, JobHandlers } from './pool-messages.ts';
export { WorkerPool, type JobOptions, type WorkerPoolInit } from './worker-pool.ts';
export { HospitalTrainer, type HospitalTrainerOptions } from './hospital-trainer.ts';
export { OwnResultJobs, type ResultPorts, type SealedModel } from './own-result-jobs.ts';
export { type HeldOutErrors, type HeldOutPicture, ResultJobs } from './result-jobs.ts';
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
export { imagesOf, planImages, type ImageFacts } from './plan-images.ts';
export { stageStart } from './stage-start.ts';
export { keepStartModel, readStartModel } from './start-models.ts';
export type { TrainingWorkerData } from './training-entry.ts';
export { openTrainingPool } from './training-pool.ts';
export { openAveragingPool, workerAverager } from './worker-averager.ts';
