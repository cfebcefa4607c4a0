/** What the nodes of a laboratory learn: a sum of functions of which each node holds one, with a known best model. */
import { seededRandom, type Random } from '../../base/index.ts';

/** Numbers of one model. */
export type Vector = Float64Array;

/** What nodes learn. It holds no state of a run: the same arguments give the same numbers, in any thread. */
export interface LabTask {
  /** Numbers of a model. */
  readonly dimension: number;
  /** Samples of each node. */
  readonly samples: Int32Array;
  /** Writes the model that a node begins with. */
  start(node: number, model: Vector): void;
  /** Adds the gradient of the node's function at `model` to `into`; of a batch drawn from `chance` where there are samples. */
  gradient(node: number, model: Vector, chance: Random, into: Vector): void;
  /** The node's own function at `model`. */
  localLoss(node: number, model: Vector): number;
  /** How much worse `model` is than the best for all nodes together: never below 0 but for rounding. */
  error(model: Vector): number;
  /** A second measure of the task, such as the share of held-out samples that are taken for another class; null without. */
  testError(model: Vector): number | null;
}

/** A stream of chance that depends on its names alone: nothing of it must be kept. */
export function chanceOf(seed: number, ...names: readonly (string | number)[]): Random {
  return seededRandom(`lab/${seed}/${names.join('/')}`);
}
