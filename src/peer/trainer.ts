/**
 * The port to learning: what a peer asks of the machine that holds the images. Models are canonical files of the node's
 * store, by their names there: they are too large for the thread of the peer.
 */
import type { Digest } from '../base/index.ts';
import type { ModelLayout, WrittenModel } from '../weights/index.ts';
import type { Hyperparameters, Plan, PlanStage } from '../wire/index.ts';

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
  /** The model where all begin this round. */
  readonly start: string;
  /** Where the trained model is left. */
  readonly into: string;
  /** Hyper-parameters as agreed in OPEN. */
  readonly hp: Hyperparameters;
}

/** What is told of a training, beside the model it left. */
export interface TrainingResult {
  /** Labelled cases trained on: the update's weight before the cap. */
  readonly samples: number;
  /** Those with a label of each head that was trained; 0 or absent for a head that was not. */
  readonly heads: Readonly<Record<string, number>>;
  /** Numbers for the signed record, whole thousandths. */
  readonly metricsMilli: Readonly<Record<string, number>>;
  /** Commitment to the data set, salted for this round: fixes it, shows nothing of it. */
  readonly dataset: Digest;
}

/** What a stage begins with. */
export interface InitialModel extends WrittenModel {
  readonly layout: ModelLayout;
}

/** Implemented by the room that learns; the peer knows neither images nor TF.js. */
export interface Trainer {
  /**
   * Follows this plan from here on: called before anything else, and again when a version of the manifest changes it. Absent
   * where the plan is of no matter.
   */
  adopt?(plan: Plan): void;
  /** Why this machine cannot carry out a plan; null when it can. Absent: it can carry out any. */
  refusalOf?(plan: Plan): string | null;
  /** Leaves in `into` the model that every member starts this stage from: a function of the plan alone. */
  initialModel(stage: PlanStage, into: string): Promise<InitialModel>;
  /**
   * Readies the hospital for a stage: the student's pseudo-labels from the sealed teachers. Resumable, idempotent.
   *
   * @param sealed the models of the stages before, by stage
   */
  prepare(stage: PlanStage, sealed: ReadonlyMap<string, string>, report: ReportWork): Promise<void>;
  /** Trains the model of a round and leaves it. @throws when it cannot be trained here */
  train(job: TrainingJob, report: ReportWork): Promise<TrainingResult>;
  /** Loss of a proposed model on this hospital's own hold-out, or null when it has none for the stage. */
  check(stage: PlanStage, model: string): Promise<number | null>;
}
