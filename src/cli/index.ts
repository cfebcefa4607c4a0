export { exitCodes, type ExitCode } from './errors.ts';
export type {
  PredictRequest,
  PredictResult,
  RunMainJob,
  RunPredict,
  RunReproduce,
} from './main-job.ts';
