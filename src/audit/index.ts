export { AuditError, type AuditErrorFacts } from './errors.ts';
export { lastBlockMs } from './last-block.ts';
export { MerkleTree, hashBytes, hashLeaf, hashNode } from './merkle-tree.ts';
export { verifyConsistency, verifyInclusion } from './merkle-proof.ts';
export {
  bundlesOf,
  decodeBundle,
  encodeBundle,
  hashTilesOf,
  tilePath,
  tileWidth,
  type Tile,
} from './tiles.ts';
export {
  formatNote,
  formatSignatureLine,
  formatVkey,
  noteKeyTypes,
  parseNote,
  parseSignatureLine,
  parseVkey,
  type NoteKey,
  type NoteSignature,
  type SignedNote,
} from './signed-note.ts';
export {
  cosignCheckpoint,
  formatCheckpoint,
  parseCheckpoint,
  verifyNoteSignature,
  type Checkpoint,
} from './checkpoint.ts';
export { webFileOf, type WebFile } from './log-web.ts';
export { logOrigin, parsePolicy, policyFile, witnessName, type LogPolicy } from './policy.ts';
export { inclusionPath, logEntries, type LogEntry } from './log-entries.ts';
export { compareLogs, type ComparedLog, type LogFork, type LogRelation } from './compare-logs.ts';
export {
  formatProof,
  parseProof,
  verifyProof,
  type ProvenEntry,
  type TlogProof,
} from './tlog-proof.ts';
export {
  checkpointName,
  decisionName,
  envelopeDigests,
  firstEntryOf,
  leavesOf,
  logPrefix,
  nextCheckpointName,
  policyName,
  tileNames,
  type Decision,
} from './log-files.ts';
export {
  decodeWitnessRequest,
  encodeWitnessRequest,
  witnessRequestBytesMax,
  type WitnessRequest,
} from './witness-request.ts';
export { Witness, witnessStateName, type WitnessRefusal } from './witness.ts';
export {
  ConsortiumLog,
  openConsortiumLog,
  type ConsortiumLogOptions,
  type LogHead,
} from './consortium-log.ts';
export {
  NodeLog,
  nodeLogOrigin,
  nodeLogPrefix,
  nodeLogRestoredName,
  type NewLogReason,
  type NodeLogOptions,
} from './node-log.ts';
export { decodeNodeEntry, encodeNodeEntry, type NodeEntry, type NodeEvent } from './node-events.ts';
export {
  nodeLogClaim,
  ownEntries,
  verifyNodeLogs,
  type Anchor,
  type NodeLogClaim,
  type NodeLogCount,
  type OwnEntry,
} from './verify-node-log.ts';
export type { CheckedNote, MergeOutcome } from './heads.ts';
export {
  Report,
  renderVerdict,
  type Finding,
  type LogVerdict,
  type RoundRecord,
} from './verdict.ts';
export { renderRunVerdict, type NodeVerdict, type RunVerdict } from './run-verdict.ts';
export type { BlobCount, BlobFolder } from './verify-blobs.ts';
export {
  examineLog,
  verifyLogDirectory,
  type ExaminedLog,
  type LogDirectory,
  type VerifyLogOptions,
} from './verify-log-directory.ts';
export {
  verifyRun,
  type ModelFolder,
  type NodeFolder,
  type RunFolder,
  type VerifyRunOptions,
} from './verify-run.ts';
