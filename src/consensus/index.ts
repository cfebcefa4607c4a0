export { SimplexMachine } from './simplex-machine.ts';
export type {
  CheckedMessage,
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
  decodeMessage,
  encodeMessage,
  type ConsensusMessage,
  type Proposal,
  type Recall,
  type Vote,
} from './messages.ts';
export { rememberingVerify } from './verified-signatures.ts';
export { leaderOrder } from './leader-order.ts';
export { SafetyRules, type Entered, type Recovered, type SignedKind } from './safety-rules.ts';
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
