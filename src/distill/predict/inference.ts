/** From a volume to logits and label maps: sliding windows over the model, the likeliest class of each voxel. */
import type { Engine } from '../../compute/index.ts';
import {
  argmaxLabels,
  modelPredictor,
  slidingWindow,
  type ChannelVolume,
  type Model,
  type ParameterMap,
  type PredictorOptions,
  type Triple,
} from '../../models/index.ts';
import { sizeFor, type PatchSize } from '../train/patch-size.ts';

/** How a volume is searched: windows that overlap, their logits blended with a Gaussian weight. */
export interface InferenceSettings {
  /** Window in voxels: the training patch. */
  readonly window: PatchSize;
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

/** A network with its parameters: a loaded model's, or a probe's. */
export interface Network {
  readonly model: Model;
  readonly tensors: ParameterMap;
}

/** Label map of every head of the model for one input as of `modelInput`, [d][h][w]. */
export async function predictLabelMaps(
  ...args: Parameters<typeof predictLogits>
): Promise<Map<string, Uint8Array>> {
  const heads = await predictLogits(...args);
  return new Map([...heads].map(([head, logits]) => [head, argmaxLabels(logits)]));
}

/** Logits of every head of the model for one input as of `modelInput`, blended over the windows. */
export async function predictLogits(
  engine: Engine,
  { model, tensors }: Network,
  input: ChannelVolume,
  settings: InferenceSettings & Pick<PredictorOptions, 'dropoutSeed'>,
  onProgress: (done: number, total: number) => void = () => undefined,
): Promise<Map<string, ChannelVolume>> {
  const { window, overlap, batch, dropoutSeed } = settings;
  const { shape } = input;
  const roi = sizeFor(window, shape, model.spec);
  const { volume, corner } = atLeast(roi, input);
  const blended = await slidingWindow(
    // Logits are blended, as nnU-Net and MONAI do: a softmax of each window was a ninth of the work.
    modelPredictor(engine, model, tensors, {
      roi,
      ...(dropoutSeed === undefined ? {} : { dropoutSeed }),
    }),
    volume,
    { roi, overlap, batch, mode: 'gaussian', onProgress },
  );
  return new Map(
    Object.entries(blended).map(([head, logits]) => [
      head,
      volume === input ? logits : cutOut(logits, corner, shape),
    ]),
  );
}

/**
 * The input in the middle of one at least as large as a window. Around the image lies its darkest value, as around a
 * training patch: the zeros that sliding windows would put there are the mean of tissue. Around the heart there is none.
 */
function atLeast(
  roi: Triple,
  input: ChannelVolume,
): { readonly volume: ChannelVolume; readonly corner: Triple } {
  const { data, shape, channels } = input;
  const sides = eachAxis((axis) => Math.max(roi[axis], shape[axis]));
  const corner = eachAxis((axis) => (sides[axis] - shape[axis]) >> 1);
  if (sides.join() === shape.join()) return { volume: input, corner };
  let darkest = Infinity;
  for (let at = 0; at < data.length; at += channels) {
    darkest = Math.min(darkest, data[at] as number);
  }
  const larger = new Float32Array(sides[0] * sides[1] * sides[2] * channels);
  for (let at = 0; at < larger.length; at += channels) larger[at] = darkest;
  eachRow(sides, corner, shape, (large, small) => {
    const row = data.subarray(small * channels, (small + shape[2]) * channels);
    larger.set(row, large * channels);
  });
  return { volume: { data: larger, shape: sides, channels }, corner };
}

function cutOut(
  { data, shape: from, channels }: ChannelVolume,
  corner: Triple,
  shape: Triple,
): ChannelVolume {
  const out = new Float32Array(shape[0] * shape[1] * shape[2] * channels);
  eachRow(from, corner, shape, (large, small) => {
    const row = data.subarray(large * channels, (large + shape[2]) * channels);
    out.set(row, small * channels);
  });
  return { data: out, shape, channels };
}

/** Offsets of each row of a box of `shape` that lies at `corner` of a larger one, in the larger and in itself. */
function eachRow(
  outer: Triple,
  corner: Triple,
  shape: Triple,
  visit: (large: number, small: number) => void,
): void {
  for (let d = 0; d < shape[0]; d++) {
    for (let h = 0; h < shape[1]; h++) {
      const large = ((d + corner[0]) * outer[1] + h + corner[1]) * outer[2] + corner[2];
      visit(large, (d * shape[1] + h) * shape[2]);
    }
  }
}

function eachAxis(of: (axis: 0 | 1 | 2) => number): Triple {
  return [of(0), of(1), of(2)];
}
