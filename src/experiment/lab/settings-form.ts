/** How a preset of the laboratory is read: the range of every setting. */
import { checkChoice, checkInteger, checkNumber, SettingError } from '../../base/index.ts';
import type { SectionForm } from '../../config/index.ts';
import {
  algorithmKinds,
  attackKinds,
  compressionKinds,
  networkKinds,
  ruleKinds,
  topologyKinds,
} from './choices.ts';
import { checkAsynchronous, checkNetwork, checkTogether } from './joint-checks.ts';
import {
  labDefaults,
  type AttackSettings,
  type CompressionSettings,
  type LabSettings,
  type LinkSettings,
  type PartitionSettings,
  type RuleSettings,
  type SiteSettings,
  type TaskSettings,
  type TopologySettings,
  type TrainingSettings,
} from './settings.ts';

/** Tasks that there are. */
export const taskKinds: readonly string[] = ['quadratic', 'logistic', 'phantom', ...networkKinds];
/** Ways to share data out. */
export const partitionKinds: readonly string[] = ['iid', 'dirichlet', 'label', 'size', 'scanner'];

function validateLab({ name, seed, nodes, rounds, mode, ...rest }: LabSettings): void {
  if (name.length < 1 || name.length > 80) {
    throw new SettingError('name', '1 to 80 characters', `${name.length}`);
  }
  checkInteger('seed', seed, 0, 2 ** 32 - 1);
  checkInteger('nodes', nodes, 2, 1024);
  checkInteger('rounds', rounds, 1, 1_000_000);
  checkChoice('mode', mode, ['synchronous', 'asynchronous']);
  checkChoice('precision', rest.precision, ['f32', 'f64']);
  checkNumber('timeoutMs', rest.timeoutMs, 1, 86_400_000);
  checkInteger('measureEvery', rest.measureEvery, 1, 1_000_000);
  if (rest.attack.count > nodes / 2) {
    throw new SettingError('attack.count', `at most half of ${nodes} nodes`, rest.attack.count);
  }
  if (rest.attack.victim >= nodes) {
    throw new SettingError('attack.victim', `below ${nodes} nodes`, rest.attack.victim);
  }
  checkTogether(rest);
  if (mode === 'asynchronous') checkAsynchronous(rest);
  if (networkKinds.includes(rest.task.kind)) checkNetwork(rest);
  if (rest.task.kind === 'quadratic') {
    if (!['iid', 'size'].includes(rest.partition.kind)) {
      throw new SettingError('partition.kind', 'iid or size for quadratics', rest.partition.kind);
    }
  } else if (rest.task.samples < nodes) {
    throw new SettingError(
      'task.samples',
      `at least one for each of ${nodes} nodes`,
      rest.task.samples,
    );
  }
}

function validateTask(task: TaskSettings): void {
  checkChoice('kind', task.kind, taskKinds);
  checkInteger('dimension', task.dimension, 1, 1_000_000);
  checkNumber('condition', task.condition, 1, 1_000_000);
  checkNumber('noiseStdDev', task.noiseStdDev, 0, 1000);
  checkNumber('startStdDev', task.startStdDev, 0, 1000);
  checkInteger('features', task.features, 1, 64);
  checkInteger('classes', task.classes, 2, 16);
  checkInteger('samples', task.samples, 16, 1_000_000);
  checkNumber('regularisation', task.regularisation, 0.000001, 100);
  checkInteger('channels', task.channels, 2, 32);
  checkNumber('spacingMm', task.spacingMm, 2, 6);
  checkInteger('patch', task.patch, 16, 72);
  checkInteger('heldOut', task.heldOut, 1, 64);
  checkChoice('backend', task.backend, ['wasm', 'native']);
}

function validatePartition({ kind, alpha, skew, spread }: PartitionSettings): void {
  checkChoice('kind', kind, partitionKinds);
  checkNumber('alpha', alpha, 0.01, 1000);
  checkNumber('skew', skew, 1, 1000);
  checkNumber('spread', spread, 0, 1000);
}

function validateTraining(training: TrainingSettings): void {
  checkChoice('algorithm', training.algorithm, algorithmKinds);
  checkInteger('localSteps', training.localSteps, 1, 1000);
  checkNumber('learningRate', training.learningRate, 0, 100);
  checkInteger('batch', training.batch, 0, 100_000);
  checkNumber('proximal', training.proximal, 0, 1000);
  checkNumber('outerRate', training.outerRate, 0.001, 10);
  checkNumber('outerMomentum', training.outerMomentum, 0, 0.999);
}

function validateTopology(topology: TopologySettings): void {
  checkChoice('kind', topology.kind, topologyKinds);
  checkInteger('degree', topology.degree, 1, 1023);
  checkNumber('rate', topology.rate, 0, 1);
  checkInteger('gossipSteps', topology.gossipSteps, 1, 64);
  if ((topology.kind === 'edges') !== (topology.file !== '')) {
    throw new SettingError('file', 'a file if, and only if, kind is edges', topology.file);
  }
}

function validateCompression({ kind, share, rank, consensusStep }: CompressionSettings): void {
  checkChoice('kind', kind, compressionKinds);
  checkNumber('share', share, 0.000001, 1);
  checkInteger('rank', rank, 1, 64);
  checkNumber('consensusStep', consensusStep, 0.000001, 1);
}

function validateRule({ kind, attackerShare }: RuleSettings): void {
  checkChoice('kind', kind, ruleKinds);
  checkNumber('attackerShare', attackerShare, 0, 0.5);
}

function validateAttack({ kind, count, scale, victim }: AttackSettings): void {
  checkChoice('kind', kind, attackKinds);
  checkInteger('victim', victim, -1, 1023);
  checkInteger('count', count, 0, 512);
  checkNumber('scale', scale, 0, 1_000_000);
  if ((kind === 'none') !== (count === 0)) {
    throw new SettingError('count', 'attackers if, and only if, kind is an attack', count);
  }
}

function validateLinks(links: LinkSettings): void {
  checkNumber('delayMs', links.delayMs, 0, 3_600_000);
  checkNumber('delayMsSpread', links.delayMsSpread, 0, 3_600_000);
  checkNumber('bytesPerSecond', links.bytesPerSecond, 0, 1_000_000_000_000);
  checkNumber('lossRate', links.lossRate, 0, 1);
  checkNumber('asymmetry', links.asymmetry, 1, 1000);
}

function validateSites(sites: SiteSettings): void {
  checkNumber('stepMs', sites.stepMs, 0.001, 3_600_000);
  checkNumber('slownessMax', sites.slownessMax, 1, 100);
  checkNumber('absentShare', sites.absentShare, 0, 1);
  checkNumber('absentMs', sites.absentMs, 0, 86_400_000);
  checkNumber('churnShare', sites.churnShare, 0, 0.9);
}

/** How a preset with `lab:` at its top is read. */
export const labForm: SectionForm<LabSettings> = {
  key: 'lab',
  defaults: labDefaults,
  validate: validateLab,
  parts: {
    task: validateTask,
    partition: validatePartition,
    training: validateTraining,
    topology: validateTopology,
    compression: validateCompression,
    rule: validateRule,
    attack: validateAttack,
    links: validateLinks,
    sites: validateSites,
  },
};
