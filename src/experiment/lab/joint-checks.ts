/** Settings of different sections that need or exclude each other. Each throws a {SettingError} naming the setting. */
import { SettingError } from '../../base/index.ts';
import {
  attackKinds,
  graphAttackKinds,
  reliableAlgorithms,
  wholeModelAlgorithms,
} from './choices.ts';
import type { LabSettings } from './settings.ts';

/** Graphs in which two that hear each other always do. */
const stillKinds = [
  'ring',
  'torus',
  'star',
  'complete',
  'regular',
  'erdos-renyi',
  'small-world',
  'edges',
];
/** Extent of a phantom, mm: the heart with a rim of lung, spine and sternum. */
const extentMm = 144;
/** The networks halve a side three times. */
const sideStep = 8;

/** Voxels along each side of a phantom for a network: the least multiple of 8 that spans 144 mm. */
export function phantomSide(spacingMm: number): number {
  return sideStep * Math.ceil(extentMm / spacingMm / sideStep);
}

/** Some algorithms, rules and attacks need each other, and some networks break them. */
export function checkTogether(
  lab: Omit<LabSettings, 'name' | 'seed' | 'nodes' | 'rounds' | 'mode'>,
): void {
  const { training, topology, compression, rule, attack, sites } = lab;
  const { algorithm } = training;
  const refuse = (key: string, expected: string, came: string): never => {
    throw new SettingError(key, `${expected} with ${algorithm}`, came);
  };
  if (compression.kind !== 'none' && algorithm !== 'choco')
    refuse('compression.kind', 'none', compression.kind);
  if (algorithm === 'choco' && !stillKinds.includes(topology.kind)) {
    refuse('topology.kind', `one of ${stillKinds.join(', ')}`, topology.kind);
  }
  if (algorithm === 'choco' && topology.redrawn) refuse('topology.redrawn', 'false', 'true');
  if (reliableAlgorithms.includes(algorithm)) {
    if (sites.absentShare > 0) refuse('sites.absentShare', '0', String(sites.absentShare));
    if (sites.churnShare > 0) refuse('sites.churnShare', '0', String(sites.churnShare));
  }
  if (rule.kind !== 'mean' && algorithm !== 'local-sgd') refuse('rule.kind', 'mean', rule.kind);
  if (attack.kind !== 'none' && !wholeModelAlgorithms.includes(algorithm)) {
    refuse('attack.kind', 'none', attack.kind);
  }
}

/** Where nobody waits, each has a time of its own. */
export function checkAsynchronous({
  training,
  topology,
  attack,
}: Pick<LabSettings, 'training' | 'topology' | 'attack'>): void {
  const { algorithm } = training;
  if (reliableAlgorithms.includes(algorithm)) {
    throw new SettingError('training.algorithm', 'one that needs not every message', algorithm);
  }
  if (graphAttackKinds.includes(attack.kind)) {
    const others = attackKinds.filter((kind) => !graphAttackKinds.includes(kind)).join(', ');
    throw new SettingError(
      'attack.kind',
      `one of ${others} where nobody waits: others need the graph and all models of one exchange, and there is none`,
      attack.kind,
    );
  }
  if (topology.gossipSteps !== 1) {
    throw new SettingError('topology.gossipSteps', '1', topology.gossipSteps);
  }
}

/** A network has float32, learns from patches, and its student's attention heads share its channels. */
export function checkNetwork({
  task,
  training,
  precision,
}: Pick<LabSettings, 'task' | 'training' | 'precision'>): void {
  const { kind, channels, patch } = task;
  if (precision !== 'f32') throw new SettingError('precision', `f32 for a ${kind}`, precision);
  if (training.batch === 0) {
    throw new SettingError('training.batch', `at least one patch for a ${kind}`, 0);
  }
  if (kind === 'student' && channels % 2 !== 0) {
    throw new SettingError('task.channels', 'an even number for a student', channels);
  }
  const side = phantomSide(task.spacingMm);
  if (patch % sideStep !== 0 || patch > side) {
    throw new SettingError('task.patch', `a multiple of ${sideStep} up to ${side}`, patch);
  }
}
