export { GossipError, type GossipErrorFacts } from './errors.ts';
export { BlobShelf } from './content/blob-shelf.ts';
export { contentName, ContentStore } from './content/content-store.ts';
export { fileDigest, filePieces } from './content/file-pieces.ts';
export type { RetentionRule, RoundBlobKind, RoundOfBlob } from './content/round-blobs.ts';
export { UpdateBook } from './update-book.ts';
export {
  openUpdate,
  readUpdate,
  sealUpdate,
  type OpenedUpdate,
  type OwnUpdate,
  type UpdateBulk,
  type UpdateFacts,
} from './sealed-update.ts';
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
export { plainAverage, roundStart, type OuterStep } from './average/outer-step.ts';
export type { AveragingRule, TrainedSamples } from './average/averaging-rule.ts';
export { roundAverage, roundUpdate, type RoundUpdate } from './average/round-average.ts';
export { RoundSum } from './average/round-sum.ts';
export {
  averageRound,
  openRoundUpdate,
  sealRoundUpdate,
  startRound,
  type AverageJob,
  type AverageOutcome,
  type EncryptedUpdate,
  type OpenJob,
  type OpenOutcome,
  type SealedBulk,
  type SealJob,
  type StartJob,
} from './bulk/round-jobs.ts';
