/** A model ready to run on an engine: a pure function of its parameters and input. */
import type { Engine, Tensor, Tensor1D, Tensor2D, Tensor3D, Tensor5D } from '../compute/index.ts';
import { ModelsError } from './errors.ts';
import type { ForwardOptions, HeadOutputs, ParameterMap, Parameters } from './forward.ts';
import { unetrPatchSide, type ModelSpec, type Triple, type UNetSpec } from './spec.ts';
import { swinUnetrForward } from './swin-unetr.ts';
import { unetForward } from './unet.ts';
import { unetOutputStages, unetStrides } from './unet-parameters.ts';
import { unetrForward } from './unetr.ts';
import { WindowTables } from './window-tables.ts';

/** A network on an engine, without parameters of its own. */
export interface Model {
  readonly spec: ModelSpec;
  /** The input's depth, height and width must be multiples of these. */
  readonly divisor: Triple;
  /**
   * Logits of every head for `x` of [b, d, h, w, inChannels]. Disposes all but what it returns.
   * @throws {ModelsError} 'bad_input' when the size does not fit, 'wrong_weights' when a parameter is
   * absent.
   */
  forward(params: ParameterMap, x: Tensor5D, options: ForwardOptions): HeadOutputs;
}

/** The model of `spec` on `engine`. Holds no tensors. */
export function buildModel(engine: Engine, spec: ModelSpec): Model {
  const { tf, ops } = engine;
  const tables = new WindowTables();
  return {
    spec,
    divisor: divisorOf(spec),
    forward: (params, x, options) => {
      checkInput(spec, x.shape);
      const parameters = parametersOf(params);
      return tf.tidy(() => {
        switch (spec.kind) {
          case 'unet':
            return unetForward(tf, ops, spec, parameters, x, options);
          case 'swin-unetr':
            return swinUnetrForward(tf, ops, spec, parameters, x, tables, options);
          case 'unetr':
            return unetrForward(tf, ops, spec, parameters, x, options);
        }
      });
    },
  };
}

/** Of each head's outputs in training for an input of `shape`, finest first: [b, d, h, w, classes]. */
export function outputShapes(
  spec: ModelSpec,
  [b, d, h, w]: Tensor5D['shape'],
): Readonly<Record<string, readonly Tensor5D['shape'][]>> {
  const grids: readonly Triple[] =
    spec.kind === 'unet' ? outputGrids(spec, [d, h, w]) : [[d, h, w]];
  return Object.fromEntries(
    Object.entries(spec.heads).map(([head, classes]) => [
      head,
      grids.map((grid): Tensor5D['shape'] => [b, ...grid, classes]),
    ]),
  );
}

function outputGrids(spec: UNetSpec, size: Triple): Triple[] {
  const strides = unetStrides(spec);
  return unetOutputStages(spec).map((_, scale) => {
    const product = (axis: 0 | 1 | 2): number =>
      strides.slice(0, scale + 1).reduce((all, stride) => all * stride[axis], 1);
    return [size[0] / product(0), size[1] / product(1), size[2] / product(2)];
  });
}

/** How often each axis is divided by the time the deepest stage is reached. */
export function divisorOf(spec: ModelSpec): Triple {
  if (spec.kind !== 'unet') {
    const divisor = spec.kind === 'unetr' ? unetrPatchSide : 2 ** (spec.depths.length + 1);
    return [divisor, divisor, divisor];
  }
  return unetStrides(spec).reduce<Triple>(
    (product, stride) => [product[0] * stride[0], product[1] * stride[1], product[2] * stride[2]],
    [1, 1, 1],
  );
}

/**
 * @throws {ModelsError} 'bad_input' unless `shape` is [b, d, h, w, inChannels] with multiples of the
 * divisor, and more than one voxel left in the deepest stage (instance norm of one voxel is zero); of a UNETR, with its
 * one size.
 */
export function checkInput(spec: ModelSpec, shape: readonly number[]): void {
  const divisor = divisorOf(spec);
  const size = shape.slice(1, 4);
  const bad = (expected: string): ModelsError =>
    new ModelsError({ code: 'bad_input', shape, expected });
  if (shape.length !== 5) throw bad('five axes [batch, depth, height, width, channel]');
  if (shape[4] !== spec.inChannels) throw bad(`${spec.inChannels} channels`);
  if (spec.kind === 'unetr') {
    if (size.join() === spec.imageSize.join()) return;
    throw bad(`depth, height and width of ${spec.imageSize.join(', ')}, its imageSize`);
  }
  const deepest = size.map((n, axis) => n / (divisor[axis] as number));
  if (!deepest.every((n) => n >= 1 && Number.isInteger(n))) {
    throw bad(`depth, height and width as multiples of ${divisor.join(', ')}`);
  }
  if (deepest.every((n) => n === 1)) {
    throw bad(`at least one axis larger than its divisor ${divisor.join(', ')}`);
  }
}

function parametersOf(params: ParameterMap): Parameters {
  const find = (name: string): Tensor => {
    const tensor = params.get(name);
    if (tensor === undefined) {
      throw new ModelsError({ code: 'wrong_weights', name, expected: 'present' });
    }
    return tensor;
  };
  return {
    vector: (name) => find(name) as Tensor1D,
    matrix: (name) => find(name) as Tensor2D,
    sequence: (name) => find(name) as Tensor3D,
    kernel: (name) => find(name) as Tensor5D,
  };
}
