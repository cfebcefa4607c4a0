/** What keeps a laboratory run from beginning or from going on. */
import { AnnulusError } from '../../base/index.ts';

/** Codes with their facts. What the person can put right stands in the message. */
export type LabErrorFacts =
  /** A file of links is not as docs/lab.md describes. */
  | { readonly code: 'bad_trace'; readonly line: number }
  /** A file of a graph cannot be used. */
  | { readonly code: 'bad_graph' }
  /** A state file is damaged, or of other settings. */
  | { readonly code: 'bad_state' }
  /** A folder does not hold a run or a sweep. */
  | { readonly code: 'no_run'; readonly folder: string }
  /** A sweep was begun with other settings. */
  | { readonly code: 'other_sweep'; readonly folder: string }
  /** What a sweep goes over cannot be read. */
  | { readonly code: 'bad_axis'; readonly key: string }
  /** Models grew beyond what a number holds. */
  | { readonly code: 'diverged'; readonly round: number }
  /** The person at the terminal stopped it. */
  | { readonly code: 'cancelled' };

/** A laboratory run that cannot begin, cannot go on, or was ended. */
export class LabError extends AnnulusError<LabErrorFacts> {}
