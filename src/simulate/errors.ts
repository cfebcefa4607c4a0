/** What keeps a run from beginning, or from going on where it ended. */
import { AnnulusError } from '../base/index.ts';

export type SimulateErrorFacts =
  | { readonly code: 'no_run'; readonly folder: string }
  | { readonly code: 'other_program' }
  | { readonly code: 'other_settings' }
  | { readonly code: 'cases_changed'; readonly hospital: string }
  /** The person at the terminal stopped it. */
  | { readonly code: 'cancelled' };

export class SimulateError extends AnnulusError<SimulateErrorFacts> {}
