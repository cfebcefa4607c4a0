/**
 * The port to the heavy work of a round: encrypting, checking and averaging files of this node's store, each as large as a
 * model. A node does it on a thread of its own, because libp2p must answer within seconds; the peer itself handles names,
 * digests and keys only.
 */
import type { Store } from '../base/index.ts';
import {
  averageRound,
  openRoundUpdate,
  sealRoundUpdate,
  startRound,
  type AverageJob,
  type AverageOutcome,
  type OpenJob,
  type OpenOutcome,
  type SealedBulk,
  type SealJob,
  type StartJob,
} from '../gossip/index.ts';
import type { WrittenModel } from '../weights/index.ts';

/** All over the store that the peer has; see the jobs of `gossip`. */
export interface Averager {
  /** Where a round starts. @throws when a file is not a model of its layout */
  start(job: StartJob): Promise<WrittenModel>;
  /** The own update. @throws when a file is not a model of its layout, or a weight is not finite */
  seal(job: SealJob): Promise<SealedBulk>;
  /** What is wrong with an update, if anything. */
  open(job: OpenJob): Promise<OpenOutcome>;
  /** The average of a cut. @throws when an update is not one that `open` lets pass */
  average(job: AverageJob): Promise<AverageOutcome>;
}

/** Does the work where it is called: for simulations and tests, whose models are small. */
export function inlineAverager(store: Store): Averager {
  return {
    start: (job) => startRound(store, job),
    seal: (job) => sealRoundUpdate(store, job),
    open: (job) => openRoundUpdate(store, job),
    average: (job) => averageRound(store, job),
  };
}
