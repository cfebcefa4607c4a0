export { exitCodes, type ExitCode } from './errors.ts';
export type {
  KillRequest,
  MainJobPorts,
  PredictRequest,
  PredictResult,
  RunMainJob,
  RunPredict,
} from './main-job.ts';
