/**
 * The average of a round: what one participant contributes, and what all contributions make of the base. The peers of
 * a consortium and whoever repeats their rounds without a network compute it here, to the same bytes.
 */
import { fixedPointFor, quantise } from './fixed-point.ts';
import { applyDelta, delta, flatten } from './flat.ts';
import { IntegerMean } from './integer-mean.ts';
import type { ModelWeights } from './tensors.ts';

/** What all participants agreed on before the round. */
export interface AveragingRule {
  /** Members of the consortium: as many updates must fit the integer sum. */
  readonly memberCount: number;
  /** C: a parameter's change beyond ±C is cut to it. */
  readonly clamp: number;
  /** Weight of which one unit is a share. */
  readonly weightMax: number;
  /** Most samples that one participant may weigh with. */
  readonly samplesCap: number;
}

/** One participant's change of the base. */
export interface RoundUpdate {
  /** Weighted change in fixed point, in the order of `flatten`. */
  readonly values: Int32Array;
  /** From 1 to the rule's `weightMax`. */
  readonly weight: number;
}

/**
 * The update of a participant that trained `base` into `after` on `samples` cases.
 * @throws {WeightsError} 'shape_mismatch', or 'not_finite' when a weight is
 */
export function roundUpdate(
  after: ModelWeights,
  base: ModelWeights,
  samples: number,
  { memberCount, clamp, weightMax, samplesCap }: AveragingRule,
): RoundUpdate & { readonly clampedCount: number } {
  const weight = Math.max(1, Math.min(samples, samplesCap, weightMax));
  const fixedPoint = fixedPointFor(memberCount, clamp);
  return { weight, ...quantise(delta(after, base), { weight, weightMax }, fixedPoint) };
}

/**
 * base + Σ values · wMax / (Σ weight · 2^s): the same bytes for any order of `updates`, of which there is at least one.
 * @throws {WeightsError} as `IntegerMean.add`
 */
export function roundAverage(
  base: ModelWeights,
  updates: readonly RoundUpdate[],
  { memberCount, clamp, weightMax }: AveragingRule,
): ModelWeights {
  const fixedPoint = fixedPointFor(memberCount, clamp);
  const mean = new IntegerMean(flatten(base).length, fixedPoint, weightMax);
  for (const { values, weight } of updates) mean.add(values, weight);
  return applyDelta(base, mean.mean());
}
