/** What keeps a run from going on where it ended. */
import { AnnulusError } from '../base/index.ts';

export type SimulateErrorFacts =
  | { readonly code: 'no_run'; readonly folder: string }
  | { readonly code: 'other_program' }
  | { readonly code: 'other_settings' };

export class SimulateError extends AnnulusError<SimulateErrorFacts> {}
