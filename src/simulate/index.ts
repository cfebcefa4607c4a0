export { simulatedConsortium, simulatedMember, type SimulatedMember } from './consortium.ts';
export { virtualClock, type VirtualClock } from './virtual-clock.ts';
export { runMainJob, type KillRequest, type MainJobPorts } from './main-job.ts';
