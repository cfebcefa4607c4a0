/** What the main job is asked to do beside its settings. */

/** Stop this hospital's peer in the middle of that round; it is started again when the round is over. */
export interface KillRequest {
  readonly node: string;
  /** Stage as in the plan: `teacher-hps`, `student`. */
  readonly stage: string;
  readonly stageRound: number;
}

/** Where a run goes, and who may end it. */
export interface MainJobPorts {
  /** Name of the run, for the record. */
  readonly id: string;
  /** Absolute; empty, or the folder of a run to go on with. For `run.json`, `nodes/<id>/` and `model/`. */
  readonly outputFolder: string;
  readonly kills: readonly KillRequest[];
  /** Fires when the person at the terminal wants to stop. */
  readonly signal: AbortSignal;
}
