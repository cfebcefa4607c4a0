import { AnnulusError } from '../../base/index.ts';

/** Why a reproduction does not begin, or does not go on. */
export type ReproduceErrorFacts =
  /** The folder was begun with other settings, or on another backend. */
  | { readonly code: 'other_settings'; readonly folder: string; readonly differing: string }
  | { readonly code: 'folder_locked'; readonly folder: string; readonly pid: number }
  /** A preset whose networks are not the paper's pair, or begin from earlier models. */
  | { readonly code: 'wrong_networks'; readonly expected: string }
  /** A preset whose updates are rounded on their way: without a network nothing is on its way. */
  | { readonly code: 'compressed' }
  /** The person at the terminal stopped it. */
  | { readonly code: 'cancelled' };

/** Bad input to a reproduction, or its end by whoever began it. */
export class ReproduceError extends AnnulusError<ReproduceErrorFacts> {}
