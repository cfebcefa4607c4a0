export { exitCodes, type ExitCode } from './errors.ts';
export type { PredictRequest, PredictResult, RunMainJob, RunPredict } from './main-job.ts';
