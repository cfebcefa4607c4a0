/** What keeps a run from beginning, or from going on where it ended. */
import { AnnulusError } from '../../base/index.ts';

/** Codes with their facts. What the person can put right stands in the message. */
export type SimulateErrorFacts =
  | { readonly code: 'no_run'; readonly folder: string }
  | { readonly code: 'other_program' }
  | { readonly code: 'other_settings' }
  /** Of a hospital's own folder of cases. */
  | { readonly code: 'counted_twice'; readonly hospital: string }
  | { readonly code: 'no_training_cases'; readonly hospital: string }
  | { readonly code: 'cases_changed'; readonly hospital: string }
  /** `run.json` is not as the run wrote it. */
  | { readonly code: 'run_file_changed'; readonly folder: string }
  | { readonly code: 'node_missing'; readonly node: string }
  | { readonly code: 'bad_kill'; readonly node: string; readonly stage: string }
  | { readonly code: 'too_many_kills'; readonly stage: string; readonly stageRound: number }
  /** The machine that runs everything cannot: no loopback, too few files, a disk that fails. */
  | { readonly code: 'no_loopback'; readonly reason: string }
  | { readonly code: 'too_few_files'; readonly needed: number; readonly allowed: number }
  | { readonly code: 'not_connected'; readonly missing: readonly string[] }
  | { readonly code: 'paused' }
  | { readonly code: 'stalled'; readonly quietMs: number }
  /** Of a virtual world: so many members there cannot be, or its faults cannot be read. */
  | { readonly code: 'bad_members' }
  | { readonly code: 'bad_faults' }
  | { readonly code: 'bad_attack' }
  /** The person at the terminal stopped it. */
  | { readonly code: 'cancelled' };

/** A run that cannot begin, cannot go on, or was ended. */
export class SimulateError extends AnnulusError<SimulateErrorFacts> {}
