/**
 * The average of a round: what one participant contributes, and what all contributions make of the base. The peers of
 * a consortium and whoever repeats their rounds without a network compute it here, to the same bytes.
 */
import {
  fixedPointFor,
  quantise,
  applyDelta,
  checkCount,
  delta,
  parameterCount,
  type ModelWeights,
} from '../../weights/index.ts';
import type { AveragingRule } from './averaging-rule.ts';
import { headsOf, segmentsOf, weightIn, type UpdateWeights } from './head-weights.ts';
import { IntegerMean } from './integer-mean.ts';

/** One participant's change of the base. */
export interface RoundUpdate extends UpdateWeights {
  /** Weighted change in fixed point, in the order of `flatten`. */
  readonly values: Int32Array;
}

/** How many cases a participant trained on. */
export interface TrainedSamples {
  readonly samples: number;
  /** Those with a label of each head; 0 or absent for a head that was not trained. */
  readonly heads: Readonly<Record<string, number>>;
}

/**
 * The update of a participant that trained `base` into `after`. What a head has changed without having been trained is
 * left out.
 * @throws {WeightsError} 'shape_mismatch', or 'not_finite' when a weight is
 */
export function roundUpdate(
  after: ModelWeights,
  base: ModelWeights,
  trained: TrainedSamples,
  { memberCount, clamp, weightMax, samplesCap }: AveragingRule,
): RoundUpdate & { readonly clampedCount: number } {
  const change = delta(after, base);
  const segments = segmentsOf(base);
  const fixedPoint = fixedPointFor(memberCount, clamp);
  const weight = Math.max(1, Math.min(trained.samples, samplesCap, weightMax));
  const heads = Object.fromEntries(
    headsOf(segments).map((head) => [head, Math.min(trained.heads[head] ?? 0, weight)]),
  );
  const update = { weight, heads, values: new Int32Array(change.length) };
  let clampedCount = 0;
  for (const segment of segments) {
    const own = weightIn(segment, update);
    if (own === 0) continue;
    const part = change.subarray(segment.start, segment.end);
    const quantised = quantise(part, { weight: own, weightMax }, fixedPoint);
    update.values.set(quantised.values, segment.start);
    clampedCount += quantised.clampedCount;
  }
  return { ...update, clampedCount };
}

/**
 * base + rate · Σ values · wMax / (Σ weight · 2^s), for each head over those that trained it: the same bytes for any order
 * of `updates`, of which there is at least one. A head that nobody trained stays as it is.
 * @throws {WeightsError} 'shape_mismatch', and as `IntegerMean.add`
 */
export function roundAverage(
  base: ModelWeights,
  updates: readonly RoundUpdate[],
  { memberCount, clamp, weightMax, outerRate }: AveragingRule,
): ModelWeights {
  const fixedPoint = fixedPointFor(memberCount, clamp);
  const mean = new Float32Array(parameterCount(base));
  for (const { values } of updates) checkCount(values.length, mean.length);
  for (const segment of segmentsOf(base)) {
    const { start, end } = segment;
    const sum = new IntegerMean(end - start, fixedPoint, weightMax);
    for (const update of updates) {
      const weight = weightIn(segment, update);
      if (weight > 0) sum.add(update.values.subarray(start, end), weight);
    }
    if (sum.weightSum > 0) mean.set(sum.mean(), start);
  }
  return applyDelta(base, mean, outerRate);
}
