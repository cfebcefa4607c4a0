/** What can go wrong with the work of a hospital: jobs of the worker pool, models to begin from. */
import { AnnulusError } from '../base/index.ts';

/** Each code with its facts. */
export type HospitalErrorFacts =
  | { readonly code: 'worker_crashed'; readonly method: string; readonly reason: string }
  | { readonly code: 'job_failed'; readonly method: string; readonly reason: string }
  | { readonly code: 'job_cancelled'; readonly method: string }
  | { readonly code: 'queue_full'; readonly jobsMax: number }
  | { readonly code: 'pool_closed' }
  /** Work that can wait was asked for while other work runs. */
  | { readonly code: 'pool_busy' }
  /** A stage of the plan names a model or a task that this program does not know. */
  | { readonly code: 'bad_plan'; readonly stage: string; readonly reason: string }
  /** A file of this node does not hold the model that was sealed. */
  | { readonly code: 'bad_model'; readonly digest: string; readonly found: string }
  /** The model that the plan begins a stage from is not on this machine as the plan has it. */
  | { readonly code: 'bad_start'; readonly digest: string; readonly reason: string };

/** The room's one error class. */
export class HospitalError extends AnnulusError<HospitalErrorFacts> {
  constructor(facts: HospitalErrorFacts, options?: { cause?: unknown }) {
    super(facts, describe(facts), options);
  }
}

function describe(facts: HospitalErrorFacts): string {
  switch (facts.code) {
    case 'bad_plan':
      return `stage ${facts.stage} of the plan: ${facts.reason}`;
    case 'bad_start':
      return `the plan begins from the model ${facts.digest}: ${facts.reason}`;
    case 'bad_model':
      return `expected the sealed model ${facts.digest}, got ${facts.found}`;
    case 'worker_crashed':
      return `the worker died during ${facts.method}: ${facts.reason}`;
    case 'job_failed':
      return `${facts.method} failed: ${facts.reason}`;
    case 'job_cancelled':
      return `${facts.method} was cancelled`;
    case 'queue_full':
      return `more than ${facts.jobsMax} jobs are waiting`;
    case 'pool_busy':
      return 'the workers have other work';
    case 'pool_closed':
      return 'the worker pool is closed';
  }
}
