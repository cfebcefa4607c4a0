/** From a volume to label maps: sliding windows over the model, the likeliest class of each voxel. */
import type { Engine, Tensor5D } from '../compute/index.ts';
import {
  argmaxLabels,
  slidingWindow,
  type Model,
  type ParameterMap,
  type Triple,
} from '../models/index.ts';

export interface InferenceSettings {
  /** Window in voxels: the training patch. */
  readonly window: Triple;
  /** Share of a window that its neighbour covers, 0..0.9. */
  readonly overlap: number;
  /** Windows in one pass of the model. */
  readonly batch: number;
}

/** Half-overlapping windows, as the paper. */
export const inferenceDefaults: Omit<InferenceSettings, 'window'> = Object.freeze({
  overlap: 0.5,
  batch: 1,
});

/** Label map of every head of the model for one normalised image, [d][h][w]. */
export async function predictLabelMaps(
  engine: Engine,
  model: Model,
  params: ParameterMap,
  image: Float32Array,
  shape: Triple,
  settings: InferenceSettings,
): Promise<Map<string, Uint8Array>> {
  const { tf } = engine;
  const predict = (windows: Float32Array, count: number): Record<string, Float32Array> =>
    tf.tidy(() => {
      const x = tf.tensor5d(windows, [count, ...settings.window, model.spec.inChannels]);
      const outputs = model.forward(params, x, { training: false });
      return Object.fromEntries(
        Object.entries(outputs).map(([head, [finest]]) => [
          head,
          tf.softmax(finest as Tensor5D).dataSync<'float32'>().slice(),
        ]),
      );
    });
  const blended = await slidingWindow(
    predict,
    { data: image, shape, channels: 1 },
    { roi: settings.window, overlap: settings.overlap, batch: settings.batch, mode: 'gaussian' },
  );
  return new Map(Object.entries(blended).map(([head, volume]) => [head, argmaxLabels(volume)]));
}
