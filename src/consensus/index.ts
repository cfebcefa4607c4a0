export { SimplexMachine } from './simplex-machine.ts';
export type {
  ConsensusApplication,
  ConsensusEvent,
  ConsensusMember,
  ConsensusSigner,
  Decision,
  Effect,
  Judgement,
  DecisionQuery,
  SimplexOptions,
} from './ports.ts';
export {
  consensusDefaults,
  validateConsensusSettings,
  viewTimeoutMs,
  type ConsensusSettings,
} from './settings.ts';
export { ConsensusError, type ConsensusErrorFacts } from './errors.ts';
export {
  consensusDomain,
  readCertificate,
  statementBytes,
  verifyCertificate,
  verifyChain,
  type Certificate,
  type Chain,
  type EpochContext,
  type Statement,
  type VerifySignature,
  type VoteKind,
} from './certificate.ts';
export {
  evidenceBetween,
  forbiddenPair,
  readEvidence,
  signedPart,
  verifyEvidence,
  type EvidenceKind,
  type EvidencePair,
  type SignedStatement,
} from './evidence.ts';
export {
  decodeMessage,
  encodeMessage,
  messageBytesMax,
  type ConsensusMessage,
  type Proposal,
  type Vote,
} from './messages.ts';
export { rememberingVerify } from './verified-signatures.ts';
export { faultCountMax, leaderOrder, quorumOf } from './quorum.ts';
export { SafetyRules, type Recovered, type SignedKind } from './safety-rules.ts';
export {
  decodeRecords,
  encodeRecord,
  openWal,
  recoverWal,
  removeWalBelow,
  walName,
  type WalRecord,
  type WriteAheadLog,
} from './write-ahead-log.ts';
export { crc32c } from './crc32c.ts';
