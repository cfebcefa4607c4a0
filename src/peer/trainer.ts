/** The port to learning: what a peer asks of the machine that holds the images. */
import type { Digest } from '../base/index.ts';
import type { ModelWeights } from '../weights/index.ts';
import type { Hyperparameters, PlanStage } from '../wire/index.ts';

/** How far long work has come. */
export interface WorkProgress {
  readonly done: number;
  readonly total: number;
  /** Latest training loss, where there is one. */
  readonly loss?: number;
}

/** Hears of progress, as often as the work likes. */
export type ReportWork = (progress: WorkProgress) => void;

/** One round's training on one hospital. */
export interface TrainingJob {
  readonly stage: PlanStage;
  readonly round: number;
  /** Rounds of this stage that are already sealed. */
  readonly roundsSealed: number;
  /** Where all begin this round. */
  readonly base: ModelWeights;
  /** Hyper-parameters as agreed in OPEN. */
  readonly hp: Hyperparameters;
}

/** What a hospital's training of one round gave. */
export interface TrainingResult {
  readonly weights: ModelWeights;
  /** Labelled cases trained on: the update's weight before the cap. */
  readonly samples: number;
  /** Those with a label of each head that was trained; 0 or absent for a head that was not. */
  readonly heads: Readonly<Record<string, number>>;
  /** Numbers for the signed record, whole thousandths. */
  readonly metricsMilli: Readonly<Record<string, number>>;
  /** Commitment to the data set, salted for this round: fixes it, shows nothing of it. */
  readonly dataset: Digest;
}

/** Implemented by the room that learns; the peer knows neither images nor TF.js. */
export interface Trainer {
  /** The model every member starts this stage from: a function of the plan alone. */
  initialWeights(stage: PlanStage): Promise<ModelWeights>;
  /** Readies the hospital for a stage: the student's pseudo-labels from the sealed teachers. Resumable, idempotent. */
  prepare(
    stage: PlanStage,
    sealed: ReadonlyMap<string, ModelWeights>,
    report: ReportWork,
  ): Promise<void>;
  train(job: TrainingJob, report: ReportWork): Promise<TrainingResult>;
  /** Loss of a proposed model on this hospital's own hold-out, or null when it has none for the stage. */
  check(stage: PlanStage, weights: ModelWeights): Promise<number | null>;
}
