export { GossipError, type GossipErrorFacts } from './errors.ts';
export { BlobShelf } from './content/blob-shelf.ts';
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
export { IntegerMean } from './average/integer-mean.ts';
export {
  checkUpdate,
  headOf,
  headsOf,
  segmentsOf,
  weightIn,
  type Segment,
  type UpdateWeights,
} from './average/head-weights.ts';
export { averagingRule, type AveragingRule } from './average/averaging-rule.ts';
export { roundStart } from './average/outer-step.ts';
export {
  roundAverage,
  roundUpdate,
  type RoundUpdate,
  type TrainedSamples,
} from './average/round-average.ts';
