export { examine, type Diagnosis, type ExaminedBackend, type Examination } from './diagnosis.ts';
export { NodeError, type NodeErrorFacts } from './errors.ts';
export {
  createHome,
  defaultHome,
  isHomeSealed,
  lineInUse,
  lookAtHome,
  nodeFolderOf,
  openHome,
  settingsFileOf,
  type HeldLine,
  type Home,
  type HomeFacts,
  type NewHome,
} from './home.ts';
export {
  draftGenesis,
  draftNext,
  draftRenewal,
  membersAfter,
  type MemberChanges,
} from './drafts.ts';
export { factsOf, manifestText, wordsOf, type ManifestFacts } from './manifest-text.ts';
export { requireSignable, versionBefore } from './signing.ts';
export { backUpHome, isBackupSealed, restoreHome } from './backup.ts';
export { noticeCopy, restoredAtMs, settleRestored } from './restored-mark.ts';
export {
  chainOf,
  latestCheckpoint,
  requireTimely,
  versionsIn,
  versionsOf,
} from './version-files.ts';
export { keepManifest, keepManifests, type HowKnown } from './home-manifests.ts';
export { addNodeKeys, forgetKeysBefore } from './home-renewal.ts';
export {
  haveSameNodeKeys,
  needsPassphrase,
  openOrgKey,
  publicKeysOf,
  sealOrgKey,
  nodeKeysOf,
  type NodePublicKeys,
  type OrgKey,
} from './node-keys.ts';
export { HospitalNode, type HospitalNodeOptions } from './hospital-node.ts';
export type { NodeKeys, NodeMember } from './member-keys.ts';
export type { NodeSettings } from './settings.ts';
export { watched } from './watched-port.ts';
export {
  askMembers,
  brokenHome,
  keepsFromStarting,
  runPreflight,
  startFindings,
  worstOf,
  type AskedMembers,
  type Check,
  type Finding,
  type NodeState,
  type Outcome,
} from './preflight/index.ts';
