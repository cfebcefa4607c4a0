export { GossipError, type GossipErrorFacts } from './errors.ts';
export { BlobShelf } from './blob-shelf.ts';
export type { RetentionRule, RoundBlobKind, RoundOfBlob } from './round-blobs.ts';
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
