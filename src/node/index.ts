export {
  NodeError,
  type DiskErrorFacts,
  type NetworkErrorFacts,
  type NodeErrorFacts,
  type WorkerErrorFacts,
} from './errors.ts';
export { networkDefaults, validateNetworkSettings, type NetworkSettings } from './settings.ts';
export { transportMembers, type TransportMember } from './member-directory.ts';
export {
  openLibp2pTransport,
  type Libp2pTransport,
  type Libp2pTransportInit,
} from './libp2p-transport.ts';
export { consoleLogger } from './console-logger.ts';
export { fileLogger } from './file-logger.ts';
export { logDefaults, validateLogSettings, type LogSettings } from './log-settings.ts';
export { systemClock } from './system-clock.ts';
export { systemRandom } from './system-random.ts';
export { diskStore } from './disk-store.ts';
export { machineFault } from './disk-error.ts';
export { loopbackFault, openFilesMax } from './machine-limits.ts';
export {
  countOwnCases,
  listOwnCases,
  readCaseFiles,
  trying,
  type OwnCaseFolder,
  type OwnCases,
  type SetAside,
} from './own-cases.ts';
export { eachOf } from './side-by-side.ts';
export { lockFolder, type FolderLock } from './folder-lock.ts';
export { readKeyFile, writeKeyFile } from './key-file.ts';
export type { CreateHandlers, Emit, JobContext, JobHandlers } from './pool-messages.ts';
export { WorkerPool, type JobOptions, type WorkerPoolInit } from './worker-pool.ts';
export { HospitalTrainer, type HospitalTrainerOptions } from './hospital-trainer.ts';
export {
  expertGeneration,
  pseudoGeneration,
  roundTraining,
  specAndTasks,
  stageWeights,
  teachersOf,
  type CasesAt,
} from './round-jobs.ts';
export { keepStartModel, readStartModel, startDigestOf } from './start-models.ts';
export type { TrainingWorkerData } from './training-entry.ts';
export { openTrainingPool } from './training-pool.ts';
export { programDigest } from './program-digest.ts';
export { installedVersions } from './installed-versions.ts';
export { packageFile } from './package-file.ts';
export { modelFolderOf } from './model-folder.ts';
