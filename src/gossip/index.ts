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
export { cappedShares, lowerMedian, unitsOf } from './rules/shares.ts';
export { distance, robustVector } from './rules/vectors.ts';
export { balance, selfCentredClip, type BalanceRule, type Received } from './rules/own-centred.ts';
export { gateByNorm, NormGate, type GateVerdict, type NormGateRule } from './rules/norm-gate.ts';
export { RoundSum, type ValueRange } from './average/round-sum.ts';
export { updateBytesOf } from './bulk/update-file.ts';
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
export {
  beginMixing,
  checkState,
  encryptState,
  endMixing,
  mixStep,
  stateCiphertextBytes,
  type BeginMixingJob,
  type CheckStateJob,
  type CheckStateOutcome,
  type Compressed,
  type EncryptStateJob,
  type EndMixingJob,
  type MixStepJob,
  type MixStepOutcome,
  type SentCompressed,
  type StateFile,
} from './bulk/mixing-jobs.ts';
export { compareModels, type CompareJob, type CompareOutcome } from './bulk/compare-models.ts';
export { MixingSchedule, type MixingSettings } from './mixing/mixing-schedule.ts';
export {
  directedGraph,
  keepsMean,
  listenerCounts,
  listenersOf,
  metropolisGraph,
  mixingLinksMax,
  mixingSizeMax,
  pushGraph,
  relaxedGraph,
  symmetricGraph,
  type Edge,
  type Link,
  type MixingGraph,
} from './mixing/mixing-graph.ts';
export { mixInto, plus, zerosLike, type MixTerm, type Vector } from './mixing/mix.ts';
export { AgreedDraws } from './mixing/topology/agreed-draws.ts';
export { torusShape } from './mixing/topology/fixed-graphs.ts';
export { latencyGroups } from './mixing/topology/latency-groups.ts';
export {
  checkTopology,
  mixingGraph,
  topologyCourse,
  type MixingMoment,
} from './mixing/topology/step-graph.ts';
export { topologyKinds, type Topology, type TopologyCourse } from './mixing/topology/topology.ts';
export {
  placesOf,
  type MessageCodec,
  type MixingAlgorithm,
  type Sent,
  type StepPlace,
} from './mixing/algorithm/mixing-algorithm.ts';
export type { WholeVectors } from './mixing/algorithm/whole-vectors.ts';
export {
  dpsgd,
  gossipAveraging,
  type DpsgdState,
  type GossipState,
} from './mixing/algorithm/gossip-averaging.ts';
export { gradientTracking, type TrackingState } from './mixing/algorithm/gradient-tracking.ts';
export { pushSum, type PushState, type PushTotal } from './mixing/algorithm/push-sum.ts';
export {
  choco,
  type ChocoMessage,
  type ChocoRule,
  type ChocoState,
  type Estimate,
} from './mixing/algorithm/choco.ts';
export {
  outerChange,
  proximalGradient,
  type OuterChange,
  type OuterRule,
} from './mixing/algorithm/local-change.ts';
export { sharedPart, type Range, type SharedPart } from './mixing/algorithm/personal-layers.ts';
export {
  compress,
  compressedBytesMax,
  compressWithFeedback,
  decompress,
  type Compression,
  type FedBack,
} from './mixing/compression/compression.ts';
export { graphFactor, mixingRate, type MixingRate } from './mixing/spectrum/mixing-rate.ts';
export {
  graphFileCharactersMax,
  readEdgeList,
  readGraphml,
  type FileGraph,
} from './mixing/topology/graph-file.ts';
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
