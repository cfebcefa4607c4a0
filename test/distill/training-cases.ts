/** Small cases, nets and hospitals for the tests of the learning room. */
import { seededRandom } from '../../src/base/index.ts';
import type { Case, TaskId } from '../../src/data/index.ts';
import { rasAffine } from '../../src/data/index.ts';
import {
  adamWDefaults,
  foregroundOf,
  samplingDefaults,
  type AdamWOptimiser,
  type SamplingSettings,
  type TrainingCase,
} from '../../src/distill/index.ts';
import { initialWeights, type Triple, type UNetSpec } from '../../src/models/index.ts';
import type { ModelWeights } from '../../src/weights/index.ts';

/** Every number 0: nothing drawn by chance but the place, and angles and a scale that change nothing. */
export const undisturbed: SamplingSettings = Object.freeze({
  ...(Object.fromEntries(
    Object.keys(samplingDefaults).map((key) => [key, 0]),
  ) as unknown as SamplingSettings),
  rotationProbability: 1,
  scaleProbability: 1,
});

export const adamW: AdamWOptimiser = Object.freeze({
  ...adamWDefaults,
  lr: 0.02,
  weightDecay: 0.01,
});

/** Two stages, a few hundred parameters. */
export const tinySpec: UNetSpec = Object.freeze<UNetSpec>({
  kind: 'unet',
  inChannels: 1,
  features: [4, 8],
  strides: [1, 2],
  convsPerStage: 1,
  heads: { calc: 2, hps: 6 },
  deepSupervision: false,
  dropoutMilli: 0,
});

export const tinySize: Triple = [8, 8, 8];

export function tinyWeights(spec: UNetSpec = tinySpec): ModelWeights {
  return initialWeights(spec, seededRandom('tiny'));
}

export function trainingCase(
  shape: Triple,
  imageOf: (d: number, h: number, w: number) => number,
  labels: Readonly<Record<string, (d: number, h: number, w: number) => number>>,
): TrainingCase {
  const maps = new Map(
    Object.entries(labels).map(([task, of]) => [task, Uint8Array.from(eachVoxel(shape, of))]),
  );
  return {
    id: 'one',
    shape,
    image: Float32Array.from(eachVoxel(shape, imageOf)),
    labels: maps,
    foreground: new Map([...maps].map(([task, map]) => [task, foregroundOf(map)])),
  };
}

/** A bright ball in the middle of noise, labelled as calcium and as the first point. */
export function ballCase(withTasks: readonly string[] = ['calc', 'hps']): TrainingCase {
  const random = seededRandom('ball');
  const inBall = (d: number, h: number, w: number): boolean =>
    Math.hypot(d - 3.5, h - 3.5, w - 3.5) < 2.5;
  const label = (d: number, h: number, w: number): number => (inBall(d, h, w) ? 1 : 0);
  return trainingCase(
    tinySize,
    (d, h, w) => (inBall(d, h, w) ? 2 : 0) + 0.1 * random.normal(),
    Object.fromEntries(withTasks.map((task) => [task, label])),
  );
}

/** A hospital's case of 8 x 8 x 8 voxels of 3 mm with these expert maps. */
export function heldCase(id: string, labels: Partial<Record<TaskId, Uint8Array>>): Case {
  const random = seededRandom(id);
  const data = Float32Array.from({ length: 512 }, () => Math.round(100 + 50 * random.normal()));
  const origin = Object.fromEntries(Object.keys(labels).map((task) => [task, 'expert'] as const));
  const image = { data, shape: tinySize, affine: rasAffine([3, 3, 3], [0, 0, 0]) };
  return { id, image, labels, origin };
}

function eachVoxel(
  [depth, height, width]: Triple,
  of: (d: number, h: number, w: number) => number,
): number[] {
  const values: number[] = [];
  for (let d = 0; d < depth; d++) {
    for (let h = 0; h < height; h++) {
      for (let w = 0; w < width; w++) values.push(of(d, h, w));
    }
  }
  return values;
}
