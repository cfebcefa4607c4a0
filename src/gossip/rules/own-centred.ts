/**
 * Robust rules for mixing, where a node trusts its own model and judges each neighbour's by its distance to that: self-centred
 * clipping and BALANCE. Pure, over models as vectors. docs/specs/robust-rules.md
 */
import type { Vector } from '../mixing/mix.ts';
import { lowerMedian, unitsOf } from './shares.ts';
import { distance } from './vectors.ts';

/** What came from a neighbour. */
export interface Received {
  readonly model: Vector;
  /** W_ij of the mixing matrix, above 0; with the node's own weight all sum to 1. */
  readonly weight: number;
}

/**
 * x + Σ W_ij (x_j - x) · min(1, τ / |x_j - x|): He, Karimireddy and Jaggi 2022.
 *
 * @param radius τ; `null` for the weighted lower median of the distances
 */
export function selfCentredClip(
  own: Vector,
  received: readonly Received[],
  radius: number | null = null,
): Float64Array {
  const out = Float64Array.from(own);
  const distances = received.map(({ model }) => distance(own, model));
  const units = unitsOf(received.map(({ weight }) => weight));
  const limit = radius ?? lowerMedian(distances, units);
  for (const [at, { model, weight }] of received.entries()) {
    const length = distances[at] as number;
    const pull = length <= limit ? weight : (weight * limit) / length;
    for (let t = 0; t < out.length; t++) {
      out[t] = (out[t] as number) + pull * ((model[t] as number) - (own[t] as number));
    }
  }
  return out;
}

/** BALANCE's settings. */
export interface BalanceRule {
  /** γ: a neighbour is taken within γ · exp(-κ · progress) · |x|; above 0. */
  readonly gamma: number;
  /** κ: how much stricter the end is than the beginning; from 0. */
  readonly kappa: number;
  /** α: what the own model counts, 0 to 1. */
  readonly ownShare: number;
}

/**
 * α x + (1 - α) · mean of the x_j with |x_j - x| ≤ γ exp(-κ t/T) |x|; x itself where none is so near. Fang et al. 2024, with the
 * mean weighted by W_ij.
 *
 * @param progress t/T, 0 to 1
 */
export function balance(
  own: Vector,
  received: readonly Received[],
  { gamma, kappa, ownShare }: BalanceRule,
  progress: number,
): { readonly model: Float64Array; readonly accepted: readonly boolean[] } {
  const limit = gamma * Math.exp(-kappa * progress) * distance(own, new Float64Array(own.length));
  const accepted = received.map(({ model }) => distance(own, model) <= limit);
  const near = received.filter((_, at) => accepted[at] === true);
  const model = Float64Array.from(own);
  if (near.length === 0) return { model, accepted };
  const total = near.reduce((sum, { weight }) => sum + weight, 0);
  for (let t = 0; t < model.length; t++) {
    const mean = near.reduce((sum, one) => sum + one.weight * (one.model[t] as number), 0) / total;
    model[t] = ownShare * (own[t] as number) + (1 - ownShare) * mean;
  }
  return { model, accepted };
}
