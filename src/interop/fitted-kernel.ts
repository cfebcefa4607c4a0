/** Making a stored parameter the shape that a network wants, where there is a good way to. */
import type { ParameterInfo } from '../models/index.ts';
import { elementCount } from '../weights/index.ts';

/** A way to make the stored values of another shape into those of a parameter. */
export interface Fit {
  /** In words; null when nothing changes. */
  readonly change: string | null;
  readonly make: (data: Float32Array) => Float32Array;
}

/** The kernels that see the image. */
const imageKernel =
  /(^|\.)(encoder\.stages\.0\.0\.convs\.0\.conv|patch_embed\.proj|patch_embeddings|encoder1\.layer\.conv[13]\.conv)\.weight$/;

/** How values of `shape` become the parameter, or why they cannot. */
export function fitted(
  shape: readonly number[],
  { name, shape: wanted }: ParameterInfo,
  inChannels: number,
): Fit | string {
  if (shape.join() === wanted.join()) return { change: null, make: (data) => data };
  const asKernel = kernelOfLinear(shape, wanted);
  if (asKernel !== null && imageKernel.test(name)) {
    const folded = fitted(asKernel.shape, { name, shape: wanted, init: 'zeros' }, inChannels);
    if (typeof folded === 'string') return folded;
    const change = ['a linear layer as a convolution', folded.change].filter(
      (part) => part !== null,
    );
    return { change: change.join(', '), make: (data) => folded.make(asKernel.make(data)) };
  }
  const [outputs, inputs, ...kernel] = shape;
  const isOtherInput =
    imageKernel.test(name) &&
    inputs !== undefined &&
    [outputs, inChannels, ...kernel].join() === wanted.join();
  if (isOtherInput) {
    const size = elementCount(kernel);
    return {
      change:
        inputs > inChannels
          ? `input channels summed from ${inputs} to ${inChannels}`
          : `zeros for the input channels ${inputs} to ${inChannels - 1}`,
      make: (data) => foldInputs(data, inputs, inChannels, size),
    };
  }
  return `its shape is [${shape.join(', ')}], here it is [${wanted.join(', ')}]`;
}

/**
 * Channel i of the file is added to channel i mod `wanted`: an image that is the same in all channels gives what it
 * gave, and a channel that the file does not know begins with no influence.
 */
function foldInputs(
  data: Float32Array,
  inputs: number,
  wanted: number,
  size: number,
): Float32Array {
  const outputs = data.length / (inputs * size);
  const folded = new Float32Array(outputs * wanted * size);
  for (let output = 0; output < outputs; output++) {
    for (let input = 0; input < inputs; input++) {
      const from = (output * inputs + input) * size;
      const to = (output * wanted + (input % wanted)) * size;
      for (let i = 0; i < size; i++)
        folded[to + i] = (folded[to + i] as number) + (data[from + i] as number);
    }
  }
  return folded;
}

/** A patch embedding by a linear layer, [outputs, (d h w channels)], as the convolution [outputs, channels, d, h, w]. */
function kernelOfLinear(
  shape: readonly number[],
  wanted: readonly number[],
): {
  readonly shape: readonly number[];
  readonly make: (data: Float32Array) => Float32Array;
} | null {
  const [outputs, width] = shape as [number, number];
  const kernel = wanted.slice(2);
  const size = elementCount(kernel);
  const channels = width / size;
  if (shape.length !== 2 || wanted.length !== 5 || !Number.isInteger(channels)) return null;
  return {
    shape: [outputs, channels, ...kernel],
    make: (data) => {
      const turned = new Float32Array(data.length);
      for (let index = 0; index < data.length; index++) {
        const output = Math.floor(index / width);
        const [voxel, channel] = [Math.floor((index % width) / channels), index % channels];
        turned[(output * channels + channel) * size + voxel] = data[index] as number;
      }
      return turned;
    },
  };
}
