/** The one error class of the auditor's room: what keeps a check from being made, or what it found. */
import { AnnulusError } from '../base/index.ts';

/** Codes with their facts. */
export type AuditorErrorFacts =
  /** The log has no such round, or it did not end with a model. */
  | { readonly code: 'no_round'; readonly round: number }
  /** Updates or models that the round needs are not in the folders given. */
  | { readonly code: 'files_missing'; readonly round: number; readonly missing: readonly string[] }
  /** A file of keys that is none, or is of another round or consortium. */
  | { readonly code: 'bad_keys'; readonly reason: string }
  /** A key that is not there, or does not open its update. */
  | { readonly code: 'wrong_key'; readonly member: string }
  /** A file that is not what its name says. */
  | { readonly code: 'damaged_file'; readonly file: string }
  /** An update that no member may add up. */
  | { readonly code: 'bad_update'; readonly member: string }
  /** A log over HTTP that does not answer as it should. */
  | { readonly code: 'bad_answer'; readonly url: string }
  /** It does not answer at all. */
  | { readonly code: 'unreachable'; readonly url: string };

/** Thrown for what an auditor can put right, or must know. */
export class AuditorError extends AnnulusError<AuditorErrorFacts> {}
