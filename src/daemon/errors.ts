/** Why a node does not start, or had to end. */
import { AnnulusError } from '../base/index.ts';

/** Each code with its facts. */
export type DaemonErrorFacts =
  /** The home has no signed manifest yet. */
  | { readonly code: 'not_joined'; readonly home: string }
  /** The newest manifest does not list this hospital. */
  | { readonly code: 'not_listed'; readonly version: number }
  /** The machine failed under a running node: its disk, its workers. It can go on when that is put right. */
  | { readonly code: 'paused' }
  /** A test network: what was asked for cannot be made. */
  | { readonly code: 'bad_testnet' };

/** The room's one error class. */
export class DaemonError extends AnnulusError<DaemonErrorFacts> {}
