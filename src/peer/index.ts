export { PeerError, type PeerErrorFacts } from './errors.ts';
export { peerDefaults, type PeerSettings } from './settings.ts';
export type { MemberClaims, PeerEvent, SealedRound } from './events.ts';
export { heardClaims } from './member-news.ts';
export type {
  InitialModel,
  ReportWork,
  Trainer,
  TrainingJob,
  TrainingResult,
  WorkProgress,
} from './trainer.ts';
export { advance, genesisChain, nextOpen, stageOf, type ChainState, type Phase } from './chain.ts';
export type { PeerKeys, PeerPorts } from './ports.ts';
export type { PeerOptions } from './peer-options.ts';
export type { Submission } from './pending-manifests.ts';
export { Peer } from './peer.ts';
export { cutSums } from './rounds/cut-sums.ts';
export { inlineAverager, type Averager } from './averager.ts';
