/** What the nodes of a laboratory learn: a sum of functions of which each node holds one, with a known best model. */
import { seededRandom, type Random } from '../../base/index.ts';

/** Numbers of one model. */
export type Vector = Float64Array;

/** What a task has for a run, however its nodes learn. It holds no state of a run: the same arguments give the same numbers, in any thread. */
interface Learnt {
  /** Numbers of a model. */
  readonly dimension: number;
  /** Samples of each node. */
  readonly samples: Int32Array;
  /** Writes the model that a node begins with. */
  start(node: number, model: Vector): void;
}

/** A node's numbers that training reads and writes. */
export interface TrainedRows {
  readonly model: Vector;
  /** What the node keeps beside its model from round to round: the last gradient, or what its optimiser remembers. */
  readonly kept: Vector;
}

/** What the nodes of a run learn, with the steps by which they do. */
export interface LabTask extends Learnt {
  /** Numbers that a node keeps beside its model; zeros at the beginning. */
  readonly keptLength: number;
  /** A node's local steps of a round, in its rows. A model that grew beyond all bounds is left as no number (NaN). */
  train(round: number, node: number, rows: TrainedRows): Promise<void>;
  /** The node's own function at `model`. */
  localLoss(node: number, model: Vector): Promise<number>;
  /** How much worse `model` is than the best for all nodes together: never below 0 but for rounding. */
  error(model: Vector): Promise<number>;
  /** A second measure on held-out data, a share of wrong answers or a distance in mm; null without, or where there is none yet. */
  testError(model: Vector): Promise<number | null>;
  /** Frees what it holds; a second call does nothing. */
  close(): void;
}

/** A task of plain arithmetic, learnt by steps down its gradient: `descending` makes a `LabTask` of it. */
export interface GradientTask extends Learnt {
  /** Adds the gradient of the node's function at `model` to `into`; of a batch drawn from `chance` where there are samples. */
  gradient(node: number, model: Vector, chance: Random, into: Vector): void;
  /** The node's own function at `model`. */
  localLoss(node: number, model: Vector): number;
  /** How much worse `model` is than the best for all nodes together: never below 0 but for rounding. */
  error(model: Vector): number;
  /** The share of held-out samples that are taken for another class; null without. */
  testError(model: Vector): number | null;
}

/** A stream of chance that depends on its names alone: nothing of it must be kept. */
export function chanceOf(seed: number, ...names: readonly (string | number)[]): Random {
  return seededRandom(`lab/${seed}/${names.join('/')}`);
}
