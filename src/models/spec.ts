/** What a model is, as data: agreed in the consortium's plan, so read strictly. */
import { ModelsError } from './errors.ts';

/** Length along depth, height and width. */
export type Triple = readonly [number, number, number];

/** nnU-Net's `PlainConvUNet` (Isensee et al. 2021) with one or several heads. */
export interface UNetSpec {
  readonly kind: 'unet';
  readonly inChannels: number;
  /** Channels of each stage, finest first; 2 to 8 stages. */
  readonly features: readonly number[];
  /** Stride on entering each stage, one for each of `features`; 1 or 2, or a triple of these. */
  readonly strides: readonly (number | Triple)[];
  /** Convolutions in each stage, encoder and decoder alike. */
  readonly convsPerStage: number;
  /** Output channels, background included, by head. */
  readonly heads: Readonly<Record<string, number>>;
  /** Whether the three finest decoder stages have outputs in training, else only the finest. */
  readonly deepSupervision: boolean;
  /** Dropout of whole channels after each convolution in thousandths, 0 to 900; active in training only. */
  readonly dropoutMilli: number;
}

/** MONAI's `SwinUNETR` (Hatamizadeh et al. 2022), patch size 2, with one or several heads. */
export interface SwinUnetrSpec {
  readonly kind: 'swin-unetr';
  readonly inChannels: number;
  /** Channels after patch embedding; stage i has this times 2^i. */
  readonly featureSize: number;
  /** Transformer blocks of each stage; 2 to 4 stages. Each stage halves the size once more. */
  readonly depths: readonly number[];
  /** Attention heads of each stage; each divides its stage's channels. */
  readonly numHeads: readonly number[];
  /** Side of the attention window in tokens. */
  readonly window: number;
  /** Output channels, background included, by head. */
  readonly heads: Readonly<Record<string, number>>;
}

/** MONAI's `UNETR` (Hatamizadeh et al. 2022), patch size 16, with one or several heads. */
export interface UnetrSpec {
  readonly kind: 'unetr';
  readonly inChannels: number;
  /** The one size of input, for each place of which there is an embedding; multiples of 16, 16 to 256. */
  readonly imageSize: Triple;
  /** Channels of the finest decoder stage; each coarser one has twice as many. */
  readonly featureSize: number;
  /** Channels of the transformer, 1 to 2048. */
  readonly hiddenSize: number;
  /** Channels inside each block's perceptron. */
  readonly mlpDim: number;
  /** Attention heads of each block; divides `hiddenSize`. */
  readonly numHeads: number;
  /** Transformer blocks, a multiple of 4 from 4 to 48: the decoder takes the states after blocks 1/4, 2/4, 3/4 of them. MONAI has 12. */
  readonly numLayers: number;
  /** Output channels, background included, by head. */
  readonly heads: Readonly<Record<string, number>>;
}

/** A network as the consortium agrees on it; with the weights it is all that a prediction needs. */
export type ModelSpec = UNetSpec | SwinUnetrSpec | UnetrSpec;

/** Side of the cubes of voxels that are a UNETR's tokens. */
export const unetrPatchSide = 16;

const headForm = /^[a-z][a-z0-9-]{0,31}$/;

/**
 * Reads a model specification that came from outside; unknown keys are refused.
 * @throws {ModelsError} 'bad_spec' naming the field and what it must be.
 */
export function readModelSpec(json: unknown): ModelSpec {
  const fields = readObject(json, 'spec');
  switch (fields.kind) {
    case 'unet':
      return readUNet(fields);
    case 'swin-unetr':
      return readSwinUnetr(fields);
    case 'unetr':
      return readUnetr(fields);
    default:
      throw bad('kind', "'unet', 'swin-unetr' or 'unetr'");
  }
}

function readUNet(fields: Readonly<Record<string, unknown>>): UNetSpec {
  refuseOtherKeys(fields, [
    'kind',
    'inChannels',
    'features',
    'strides',
    'convsPerStage',
    'heads',
    'deepSupervision',
    'dropoutMilli',
  ]);
  const features = readIntegers(fields.features, 'features', [2, 8], [1, 2048]);
  const strides = readArray(fields.strides, 'strides', features.length, features.length).map(
    (stride, i) => readStride(stride, `strides[${i}]`),
  );
  const deepSupervision = fields.deepSupervision;
  if (typeof deepSupervision !== 'boolean') throw bad('deepSupervision', 'true or false');
  return {
    kind: 'unet',
    inChannels: readInteger(fields.inChannels, 'inChannels', 1, 16),
    features,
    strides,
    convsPerStage: readInteger(fields.convsPerStage, 'convsPerStage', 1, 4),
    heads: readHeads(fields.heads),
    deepSupervision,
    dropoutMilli: readInteger(fields.dropoutMilli, 'dropoutMilli', 0, 900),
  };
}

function readSwinUnetr(fields: Readonly<Record<string, unknown>>): SwinUnetrSpec {
  refuseOtherKeys(fields, [
    'kind',
    'inChannels',
    'featureSize',
    'depths',
    'numHeads',
    'window',
    'heads',
  ]);
  const featureSize = readInteger(fields.featureSize, 'featureSize', 1, 768);
  const depths = readIntegers(fields.depths, 'depths', [2, 4], [1, 32]);
  const numHeads = readIntegers(
    fields.numHeads,
    'numHeads',
    [depths.length, depths.length],
    [1, 768],
  );
  numHeads.forEach((count, stage) => {
    const channels = featureSize * 2 ** stage;
    if (channels % count !== 0) {
      throw bad(`numHeads[${stage}]`, `a divisor of the stage's ${channels} channels`);
    }
  });
  return {
    kind: 'swin-unetr',
    inChannels: readInteger(fields.inChannels, 'inChannels', 1, 16),
    featureSize,
    depths,
    numHeads,
    window: readInteger(fields.window, 'window', 2, 16),
    heads: readHeads(fields.heads),
  };
}

function readUnetr(fields: Readonly<Record<string, unknown>>): UnetrSpec {
  refuseOtherKeys(fields, [
    'kind',
    'inChannels',
    'imageSize',
    'featureSize',
    'hiddenSize',
    'mlpDim',
    'numHeads',
    'numLayers',
    'heads',
  ]);
  const imageSize = readIntegers(fields.imageSize, 'imageSize', [3, 3], [unetrPatchSide, 256]);
  imageSize.forEach((side, axis) => {
    if (side % unetrPatchSide !== 0) {
      throw bad(`imageSize[${axis}]`, `a multiple of ${unetrPatchSide}`);
    }
  });
  const hiddenSize = readInteger(fields.hiddenSize, 'hiddenSize', 1, 2048);
  const numHeads = readInteger(fields.numHeads, 'numHeads', 1, 64);
  if (hiddenSize % numHeads !== 0) throw bad('numHeads', `a divisor of hiddenSize, ${hiddenSize}`);
  const numLayers = readInteger(fields.numLayers, 'numLayers', 4, 48);
  if (numLayers % 4 !== 0) throw bad('numLayers', 'a multiple of 4');
  return {
    kind: 'unetr',
    inChannels: readInteger(fields.inChannels, 'inChannels', 1, 16),
    imageSize: imageSize as [number, number, number],
    featureSize: readInteger(fields.featureSize, 'featureSize', 1, 256),
    hiddenSize,
    mlpDim: readInteger(fields.mlpDim, 'mlpDim', 1, 8192),
    numHeads,
    numLayers,
    heads: readHeads(fields.heads),
  };
}

function readHeads(value: unknown): Record<string, number> {
  const heads = readObject(value, 'heads');
  const names = Object.keys(heads).sort();
  if (names.length < 1 || names.length > 8) throw bad('heads', 'an object of 1 to 8 heads');
  return Object.fromEntries(
    names.map((name) => {
      if (!headForm.test(name)) throw bad('heads', `an object with names like ${headForm.source}`);
      return [name, readInteger(heads[name], `heads.${name}`, 2, 64)];
    }),
  );
}

function readStride(value: unknown, path: string): number | Triple {
  if (!Array.isArray(value)) return readInteger(value, path, 1, 2);
  const [d, h, w] = readIntegers(value, path, [3, 3], [1, 2]);
  return [d, h, w] as [number, number, number];
}

function readIntegers(
  value: unknown,
  path: string,
  count: readonly [number, number],
  range: readonly [number, number],
): number[] {
  return readArray(value, path, ...count).map((item, i) =>
    readInteger(item, `${path}[${i}]`, ...range),
  );
}

function readArray(value: unknown, path: string, min: number, max: number): unknown[] {
  if (!Array.isArray(value) || value.length < min || value.length > max) {
    throw bad(path, `an array of ${min === max ? min : `${min} to ${max}`} items`);
  }
  return value as unknown[];
}

function readInteger(value: unknown, path: string, min: number, max: number): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max) {
    throw bad(path, `an integer from ${min} to ${max}`);
  }
  return value;
}

function readObject(value: unknown, path: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw bad(path, 'an object');
  }
  return value as Record<string, unknown>;
}

function refuseOtherKeys(fields: object, known: readonly string[]): void {
  const other = Object.keys(fields).find((key) => !known.includes(key));
  if (other !== undefined) {
    throw bad('spec', `without the unknown key ${JSON.stringify(other.slice(0, 40))}`);
  }
}

function bad(path: string, expected: string): ModelsError {
  return new ModelsError({ code: 'bad_spec', path, expected });
}
