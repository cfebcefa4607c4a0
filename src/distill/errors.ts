import { AnnulusError } from '../base/index.ts';

/** What keeps a hospital from training or labelling. Never names a patient. */
export type DistillErrorFacts =
  | { readonly code: 'no_cases'; readonly tasks: readonly string[] }
  | { readonly code: 'diverged'; readonly step: number }
  | { readonly code: 'no_heart' }
  | { readonly code: 'bad_heart' }
  | { readonly code: 'bad_model'; readonly file: string };

export class DistillError extends AnnulusError<DistillErrorFacts> {}
