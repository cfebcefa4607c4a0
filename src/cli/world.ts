/** The process as the commands see it; tests put another in its place. */
import type { RunMainJob, RunPredict, RunReproduce } from './main-job.ts';

export interface World {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** Whether `out` is a terminal whose cursor can be moved. */
  readonly isLive: boolean;
  readonly columns: number;
  readonly nowMs: () => number;
  /** Fires on Ctrl-C and on a stop signal. */
  readonly signal: AbortSignal;
  /** Loaded only by the command that needs them. */
  readonly mainJob: () => Promise<RunMainJob>;
  readonly reproduce: () => Promise<RunReproduce>;
  readonly predict: () => Promise<RunPredict>;
}
