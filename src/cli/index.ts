export { exitCodes, type ExitCode } from './errors.ts';
export type { RunMainJob, RunPredict, RunReproduce, World } from './world.ts';
