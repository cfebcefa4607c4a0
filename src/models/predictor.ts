/** A model as a predictor of windows: arrays in, arrays out. */
import { invariant } from '../base/index.ts';
import type { Engine } from '../compute/index.ts';
import type { ParameterMap } from './forward.ts';
import type { Model } from './model.ts';
import type { WindowPredictor } from './sliding-window.ts';
import type { Triple } from './spec.ts';

/** How a model becomes a predictor of windows. */
export interface PredictorOptions {
  /** Size of the windows. */
  readonly roi: Triple;
  /** With a seed dropout stays on: one of several stochastic passes. Default off. */
  readonly dropoutSeed?: number;
}

/** The finest logits of every head for `slidingWindow`. */
export function modelPredictor(
  engine: Engine,
  model: Model,
  params: ParameterMap,
  { roi, dropoutSeed }: PredictorOptions,
): WindowPredictor {
  const { tf } = engine;
  let calls = 0;
  return async (windows, count) => {
    const outputs = tf.tidy(() => {
      const x = tf.tensor5d(windows, [count, ...roi, model.spec.inChannels]);
      // Each window of a pass has its own masks.
      const options =
        dropoutSeed === undefined
          ? { training: false }
          : { training: true, seed: dropoutSeed + 7919 * calls++ };
      return Object.entries(model.forward(params, x, options)).map(([head, [finest]]) => {
        invariant(finest !== undefined, 'every head has an output');
        return { head, result: finest };
      });
    });
    const arrays: Record<string, Float32Array> = {};
    for (const { head, result } of outputs) {
      arrays[head] = new Float32Array(await result.data<'float32'>());
      result.dispose();
    }
    return arrays;
  };
}
