/** What a participant's training has changed, as the integers of its update. */
import type { Store } from '../../base/index.ts';
import {
  difference,
  elementCount,
  fixedPointFor,
  ModelReader,
  quantise,
  type ModelLayout,
} from '../../weights/index.ts';
import { headOf, weightIn, type UpdateWeights } from '../average/head-weights.ts';
import type { AveragingRule } from '../average/averaging-rule.ts';
import { piecesOf } from './update-file.ts';

/** A change to make integers of: files of canonical models. */
export interface ChangeJob {
  readonly layout: ModelLayout;
  readonly start: string;
  readonly after: string;
  readonly rule: AveragingRule;
}

/**
 * The integers in the order of the flat vector, in pieces; those of heads that were not trained are 0.
 *
 * @param counts gets how many were clamped
 * @throws {WeightsError} 'shape_mismatch', or 'not_finite' when a weight is
 */
export async function* changesOf(
  store: Store,
  { layout, rule, ...files }: ChangeJob,
  weights: UpdateWeights,
  counts: { clampedCount: number },
): AsyncGenerator<Int32Array, void, undefined> {
  const fixedPoint = fixedPointFor(rule.memberCount, rule.clamp);
  const after = await ModelReader.open(store, files.after, layout);
  const start = await ModelReader.open(store, files.start, layout);
  for (const [tensor, { name, shape }] of layout.entries()) {
    const weight = weightIn({ head: headOf(name) }, weights);
    for (const [at, count] of piecesOf(elementCount(shape))) {
      if (weight === 0) {
        yield new Int32Array(count);
        continue;
      }
      const [from, to] = [await start.read(tensor, at, count), await after.read(tensor, at, count)];
      const share = { weight, weightMax: rule.weightMax };
      const quantised = quantise(difference(to, from), share, fixedPoint);
      counts.clampedCount += quantised.clampedCount;
      yield quantised.values;
    }
  }
}
