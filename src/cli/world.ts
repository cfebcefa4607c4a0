/** The process as the commands see it; tests put another in its place. */
import type { reproduce, runMainJob } from '../experiment/index.ts';
import type { predictFile } from '../prediction/index.ts';
import type { Terminal } from './terminal.ts';

/** The main job, from cases to the record of the run. */
export type RunMainJob = typeof runMainJob;

/** The paper's six arms over several seeds. */
export type RunReproduce = typeof reproduce;

/** A CT's file to the files of its prediction. */
export type RunPredict = typeof predictFile;

/** What a command may know of its process and ask of it. */
export interface World {
  /** Text in lines of our own; of what else it holds, nothing moves the cursor. */
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** Goes up so many rows of `out` and clears from there on; only where `isLive`. */
  readonly erase: (rows: number) => void;
  /** Whether `out` is a terminal whose cursor can be moved. */
  readonly isLive: boolean;
  readonly columns: number;
  readonly nowMs: () => number;
  /** Milliseconds since 1970, for what is dated. */
  readonly dateMs: () => number;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whom questions can be put to; null when nobody sits there. */
  readonly terminal: Terminal | null;
  /**
   * Fires on Ctrl-C, SIGTERM and SIGHUP, with the signal's name as its reason. Signals end the process at once, as they end
   * any other, until a command reads this: then it is theirs to end in order.
   */
  readonly signal: AbortSignal;
  /** Loaded only by the command that needs them. */
  readonly mainJob: () => Promise<RunMainJob>;
  readonly reproduce: () => Promise<RunReproduce>;
  readonly predict: () => Promise<RunPredict>;
}
