/** What a long run tells while it goes on. Made by `simulate`, shown by `cli`. */

/** What one hospital is doing. */
export type HospitalState =
  | 'starting'
  | 'preparing'
  | 'training'
  | 'sending'
  | 'waiting'
  | 'sealed'
  | 'resting'
  | 'away'
  | 'catching up';

/** Parts of a run in order; `rounds` is 0 for parts that have none. */
export interface PlannedStage {
  readonly id: string;
  readonly title: string;
  readonly rounds: number;
  /** Rough share of the whole run's time, any unit: the ETA before anything was measured. */
  readonly cost: number;
}

/** Something that happened in a run, in the order in which it did. */
export type ProgressEvent =
  | {
      readonly kind: 'run-started';
      readonly id: string;
      readonly hospitals: readonly string[];
      readonly stages: readonly PlannedStage[];
    }
  | { readonly kind: 'stage-started'; readonly stage: string }
  /** How far a stage without rounds has come: phantoms made, cases evaluated. */
  | {
      readonly kind: 'stage-progress';
      readonly stage: string;
      readonly done: number;
      readonly total: number;
      readonly what: string;
    }
  | {
      readonly kind: 'round-started';
      readonly stage: string;
      readonly stageRound: number;
      readonly participants: readonly string[];
    }
  | {
      readonly kind: 'hospital';
      readonly node: string;
      readonly state: HospitalState;
      /** Share of the work at hand, 0 to 1. */
      readonly done?: number;
      readonly loss?: number;
    }
  | {
      readonly kind: 'round-sealed';
      readonly stage: string;
      readonly stageRound: number;
      readonly modelDigest: string;
      readonly participants: readonly string[];
      readonly excluded: readonly string[];
      /** Mean of the participants' losses. */
      readonly loss: number | null;
      readonly logSize: number;
    }
  | {
      readonly kind: 'round-void';
      readonly stage: string;
      readonly stageRound: number;
      readonly reason: string;
    }
  | { readonly kind: 'stage-finished'; readonly stage: string; readonly ms: number }
  | { readonly kind: 'note'; readonly level: 'info' | 'warn'; readonly text: string }
  | {
      readonly kind: 'run-finished';
      readonly modelDigest: string | null;
      readonly allEqual: boolean;
      readonly logOk: boolean;
    };

/** Hears every event; must not throw. */
export type OnProgress = (event: ProgressEvent) => void;
