/** What a laboratory run is: every setting with its unit and its default; `settings-form.ts` has the ranges, config/README.md the reasons. */

/** What the nodes learn. */
export interface TaskSettings {
  /** `quadratic`, `logistic`, `phantom`, `teacher` or `student`. */
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
  /** Of all nodes together: of `phantom` slices, 24 of each; of a teacher or a student whole phantoms. */
  readonly samples: number;
  /** Weight of half the squared norm of the model. */
  readonly regularisation: number;
  /** Of a teacher or a student: channels of the finest stage. */
  readonly channels: number;
  /** Of a teacher or a student: distance between voxels, mm. */
  readonly spacingMm: number;
  /** Of a teacher or a student: voxels along each side of a training patch. */
  readonly patch: number;
  /** Of a teacher or a student: phantoms that no node has. */
  readonly heldOut: number;
  /** Of a teacher or a student: what computes, `wasm` or `native`. Bytes are the same with the same one. */
  readonly backend: string;
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
    channels: 8,
    spacingMm: 4.5,
    patch: 24,
    heldOut: 4,
    backend: 'wasm',
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
