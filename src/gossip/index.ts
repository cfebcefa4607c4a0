export { GossipError, type GossipErrorFacts } from './errors.ts';
export { BlobShelf } from './blob-shelf.ts';
export type { RetentionRule, RoundBlobKind, RoundOfBlob } from './round-blobs.ts';
export { UpdateBook, type ReceiptClaim } from './update-book.ts';
export {
  openUpdate,
  readUpdate,
  sealUpdate,
  type OwnUpdate,
  type UpdateFacts,
} from './sealed-update.ts';
