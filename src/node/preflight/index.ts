export { checkClock, checkMemberClocks, type ClockFacts } from './clock-check.ts';
export { checkKeys, checkManifest, checkVersion } from './consortium-check.ts';
export { checkData, type DataFacts } from './data-check.ts';
export { checkDisk, type DiskFacts } from './disk-check.ts';
export { brokenHome, checkNode, type NodeState } from './home-check.ts';
export {
  checks,
  fine,
  inOrder,
  worstOf,
  type Check,
  type Finding,
  type Outcome,
} from './finding.ts';
export { checkMembers } from './member-check.ts';
export { checkCompute, checkPort, checkRights, type ComputeFacts } from './machine-check.ts';
export {
  keepsFromStarting,
  runPreflight,
  startFindings,
  type AskedMembers,
  type PreflightOptions,
  type StartOptions,
} from './run-preflight.ts';
export { askMembers } from './ask-members.ts';
