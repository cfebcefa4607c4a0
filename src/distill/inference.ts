/** From a volume to label maps: sliding windows over the model, the likeliest class of each voxel. */
import type { Engine } from '../compute/index.ts';
import {
  argmaxLabels,
  modelPredictor,
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
  onProgress: (done: number, total: number) => void = () => undefined,
): Promise<Map<string, Uint8Array>> {
  const { window: roi, overlap, batch } = settings;
  const blended = await slidingWindow(
    modelPredictor(engine, model, params, { roi, probabilities: true }),
    { data: image, shape, channels: 1 },
    { roi, overlap, batch, mode: 'gaussian', onProgress },
  );
  return new Map(Object.entries(blended).map(([head, volume]) => [head, argmaxLabels(volume)]));
}
