import { AnnulusError } from '../base/index.ts';

/** What is wrong with a list of work. */
export type PredictionErrorFacts = {
  readonly code: 'bad_worklist';
  /** From 1; null when it is about all of the list. */
  readonly line: number | null;
};

/** Bad input to the room of predictions: a list of what is to be predicted. */
export class PredictionError extends AnnulusError<PredictionErrorFacts> {}
