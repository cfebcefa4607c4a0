/** The one error class of the audit room: damaged or contradicting log data, told by code. */
import { AnnulusError } from '../base/index.ts';

/** Codes with their facts; `file` and `entry` name where the damage lies. */
export type AuditErrorFacts =
  | { readonly code: 'malformed'; readonly what: string; readonly expected: string }
  | { readonly code: 'corrupt_log'; readonly file: string }
  | { readonly code: 'wrong_height'; readonly height: number; readonly expected: number }
  | { readonly code: 'root_mismatch'; readonly height: number }
  | { readonly code: 'conflicting_decision'; readonly height: number }
  | { readonly code: 'entry_too_large'; readonly bytes: number; readonly bytesMax: number };

/** Thrown on bad log data, whoever it came from. */
export class AuditError extends AnnulusError<AuditErrorFacts> {}

/** An `AuditError` with code 'malformed': what was read and what was expected. */
export function malformed(what: string, expected: string): AuditError {
  return new AuditError({ code: 'malformed', what, expected }, `${what}: expected ${expected}`);
}
