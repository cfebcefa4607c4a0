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
export { RoundSum } from './average/round-sum.ts';
export { cappedShares, lowerMedian, unitsOf } from './rules/shares.ts';
export { distance, robustVector } from './rules/vectors.ts';
export { balance, selfCentredClip, type BalanceRule, type Received } from './rules/own-centred.ts';
export { gateByNorm, NormGate, type GateVerdict, type NormGateRule } from './rules/norm-gate.ts';
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
  type UpdateFile,
} from './bulk/round-jobs.ts';
export {
  beginMixing,
  compareModels,
  encryptState,
  endMixing,
  mixStep,
  stateCiphertextBytes,
  type BeginMixingJob,
  type CompareJob,
  type CompareOutcome,
  type EncryptStateJob,
  type EndMixingJob,
  type MixStepJob,
  type MixStepOutcome,
  type StateFile,
} from './bulk/mixing-jobs.ts';
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
export { latencyGroups } from './mixing/topology/latency-groups.ts';
export {
  checkTopology,
  mixingGraph,
  topologyCourse,
  type MixingMoment,
} from './mixing/topology/step-graph.ts';
export { topologyKinds, type Topology, type TopologyCourse } from './mixing/topology/topology.ts';
