/** What a model sees: the normalised image, and the heart's segmentation where it is conditioned on it. */
import type { Engine, Tensor5D } from '../compute/index.ts';
import type { ChannelVolume, ModelSpec, Triple } from '../models/index.ts';
import { DistillError } from './errors.ts';
import { heartUseOf, heartValue } from './heart-map.ts';
import type { Patch } from './train/patch-sampler.ts';
import { transformed } from './spatial-transform.ts';

/**
 * The input of a model of `spec`, [d][h][w][channel].
 *
 * @param heart the heart map on the image's grid, or null where there is none
 * @throws {DistillError} 'no_heart' when the model needs a map that is not there
 */
export function modelInput(
  spec: ModelSpec,
  image: Float32Array,
  shape: Triple,
  heart: Uint8Array | null,
): ChannelVolume {
  if (heartUseOf(spec) !== 'condition') return { data: image, shape, channels: 1 };
  if (heart === null) {
    throw new DistillError(
      { code: 'no_heart' },
      'the model is conditioned on a segmentation of the heart, and this image has none',
    );
  }
  return joined(image, Float32Array.from(heart, heartValue), shape);
}

/** A patch as the model's input, [1, d, h, w, channels]; the caller's to dispose. */
export function patchTensor(
  { tf }: Engine,
  spec: ModelSpec,
  { image, heart, size }: Patch,
): Tensor5D {
  if (heartUseOf(spec) !== 'condition') return tf.tensor5d(image, [1, ...size, 1]);
  if (heart === undefined) {
    throw new DistillError(
      { code: 'no_heart' },
      'training is conditioned on a segmentation of the heart, and a case has none',
    );
  }
  return tf.tensor5d(joined(image, heart, size).data, [1, ...size, 2]);
}

/** The input rotated and scaled: intensities mixed, `outside` beyond the volume; the heart by the nearest voxel, none beyond. */
export function transformedInput(
  { data, shape, channels }: ChannelVolume,
  matrix: Float64Array,
  outside: number,
): ChannelVolume {
  if (channels === 1) return transformed({ data, shape, channels }, matrix, outside);
  const channel = (c: number): ChannelVolume => {
    const length = data.length / channels;
    const one = Float32Array.from({ length }, (_, n) => data[n * channels + c] as number);
    return { data: one, shape, channels: 1 };
  };
  const image = transformed(channel(0), matrix, outside);
  return joined(image.data, transformed(channel(1), matrix, 0, 'nearest').data, shape);
}

function joined(image: Float32Array, heart: Float32Array, shape: Triple): ChannelVolume {
  const data = new Float32Array(2 * image.length);
  for (let n = 0; n < image.length; n++) {
    data[2 * n] = image[n] as number;
    data[2 * n + 1] = heart[n] as number;
  }
  return { data, shape, channels: 2 };
}
