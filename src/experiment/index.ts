export { ReproduceError, type ReproduceErrorFacts } from './paper/errors.ts';
export { reproduce, type ReproducePorts } from './paper/reproduction.ts';
export type { OnReproduceProgress, ReproduceProgress } from './paper/progress.ts';
export { simulatedConsortium, simulatedMember, type SimulatedMember } from './run/consortium.ts';
export type { KillRequest, MainJobPorts } from './run/job-ports.ts';
export { runMainJob } from './run/main-job.ts';
export { checkKills } from './run/preflight.ts';
export { withCountedCases, type CountingWatch, type LookedThrough } from './run/counted-cases.ts';
export { readRunFile, type RunFile } from './run/run-file.ts';
export { SimulateError, type SimulateErrorFacts } from './run/errors.ts';
export { caseJobs, caseTotal, type CaseJob } from './run/run-cases.ts';
export {
  attackFrom,
  drawnFaults,
  faultsFrom,
  runVirtual,
  withMembers,
  type VirtualPorts,
} from './run/virtual-run.ts';
export { hospitalRecord, taskRecords } from './run/run-recorder.ts';
export { caseToShow } from './run/case-pictures.ts';
