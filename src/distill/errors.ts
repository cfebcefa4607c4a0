import { AnnulusError } from '../base/index.ts';

/** What keeps a hospital from training or labelling. Never names a patient. */
export type DistillErrorFacts =
  | { readonly code: 'no_cases'; readonly tasks: readonly string[] }
  | { readonly code: 'diverged'; readonly step: number }
  | { readonly code: 'no_heart' }
  | { readonly code: 'bad_heart' }
  /** A model that is conditioned on the heart, and no segmentation; or one for a model that sees none. */
  | { readonly code: 'heart_missing' }
  | { readonly code: 'heart_unused' }
  | { readonly code: 'bad_model'; readonly file: string };

/** Bad input to the room of learning: cases, models, options. */
export class DistillError extends AnnulusError<DistillErrorFacts> {}
