/** What may be done to a node's own training before anything is mixed. */
import { mixInto, plus, zerosLike, type Vector } from '../mix.ts';

/**
 * FedProx (Li et al. 2020): the gradient of f(x) + μ/2 · |x - start|², which keeps long local training near where it began.
 * @param strength μ, from 0
 */
export function proximalGradient<T extends Vector>(
  gradient: T,
  {
    model,
    start,
    strength,
  }: { readonly model: Vector; readonly start: Vector; readonly strength: number },
): T {
  return mixInto(zerosLike(gradient), [
    { weight: 1, values: gradient },
    { weight: strength, values: model },
    { weight: -strength, values: start },
  ]);
}

/** Rate and momentum of an outer optimiser. */
export interface OuterRule {
  /** What the change is multiplied with; above 0. */
  readonly rate: number;
  /** From 0 to below 1. */
  readonly momentum: number;
}

/** The change to mix, and what is remembered for the next. */
export interface OuterChange<T extends Vector> {
  readonly change: T;
  /** m, part of a checkpoint. */
  readonly momentum: T;
}

/**
 * The outer step of DiLoCo (Douillard et al. 2023) at each node: m' = μ m + d, change = rate · (d + μ m'), which is PyTorch's
 * SGD(nesterov) on -d. Gossip is linear, so that where all hear all, mixing the outcomes is the outer step on the mean.
 * @param remembered null in the first round
 */
export function outerChange<T extends Vector>(
  change: T,
  remembered: T | null,
  { rate, momentum }: OuterRule,
): OuterChange<T> {
  const next = remembered === null ? change : plus(change, remembered, momentum);
  const outer = mixInto(zerosLike(change), [
    { weight: rate, values: change },
    { weight: rate * momentum, values: next },
  ]);
  return { change: outer, momentum: next };
}
