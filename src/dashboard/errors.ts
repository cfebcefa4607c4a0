/** What can go wrong with the live page. */
import { AnnulusError } from '../base/index.ts';

/** Codes of this room. */
export type DashboardErrorFacts =
  /** Nothing can listen there. */
  | { readonly code: 'cannot_listen'; readonly host: string; readonly port: number }
  /** A status that this program cannot read. */
  | { readonly code: 'bad_status' }
  /** A file of the page is not where the package has it. */
  | { readonly code: 'missing_page'; readonly file: string };

/** The room's one error class. */
export class DashboardError extends AnnulusError<DashboardErrorFacts> {}
