export { HospitalNode } from './hospital-node.ts';
