/**
 * The average of a round: what one participant contributes, and what all contributions make of the base. The peers of
 * a consortium and whoever repeats their rounds without a network compute it here, to the same bytes.
 */
import {
  checkCount,
  delta,
  elementCount,
  fixedPointFor,
  parameterCount,
  quantise,
  type ModelWeights,
} from '../../weights/index.ts';
import { updateWeights, type AveragingRule, type TrainedSamples } from './averaging-rule.ts';
import { segmentsOf, weightIn, type UpdateWeights } from './head-weights.ts';
import { isRobust, RobustMean, type RobustAveraging } from '../rules/robust-mean.ts';
import { RoundSum } from './round-sum.ts';

/** One participant's change of the base. */
export interface RoundUpdate extends UpdateWeights {
  /** Weighted change in fixed point, in the order of the model's parameters. */
  readonly values: Int32Array;
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
  rule: AveragingRule,
): RoundUpdate & { readonly clampedCount: number } {
  const { memberCount, clamp, weightMax } = rule;
  const change = delta(after, base);
  const segments = segmentsOf(base);
  const fixedPoint = fixedPointFor(memberCount, clamp);
  const weights = updateWeights(segments, trained, rule);
  const update = { ...weights, values: new Int32Array(change.length) };
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
 * base + rate · mean, for each head over those that trained it: the same bytes for any order of `updates`, of which there
 * is at least one. The mean is Σ values · wMax / (Σ weight · 2^s), or what the rule's robust part says. A head that nobody trained stays as it is.
 * @throws {WeightsError} 'shape_mismatch', 'bad_weight', and 'out_of_range' when a value is larger than its weight allows
 */
export function roundAverage(
  base: ModelWeights,
  updates: readonly RoundUpdate[],
  rule: AveragingRule,
): ModelWeights {
  const mean = isRobust(rule) ? robustMean(base, updates, rule) : plainMean(base, updates, rule);
  let start = 0;
  return base.map(({ name, shape, data }) => {
    const averaged = mean.applyTo(data, start);
    start += elementCount(shape);
    return { name, shape, data: averaged };
  });
}

function plainMean(
  base: ModelWeights,
  updates: readonly RoundUpdate[],
  rule: AveragingRule,
): RoundSum {
  const sum = new RoundSum(segmentsOf(base), rule);
  for (const update of updates) {
    const underWay = sum.begin(update);
    underWay.add(update.values);
    underWay.end();
  }
  return sum;
}

function robustMean(
  base: ModelWeights,
  updates: readonly RoundUpdate[],
  rule: RobustAveraging,
): RobustMean {
  const mean = new RobustMean(segmentsOf(base), updates, rule);
  const values = updates.map((update) => update.values);
  for (const one of values) checkCount(one.length, parameterCount(base));
  if (mean.looks) mean.look(values);
  mean.combine(values);
  mean.end();
  return mean;
}
