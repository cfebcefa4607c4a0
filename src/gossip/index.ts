export { GossipError, type GossipErrorFacts } from './errors.ts';
export type { ChunkCounts } from './content/chunk-fetch.ts';
export { ContentStore } from './content/content-store.ts';
export { fileDigest, filePieces } from './content/file-pieces.ts';
export { contentName } from './content/held-blobs.ts';
export type { RetentionRule, RoundBlobKind, RoundOfBlob } from './content/round-blobs.ts';
export { envelopesPerAuthorMax, UpdateBook } from './update-book.ts';
export { readUpdate, signUpdate, type OwnUpdate, type UpdateFacts } from './update-envelope.ts';
export {
  headOf,
  headsOf,
  segmentsOf,
  UpdateBounds,
  weightIn,
  type Segment,
  type UpdateWeights,
  type WeightScale,
} from './average/head-weights.ts';
export {
  averagingRule,
  type AveragingRule,
  type TrainedSamples,
} from './average/averaging-rule.ts';
export { roundStart } from './average/outer-step.ts';
export { roundAverage, roundUpdate, type RoundUpdate } from './average/round-average.ts';
export { RoundSum, type ValueRange } from './average/round-sum.ts';
export {
  averageRound,
  carryRound,
  checkRoundUpdate,
  encryptRoundUpdate,
  startRound,
  type AverageJob,
  type AverageOutcome,
  type CarryJob,
  type CheckJob,
  type CheckOutcome,
  type EncryptedBulk,
  type EncryptJob,
  type StartJob,
} from './bulk/round-jobs.ts';
export type { UpdateFile } from './bulk/update-file.ts';
export {
  assembleRound,
  encryptShards,
  reduceShard,
  type AssembleJob,
  type AssembleOutcome,
  type EncryptedShards,
  type EncryptShardsJob,
  type ReduceJob,
  type ReduceOutcome,
  type SumFile,
} from './bulk/shard-jobs.ts';
export { ShardClaims } from './shards/shard-claims.ts';
export { SumBook, type FalseSum } from './shards/sum-book.ts';
export { ShardPlan, type ShardSeed } from './shards/shard-plan.ts';
export { shardRange } from './shards/shard-range.ts';
