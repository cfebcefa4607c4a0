/** The operations by our own kernels: each looks at its shapes and runs a kernel by name on the current backend. */
import type * as tfjs from '@tensorflow/tfjs';
import type { Rank, Tensor, Tensor1D, Tensor3D } from '@tensorflow/tfjs';

import { ComputeError } from '../errors.ts';
import { convGeometry, transposedGeometry } from './conv-geometry.ts';
import { convKernels } from './conv-kernels.ts';
import { runMany, runOne, type Attributes, type OwnKernel } from './kernel-registry.ts';
import { crossEntropyDice, lossKernels } from './loss-kernels.ts';
import { normKernels } from './norm-kernels.ts';
import type { Ops, Triple } from './ops.ts';
import { referenceOps } from './reference-ops.ts';
import { transformerKernels, windowShape } from './transformer-kernels.ts';

type Tf = typeof tfjs;

/** All kernels of ours; every backend that runs `kernelOps` has each of these names. */
export const ownKernels: readonly OwnKernel[] = [
  ...[...convKernels, ...normKernels, ...lossKernels, ...transformerKernels],
];

/** The operations by kernels of ours registered for the current backend, and by `optimisers`. */
export function kernelOps(tf: Tf, optimisers: Pick<Ops, 'adamW' | 'sgd'>): Ops {
  return {
    ...referenceOps(tf),
    ...convolutionOps(tf),
    ...normOps(tf),
    ...elementOps(tf),
    ...windowOps(tf),
    crossEntropyDice: (logits, labels, { smooth = 1, batchDice = true } = {}) => {
      const matches =
        labels.rank === 4 && labels.shape.every((side, i) => side === logits.shape[i]);
      check(
        'crossEntropyDice',
        matches && labels.dtype === 'int32',
        'int32 labels on the same grid',
      );
      return crossEntropyDice(tf, logits, labels, smooth, batchDice);
    },
    ...optimisers,
  };
}

function convolutionOps(tf: Tf): Pick<Ops, 'conv3d' | 'convTranspose3d' | 'linear'> {
  return {
    conv3d: (x, w, b, { stride }) => {
      const [, inputs, ...kernel] = w.shape;
      check('conv3d', x.shape[4] === inputs, `input of ${inputs} channels`);
      check(
        'conv3d',
        kernel.every((k) => k >= 1 && k <= 3),
        'kernel sizes 1 to 3',
      );
      checkVector('conv3d', b, w.shape[0]);
      const geometry = convGeometry(x.shape, w.shape, tripleOf(stride));
      check(
        'conv3d',
        geometry.output.every((side) => side > 0),
        'input no smaller than the kernel',
      );
      return runOne(tf, 'AnnulusConv3d', b === null ? { x, w } : { x, w, b }, { geometry });
    },
    convTranspose3d: (x, w, b) => {
      const [inputs, outputs, ...kernel] = w.shape;
      check('convTranspose3d', x.shape[4] === inputs, `input of ${inputs} channels`);
      check(
        'convTranspose3d',
        kernel.every((k) => k === 1 || k === 2),
        'kernel sizes 1 or 2',
      );
      checkVector('convTranspose3d', b, outputs);
      const geometry = transposedGeometry(x.shape, w.shape);
      const inputsOf = b === null ? { y: x, w } : { y: x, w, b };
      return runOne(tf, 'AnnulusConv3dInput', inputsOf, { geometry });
    },
    linear: (x, w, b) => {
      check('linear', x.shape.at(-1) === w.shape[1], `a last axis of ${w.shape[1]}`);
      checkVector('linear', b, w.shape[0]);
      return runOne(tf, 'AnnulusLinear', b === null ? { x, w } : { x, w, b });
    },
  };
}

function normOps(tf: Tf): Pick<Ops, 'instanceNorm' | 'layerNorm'> {
  /** Runs the kernel with ones and zeros for what is not given. */
  const norm = <T extends Tensor>(
    operation: 'instanceNorm' | 'layerNorm',
    x: T,
    [gamma, beta]: readonly [Tensor1D | null, Tensor1D | null],
    attributes: Attributes,
  ): T =>
    tf.tidy(() => {
      const channels = x.shape.at(-1) ?? 1;
      checkVector(operation, gamma, channels);
      checkVector(operation, beta, channels);
      const inputs = {
        x,
        gamma: gamma ?? tf.ones([channels]),
        beta: beta ?? tf.zeros([channels]),
      };
      const kernel = operation === 'instanceNorm' ? 'AnnulusInstanceNorm' : 'AnnulusLayerNorm';
      const [y] = runMany(tf, kernel, inputs, attributes);
      return y as T;
    });
  return {
    instanceNorm: (x, gamma, beta, { eps = 1e-5, slope }) =>
      norm('instanceNorm', x, [gamma, beta], { eps, slope }),
    layerNorm: (x, gamma, beta, eps = 1e-5) => norm('layerNorm', x, [gamma, beta], { eps }),
  };
}

function elementOps(tf: Tf): Pick<Ops, 'leakyRelu' | 'accumulate' | 'concat' | 'gelu'> {
  return {
    leakyRelu: (x, slope) => {
      check('leakyRelu', slope >= 0 && slope <= 1, 'a slope from 0 to 1');
      return runOne(tf, 'AnnulusLeakyRelu', { x }, { slope });
    },
    accumulate: (sum, term) => {
      check('accumulate', sameShape(sum, term), 'two tensors of one shape');
      const total = runOne<typeof sum>(tf, 'AnnulusAccumulate', { sum, term });
      sum.dispose();
      return total;
    },
    concat: (a, b) => {
      check('concat', sameSides(a, b), 'two tensors of one grid');
      const channels = [a.shape[4], b.shape[4]];
      return runOne(tf, 'AnnulusConcat', { a, b }, { channels });
    },
    gelu: (x) => runOne(tf, 'AnnulusGelu', { x }),
  };
}

type WindowOps = Pick<
  Ops,
  'windowAttention' | 'windowPartition' | 'windowReverse' | 'mergePatches' | 'gatherBias'
>;

function windowOps(tf: Tf): WindowOps {
  return {
    windowAttention: (qkv, { heads, bias, regions }) =>
      tf.tidy(() => {
        const [, n, width] = qkv.shape;
        check('windowAttention', width % (3 * heads) === 0, 'channels that the heads divide');
        const added = bias ?? tf.zeros<Rank.R3>([heads, n, n]);
        const isBias = added.shape.join() === [heads, n, n].join();
        check('windowAttention', isBias, 'a bias [heads, n, n]');
        const given = regions ?? tf.zeros<Rank.R2>([0, n], 'int32');
        const areRegions = given.rank === 2 && given.shape[1] === n && given.dtype === 'int32';
        check('windowAttention', areRegions, 'int32 regions [groups, n]');
        const inputs = { qkv, bias: added, regions: given };
        const [out] = runMany(tf, 'AnnulusWindowAttention', inputs);
        return out as Tensor3D;
      }),
    windowPartition: (x, options) =>
      runOne(tf, 'AnnulusWindowPartition', { x }, { shape: x.shape, options }),
    windowReverse: (windows, { shape, ...options }) => {
      const wanted = windowShape(shape, options.window);
      const matches = windows.shape.every((side, axis) => side === wanted[axis]);
      check('windowReverse', matches, `windows of [${wanted.join(', ')}]`);
      return runOne(tf, 'AnnulusWindowReverse', { x: windows }, { shape: [...shape], options });
    },
    mergePatches: (x) => {
      const isEven = x.shape.slice(1, 4).every((side) => side % 2 === 0);
      check('mergePatches', isEven, 'even sides');
      return runOne(tf, 'AnnulusMergePatches', { x }, { shape: x.shape });
    },
    gatherBias: (table, index) => {
      check('gatherBias', index.dtype === 'int32', 'int32 indices');
      return runOne(tf, 'AnnulusGatherBias', { table, index }, { shape: table.shape });
    },
  };
}

function tripleOf(stride: number | Triple): Triple {
  return typeof stride === 'number' ? [stride, stride, stride] : stride;
}

function sameSides(a: Tensor, b: Tensor): boolean {
  return a.rank === b.rank && a.shape.slice(0, -1).every((side, axis) => side === b.shape[axis]);
}

function sameShape(a: Tensor, b: Tensor): boolean {
  return sameSides(a, b) && a.shape.at(-1) === b.shape.at(-1);
}

function checkVector(operation: string, vector: Tensor1D | null, length: number): void {
  check(operation, vector === null || vector.size === length, `vectors of ${length} values`);
}

function check(operation: string, condition: boolean, expected: string): void {
  if (!condition) throw new ComputeError({ code: 'bad_shape', operation, expected });
}
