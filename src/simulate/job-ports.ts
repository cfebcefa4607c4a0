/** What the main job is asked to do beside its settings. */
/** Stop this hospital's peer in the middle of that round; it is started again when the round is over. */
export interface KillRequest {
  readonly node: string;
  readonly stage: string;
  readonly stageRound: number;
}

/** Where a run goes, and who may end it. */
export interface MainJobPorts {
  readonly id: string;
  /** Absolute, empty. */
  readonly outputFolder: string;
  readonly kills: readonly KillRequest[];
  readonly signal: AbortSignal;
}
