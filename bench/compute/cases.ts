/** What is compared: convolutions, and whole training steps of the two nets. Both sides get the same tensors. */
import { seededRandom } from '../../src/base/index.ts';
import { channelCount, taskIds, type TaskId } from '../../src/data/index.ts';
import { adamWDefaults, type OptimiserSettings } from '../../src/distill/index.ts';
import { initialWeights, readModelSpec, type ModelSpec } from '../../src/models/index.ts';
import type { SafeTensor } from '../../src/weights/index.ts';

/** 3×3×3, stride 1: forward and both gradients of one image. */
export interface ConvCase {
  readonly kind: 'conv';
  readonly id: string;
  readonly side: number;
  readonly inputs: number;
  readonly outputs: number;
}

/** A training step of batch 1: forward, loss, backward, AdamW. */
export interface NetCase {
  readonly kind: 'net';
  readonly id: string;
  readonly spec: ModelSpec;
  /** Side of the cubic patch. */
  readonly side: number;
  readonly optimiser: OptimiserSettings;
}

export type Case = ConvCase | NetCase;

const optimiser: OptimiserSettings = { ...adamWDefaults, lr: 0.001, weightDecay: 0.01 };

function conv(side: number, inputs: number, outputs: number): ConvCase {
  return { kind: 'conv', id: `conv ${side}³ ${inputs}→${outputs}`, side, inputs, outputs };
}

function heads(tasks: readonly TaskId[]): Record<string, number> {
  return Object.fromEntries(tasks.map((task) => [task, channelCount(task)]));
}

/** One head, deep supervision, as the main job's teachers. */
export function teacher(features: readonly number[], side: number): NetCase {
  const spec = readModelSpec({
    ...{ kind: 'unet', inChannels: 1, features, convsPerStage: 2, deepSupervision: true },
    ...{
      strides: features.map((_, i) => (i === 0 ? 1 : 2)),
      dropoutMilli: 0,
      heads: heads(['hps']),
    },
  });
  return { kind: 'net', id: `teacher ${features.join('-')} ${side}³`, spec, side, optimiser };
}

/** MONAI's SwinUNETR of four stages with a head for each task. */
export function student(featureSize: number, side: number, stages = 4): NetCase {
  const spec = readModelSpec({
    ...{ kind: 'swin-unetr', inChannels: 1, featureSize, window: 7, heads: heads(taskIds) },
    ...{ depths: Array(stages).fill(2), numHeads: [3, 6, 12, 24].slice(0, stages) },
  });
  const id = `student ${featureSize} ${side}³${stages === 4 ? '' : ` of ${stages} stages`}`;
  return { kind: 'net', id, spec, side, optimiser };
}

export const cases: readonly Case[] = [
  ...[conv(64, 16, 16), conv(32, 32, 32), conv(64, 8, 8), conv(48, 24, 24)],
  ...[conv(96, 8, 8), conv(16, 64, 64), conv(32, 1, 8)],
  ...[
    teacher([8, 16, 32, 64], 64),
    teacher([16, 32, 64, 128], 64),
    teacher([32, 64, 128, 256], 64),
    // Where a processor has no bf16 PyTorch imitates it: minutes a step at 64³.
    teacher([16, 32, 64, 128], 32),
    teacher([32, 64, 128, 256], 32),
  ],
  teacher([32, 64, 128, 256, 320, 320], 96),
  ...[12, 24, 48].flatMap((size) => [student(size, 64), student(size, 96)]),
];

/** Seconds instead of minutes: a convolution, and one small step of each net. */
export const quickCases: readonly Case[] = [
  ...[conv(32, 16, 16), teacher([8, 16, 32], 32), student(12, 32, 3)],
];

/** On which both sides must agree before anything is timed; windows both whole, shifted and shrunk. */
export const agreementCases: readonly Case[] = [
  ...[conv(16, 5, 9), teacher([8, 16, 32], 16), student(12, 16, 2)],
];

/** Floating-point operations of a convolution and its two gradients. */
export function flopsOf({ side, inputs, outputs }: ConvCase): number {
  return 3 * 2 * 27 * inputs * outputs * side ** 3;
}

/**
 * What both sides compute on: for a convolution `x`, `w`, `dy`; for a net parameters `p.NAME`, the image `x` and
 * label maps `l.HEAD`, both [d, h, w]. Channels last, parameters in PyTorch's layout.
 */
export function tensorsOf(given: Case): SafeTensor[] {
  const random = seededRandom(given.id);
  const normal = (name: string, shape: number[], deviation = 1): SafeTensor => {
    const length = shape.reduce((product, n) => product * n, 1);
    const data = Float32Array.from({ length }, () => random.normal() * deviation);
    return { name, shape, data };
  };
  const { side } = given;
  if (given.kind === 'conv') {
    const { inputs, outputs } = given;
    return [
      normal('x', [side, side, side, inputs]),
      normal('w', [outputs, inputs, 3, 3, 3], (27 * inputs) ** -0.5),
      normal('dy', [side, side, side, outputs]),
    ];
  }
  const maps = Object.entries(given.spec.heads).map(([head, classes]) => ({
    name: `l.${head}`,
    shape: [side, side, side],
    data: ballLabels(side, classes),
  }));
  const params = initialWeights(given.spec, random).map((tensor) => ({
    ...tensor,
    name: `p.${tensor.name}`,
  }));
  return [...params, normal('x', [side, side, side]), ...maps];
}

/** A ball of every class along the diagonal, background around. */
function ballLabels(side: number, classes: number): Int32Array {
  const labels = new Int32Array(side ** 3);
  const radius = side / (2 * classes);
  for (let z = 0, at = 0; z < side; z++) {
    for (let y = 0; y < side; y++) {
      for (let x = 0; x < side; x++, at++) {
        const nearest = Math.floor(((x + y + z) * classes) / (3 * side));
        const centre = ((nearest + 0.5) * side) / classes;
        if (Math.hypot(x - centre, y - centre, z - centre) < radius) labels[at] = nearest;
      }
    }
  }
  return labels;
}
