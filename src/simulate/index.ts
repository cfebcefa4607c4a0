export { readFaults } from './read-faults.ts';
export { virtualClock, type VirtualClock } from './virtual-clock.ts';
export {
  seededQuadratics,
  seededShare,
  simulateConsortium,
  virtualLimits,
  virtualPlan,
  type SimulatedNode,
  type SimulatedRound,
  type SimulationOptions,
  type SimulationRecord,
} from './simulate-consortium.ts';
export { readAttack, type Attack, type ConductAttack } from './attacks/attack.ts';
export {
  dissensus,
  fiedlerVector,
  spectralLie,
  type HonestGraph,
} from './attacks/graph-attacks.ts';
export {
  backdoorSuccess,
  stamped,
  withBackdoor,
  withFlippedLabels,
  type Backdoor,
  type Example,
} from './attacks/poisoned-data.ts';
export {
  alieZ,
  lieOf,
  momentsOf,
  updateAttackKinds,
  type AttackScene,
  type UpdateAttack,
} from './attacks/update-attacks.ts';
export { VirtualWorld, worldStartMs, type WorldOptions, type WorldOutcome } from './world.ts';
export type { VirtualNode } from './virtual-node.ts';
export type { MembershipChange, WorldMembership } from './membership.ts';
export { drawFaults, endOf, shrinkFaults, type Fault, type FaultRange } from './faults.ts';
export type { Violation } from './invariants.ts';
export { memberNames, virtualConsortium, virtualMember, type VirtualMember } from './members.ts';
export { countedCrypto, type CountedCrypto, type CryptoCounts } from './counted-crypto.ts';
export {
  changeOf,
  modelAfter,
  optimumOf,
  quadraticTrainer,
  type Quadratic,
  type QuadraticTraining,
} from './quadratic-trainer.ts';
export {
  calmNetwork,
  virtualNetwork,
  type NetworkCounts,
  type NetworkFaults,
  type VirtualNetwork,
} from './virtual-network.ts';
export { soundDisk, type DiskFaults } from './virtual-disk.ts';
