/**
 * The outer step of a round, from the mean change to the next model: plain averaging, or descent with Nesterov momentum on
 * the mean (DiLoCo, Douillard et al. 2023). The momentum is no state of its own: it is the way from one agreed model to
 * the next. docs/specs/wire.md, 4.2
 */
import { checkSameLayout, type ModelWeights } from '../../weights/index.ts';

/**
 * Where a round begins: `base` + momentum · (`base` - `before`), each sum rounded to float32. With x the agreed models, w
 * these starts and d the mean changes, x' = w + rate · d. Then w moves as the parameters of PyTorch's
 * SGD(lr = rate, nesterov) on gradients of -d: its buffer m has rate · m = x' - x.
 *
 * @param before the model that `base` came from, or null when it is the stage's first
 * @throws {WeightsError} 'shape_mismatch'
 */
export function roundStart(
  base: ModelWeights,
  before: ModelWeights | null,
  momentum: number,
): ModelWeights {
  if (before === null || momentum === 0) return base;
  checkSameLayout(before, base);
  return base.map(({ name, shape, data }, at) => {
    return { name, shape, data: steppedOn(data, before[at]?.data ?? data, momentum) };
  });
}

/** `roundStart` for numbers that belong together. */
export function steppedOn(
  base: Float32Array,
  before: Float32Array,
  momentum: number,
): Float32Array {
  return base.map((value, i) => value + momentum * (value - (before[i] as number)));
}
