/** What a laboratory run is: every setting with its unit, its range and its default. config/README.md has the reasons. */
import { checkChoice, checkInteger, checkNumber, SettingError } from '../../base/index.ts';
import type { SectionForm } from '../../config/index.ts';
import {
  algorithmKinds,
  attackKinds,
  compressionKinds,
  graphAttackKinds,
  reliableAlgorithms,
  ruleKinds,
  topologyKinds,
  wholeModelAlgorithms,
} from './choices.ts';

/** What the nodes learn. */
export interface TaskSettings {
  /** `quadratic`, `logistic` or `phantom`. */
  readonly kind: string;
  /** Of a quadratic: numbers of a model. */
  readonly dimension: number;
  /** Of a quadratic: largest curvature over the smallest. */
  readonly condition: number;
  /** Of a quadratic: standard deviation of each number of a gradient. */
  readonly noiseStdDev: number;
  /** Of a quadratic: standard deviation of each number of a node's first model; 0: all begin at 0. */
  readonly startStdDev: number;
  /** Of a logistic regression: numbers that describe a sample. */
  readonly features: number;
  /** Of a logistic regression. */
  readonly classes: number;
  /** Of all nodes together; of phantoms 24 slices each. */
  readonly samples: number;
  /** Weight of half the squared norm of the model. */
  readonly regularisation: number;
}

/** Who holds which data. */
export interface PartitionSettings {
  /** `iid`, `dirichlet`, `label`, `size` or `scanner`. */
  readonly kind: string;
  /** Of `dirichlet`: small for nodes of few labels. */
  readonly alpha: number;
  /** Of `size`: samples of the largest node over those of the smallest. */
  readonly skew: number;
  /** Of a quadratic: standard deviation of the nodes' own optima; of `scanner`: of the shift of a scanner's numbers. */
  readonly spread: number;
}

/** How a node learns between two exchanges. */
export interface TrainingSettings {
  readonly algorithm: string;
  readonly localSteps: number;
  readonly learningRate: number;
  /** Samples of a step; 0: all of the node's. */
  readonly batch: number;
  /** μ of FedProx: pull of the model that a round began with. */
  readonly proximal: number;
  /** What a round's change is multiplied with before it is mixed. */
  readonly outerRate: number;
  /** Nesterov's momentum over the rounds (DiLoCo). */
  readonly outerMomentum: number;
}

/** Who sends to whom. */
export interface TopologySettings {
  readonly kind: string;
  /** Neighbours that a node hears, where the kind leaves a choice; of `base` its k. */
  readonly degree: number;
  /** Of `erdos-renyi`: chance of an edge; of `small-world`: that an edge is moved. */
  readonly rate: number;
  /** Of kinds that are drawn: a new graph in every exchange, or one for the whole run. */
  readonly redrawn: boolean;
  /** Exchanges of a round. */
  readonly gossipSteps: number;
  /** Of `edges`: an edge list or GraphML, beside the preset unless absolute. */
  readonly file: string;
}

/** What is left out of a message. */
export interface CompressionSettings {
  readonly kind: string;
  /** Of top-k and random-k: share of the numbers that is sent. */
  readonly share: number;
  /** Of low-rank: rank of the matrix that a model is taken for. */
  readonly rank: number;
  /** γ of CHOCO: the coarser the compression, the smaller. */
  readonly consensusStep: number;
}

/** How a node averages what came. */
export interface RuleSettings {
  readonly kind: string;
  /** Share of a node's neighbours that may be attackers. */
  readonly attackerShare: number;
  /** Each model is first replaced by the mean of its nearest ones (NNM). */
  readonly nnm: boolean;
}

/** What attackers send. */
export interface AttackSettings {
  readonly kind: string;
  /** Attackers among the nodes. */
  readonly count: number;
  /** Strength, in the measure of the attack. */
  readonly scale: number;
  /** The one honest node that all attackers speak to, and nobody else; -1: they speak to all. Without attack it is watched. */
  readonly victim: number;
}

/** What happens to messages. */
export interface LinkSettings {
  readonly delayMs: number;
  /** A link's own delay is drawn up to so much more. */
  readonly delayMsSpread: number;
  /** Upload of a node, bytes per second; 0: at once. */
  readonly bytesPerSecond: number;
  /** Share of messages that are lost. */
  readonly lossRate: number;
  /** Links in one direction are up to so many times as slow as in the other. */
  readonly asymmetry: number;
  /** Links from a file, CSV or JSON, beside the preset unless absolute; empty: as the settings above say. */
  readonly trace: string;
}

/** What the machines of the nodes are like. */
export interface SiteSettings {
  /** Time of one local step on the fastest, ms. */
  readonly stepMs: number;
  /** Slowest over fastest. */
  readonly slownessMax: number;
  /** Share of nodes that are away for a time, once. */
  readonly absentShare: number;
  /** How long they are away, ms. */
  readonly absentMs: number;
  /** Share of nodes that leave for good before the end. */
  readonly churnShare: number;
}

/** A laboratory run. */
export interface LabSettings {
  readonly name: string;
  readonly seed: number;
  readonly nodes: number;
  readonly rounds: number;
  /** Of models: `f32`, as hospitals have them, or `f64`. */
  readonly precision: string;
  /** `synchronous`: a round waits for its messages; `asynchronous`: nobody waits. */
  readonly mode: string;
  /** Longest that a node waits for the messages of a round, ms of virtual time. */
  readonly timeoutMs: number;
  /** Rounds between two measurements. */
  readonly measureEvery: number;
  readonly task: TaskSettings;
  readonly partition: PartitionSettings;
  readonly training: TrainingSettings;
  readonly topology: TopologySettings;
  readonly compression: CompressionSettings;
  readonly rule: RuleSettings;
  readonly attack: AttackSettings;
  readonly links: LinkSettings;
  readonly sites: SiteSettings;
}

/** Without anything in a preset: sixteen nodes on a ring, quadratics, a network without faults. */
export const labDefaults: LabSettings = Object.freeze({
  name: 'unnamed',
  seed: 1,
  nodes: 16,
  rounds: 100,
  precision: 'f32',
  mode: 'synchronous',
  timeoutMs: 60_000,
  measureEvery: 1,
  task: {
    kind: 'quadratic',
    dimension: 10,
    condition: 10,
    noiseStdDev: 0,
    startStdDev: 0,
    features: 8,
    classes: 4,
    samples: 2048,
    regularisation: 0.01,
  },
  partition: { kind: 'iid', alpha: 0.5, skew: 94, spread: 1 },
  training: {
    algorithm: 'd-psgd',
    localSteps: 1,
    learningRate: 0.05,
    batch: 0,
    proximal: 0,
    outerRate: 1,
    outerMomentum: 0,
  },
  topology: { kind: 'ring', degree: 4, rate: 0.2, redrawn: false, gossipSteps: 1, file: '' },
  compression: { kind: 'none', share: 0.1, rank: 1, consensusStep: 1 },
  rule: { kind: 'mean', attackerShare: 0.25, nnm: false },
  attack: { kind: 'none', count: 0, scale: 1, victim: -1 },
  links: {
    delayMs: 20,
    delayMsSpread: 0,
    bytesPerSecond: 0,
    lossRate: 0,
    asymmetry: 1,
    trace: '',
  },
  sites: { stepMs: 10, slownessMax: 1, absentShare: 0, absentMs: 3_600_000, churnShare: 0 },
});

/** Graphs in which two that hear each other always do. */
const stillKinds = [
  ...['ring', 'torus', 'star', 'complete', 'regular', 'erdos-renyi', 'small-world', 'edges'],
];
/** Tasks that there are. */
export const taskKinds: readonly string[] = ['quadratic', 'logistic', 'phantom'];
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

/** Some algorithms, rules and attacks need each other, and some networks break them. */
function checkTogether(
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
function checkAsynchronous({
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
  checkInteger('count', count, 0, 512);
  checkNumber('scale', scale, 0, 1_000_000);
  checkInteger('victim', victim, -1, 1023);
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
