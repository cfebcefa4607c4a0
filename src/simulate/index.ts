export { simulatedConsortium, simulatedMember, type SimulatedMember } from './consortium.ts';
export { virtualClock, type VirtualClock } from './virtual-clock.ts';
export type { KillRequest, MainJobPorts } from './job-ports.ts';
export { runMainJob } from './main-job.ts';
export { checkKills } from './preflight.ts';
export { readRunFile, type RunFile } from './run-file.ts';
export { SimulateError, type SimulateErrorFacts } from './errors.ts';
export { caseJobs, caseTotal, type CaseJob } from './run-cases.ts';
export {
  holdersOf,
  limitsOf,
  membersOf,
  oneTaskHeart,
  patchOf,
  planOf,
  stageFor,
  taughtTasks,
} from './run-plan.ts';
export { hospitalRecord, taskRecords } from './run-recorder.ts';
export { picturesOfScene, type Mark, type Scene } from './slice-planes.ts';
