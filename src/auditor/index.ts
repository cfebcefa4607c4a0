export { AuditorError, type AuditorErrorFacts } from './errors.ts';
export { loggedRound, type LoggedRound } from './logged-round.ts';
export { firstOf, withMemberFiles, type MemberFiles } from './replay-files.ts';
export { roundFiles, type RoundFiles } from './round-files.ts';
export { replayRound, replayedName, type Replay, type ReplayPorts } from './replay-round.ts';
export {
  decodeRoundKeys,
  encodeRoundKeys,
  roundKeysBytesMax,
  type RoundKeys,
} from './round-keys.ts';
export { disclosedKeys, discloseRound, keysOfMember, type Disclosure } from './update-keys.ts';
export { fetchBytes, postBytes, type FetchBytes } from './web-fetch.ts';
export { parseLogUrl, webLog } from './web-log.ts';
export { LogWitness, type LogWitnessOptions, type WitnessAnswer } from './log-witness.ts';
export {
  outsideNoteName,
  WitnessClient,
  type PostBytes,
  type WitnessClientPorts,
  type WitnessState,
} from './witness-client.ts';
export {
  outsideWitnesses,
  validateWitnessSettings,
  witnessDefaults,
  type OutsideWitness,
  type WitnessSettings,
} from './witness-settings.ts';
