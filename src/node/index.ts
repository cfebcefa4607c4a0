export { examine, type Diagnosis, type ExaminedBackend, type Examination } from './diagnosis.ts';
export { HospitalNode, type HospitalNodeOptions } from './hospital-node.ts';
export type { NodeKeys, NodeMember } from './member-keys.ts';
export type { NodeSettings } from './settings.ts';
export { watched } from './watched-port.ts';
