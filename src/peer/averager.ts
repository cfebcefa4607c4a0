/**
 * The port to the heavy work of a round: encrypting, checking and averaging files of this node's store, each as large as a
 * model. A node does it on a thread of its own, because libp2p must answer within seconds; the peer itself handles names,
 * digests and keys only.
 */
import type { Digest, Store } from '../base/index.ts';
import {
  assembleRound,
  averageRound,
  beginMixing,
  carryRound,
  checkRoundUpdate,
  checkState,
  compareModels,
  encryptRoundUpdate,
  encryptShards,
  reduceShard,
  encryptState,
  endMixing,
  mixStep,
  startRound,
  type AssembleJob,
  type AssembleOutcome,
  type AverageJob,
  type AverageOutcome,
  type BeginMixingJob,
  type CarryJob,
  type CheckJob,
  type CheckOutcome,
  type CheckStateJob,
  type CheckStateOutcome,
  type CompareJob,
  type CompareOutcome,
  type EncryptedBulk,
  type EncryptedShards,
  type EncryptJob,
  type EncryptShardsJob,
  type ReduceJob,
  type ReduceOutcome,
  type EncryptStateJob,
  type EndMixingJob,
  type MixStepJob,
  type MixStepOutcome,
  type StartJob,
} from '../gossip/index.ts';
import type { WrittenModel } from '../weights/index.ts';

/** All over the store that the peer has; see the jobs of `gossip`. */
export interface Averager {
  /** Where a round starts. @throws when a file is not a model of its layout */
  start(job: StartJob): Promise<WrittenModel>;
  /** Where a member starts that adds what it learnt in an earlier round. @throws when a file is not a model of its layout */
  carry(job: CarryJob): Promise<WrittenModel>;
  /** The own update. @throws when a file is not a model of its layout, or a weight is not finite */
  encrypt(job: EncryptJob): Promise<EncryptedBulk>;
  /** What is wrong with an update, if anything. */
  check(job: CheckJob): Promise<CheckOutcome>;
  /** The average of a cut. @throws when an update is not one that `check` lets pass */
  average(job: AverageJob): Promise<AverageOutcome>;
  /** The own update in shards. @throws as `encrypt` */
  encryptShards(job: EncryptShardsJob): Promise<EncryptedShards>;
  /** The sum of one shard of a cut. @throws as `average` */
  reduce(job: ReduceJob): Promise<ReduceOutcome>;
  /** The model from the sums of all shards. */
  assemble(job: AssembleJob): Promise<AssembleOutcome>;
  /** The own contribution to a mixing. @throws when the own update is not what it was */
  beginMixing(job: BeginMixingJob): Promise<void>;
  /** A state for those who hear it. */
  encryptState(job: EncryptStateJob): Promise<{ readonly digest: Digest; readonly bytes: number }>;
  /** One step. */
  mixStep(job: MixStepJob): Promise<MixStepOutcome>;
  /** What is wrong with a state, if anything. */
  checkState(job: CheckStateJob): Promise<CheckStateOutcome>;
  /** The model that a mixing came to. @throws when a file is not a model of its layout */
  endMixing(job: EndMixingJob): Promise<WrittenModel>;
  /** How far another's model is from the own. */
  compare(job: CompareJob): Promise<CompareOutcome>;
}

/** Does the work where it is called: for simulations and tests, whose models are small. */
export function inlineAverager(store: Store): Averager {
  return {
    start: (job) => startRound(store, job),
    carry: (job) => carryRound(store, job),
    encrypt: (job) => encryptRoundUpdate(store, job),
    check: (job) => checkRoundUpdate(store, job),
    average: (job) => averageRound(store, job),
    encryptShards: (job) => encryptShards(store, job),
    reduce: (job) => reduceShard(store, job),
    assemble: (job) => assembleRound(store, job),
    beginMixing: (job) => beginMixing(store, job),
    encryptState: (job) => encryptState(store, job),
    mixStep: (job) => mixStep(store, job),
    checkState: (job) => checkState(store, job),
    endMixing: (job) => endMixing(store, job),
    compare: (job) => compareModels(store, job),
  };
}
