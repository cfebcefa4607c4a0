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
export { picturesOfCase } from './run/case-pictures.ts';
export { LabError, type LabErrorFacts } from './lab/errors.ts';
export { runLab, type LabOrder, type LabOutcome, type LabPlan } from './lab/run-lab.ts';
export { planOfRecord, readLab, readRecord, readState, type LabFolder } from './lab/run-files.ts';
export { labForm } from './lab/settings-form.ts';
export { labDefaults, type LabSettings } from './lab/settings.ts';
export type { LabFiles } from './lab/world.ts';
export { readSweep, runSweep, sweepMark, type Sweep, type SweepPorts } from './lab/sweep.ts';
export { cellsOf, readAxis, type SweepAxis, type SweepCell } from './lab/sweep-plan.ts';
export { writeLab } from './lab/write-lab.ts';
