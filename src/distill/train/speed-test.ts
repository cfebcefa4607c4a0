/** How fast an engine learns: a convolution with its gradients, and a model's training step, for a few seconds. */
import { seededRandom } from '../../base/index.ts';
import type { Engine, Rank, Tensor, Tensor5D } from '../../compute/index.ts';
import { initialWeights, type ModelSpec, type Triple } from '../../models/index.ts';
import { Learner } from './learner.ts';
import type { Patch } from './patch-sampler.ts';
import type { OptimiserSettings } from '../settings.ts';

/** What is timed, and for how long. */
export interface SpeedTest {
  readonly spec: ModelSpec;
  readonly patch: Triple;
  readonly batch: number;
  readonly optimiser: OptimiserSettings;
  /** For both parts together; each runs at least three times. */
  readonly budgetMs: number;
  readonly nowMs: () => number;
}

/** How fast it went. */
export interface Speed {
  /** Of conv3d 3×3×3 with both gradients, 32³ voxels, 16 → 16 channels; the best of the runs. */
  readonly convGflops: number;
  /** Of one training step, the median. */
  readonly stepMs: number;
  /** Before the second step; the same on every backend to rounding. */
  readonly loss: number;
}

const side = 32;
const channels = 16;
/** Forward, and a gradient by each of two inputs: 2 · 27 operations per voxel and pair of channels. */
const convFlops = 3 * 2 * 27 * channels ** 2 * side ** 3;

/** @throws {ComputeError} 'heap_exhausted' when the step does not fit. */
export async function testSpeed(engine: Engine, test: SpeedTest): Promise<Speed> {
  const conv = await timeConvolution(engine, test);
  const { ms, losses } = await timeSteps(engine, test);
  return {
    convGflops: convFlops / Math.min(...conv) / 1e6,
    stepMs: ms.sort((a, b) => a - b)[Math.floor(ms.length / 2)] ?? NaN,
    loss: losses[1] ?? NaN,
  };
}

async function timeConvolution(
  { tf, ops }: Engine,
  { budgetMs, nowMs }: SpeedTest,
): Promise<number[]> {
  const x = tf.randomNormal<Rank.R5>([1, side, side, side, channels], 0, 1, 'float32', 1);
  const w = tf.randomNormal<Rank.R5>([channels, channels, 3, 3, 3], 0, 0.05, 'float32', 2);
  const conv = (a: Tensor, b: Tensor): Tensor =>
    ops.conv3d(a as Tensor5D, b as Tensor5D, null, { stride: 1 });
  const run = async (): Promise<void> => {
    const { value, grads } = tf.valueAndGrads(conv)([x, w], x);
    // Reading waits for devices that compute on the side.
    await grads[1]?.data();
    tf.dispose([value, ...grads]);
  };
  try {
    return await repeat(run, budgetMs / 4, nowMs);
  } finally {
    tf.dispose([x, w]);
  }
}

async function timeSteps(
  engine: Engine,
  test: SpeedTest,
): Promise<{ ms: number[]; losses: number[] }> {
  const { spec, patch, batch, optimiser, budgetMs, nowMs } = test;
  const learner = new Learner(engine, spec, initialWeights(spec, seededRandom('speed')), null);
  const patches = Array.from({ length: batch }, (_, i) => noisePatch(spec, patch, i));
  const losses: number[] = [];
  const step = (): number | Promise<number> => learner.step(patches, optimiser, losses.length);
  try {
    const run = async (): Promise<void> => {
      losses.push(await step());
    };
    return { ms: await repeat(run, (budgetMs * 3) / 4, nowMs), losses };
  } finally {
    learner.dispose();
  }
}

/** Noise with a brighter slab in the middle, which is every head's first label. */
function noisePatch(spec: ModelSpec, size: Triple, index: number): Patch {
  const random = seededRandom(`speed ${index}`);
  const plane = size[1] * size[2];
  const labels = Int32Array.from({ length: size[0] * plane }, (_, at) =>
    Math.floor((3 * Math.floor(at / plane)) / size[0]) === 1 ? 1 : 0,
  );
  const image = Float32Array.from(labels, (label) => label + random.normal());
  return { size, image, labels: new Map(Object.keys(spec.heads).map((head) => [head, labels])) };
}

/** Times of the runs after a first one, which warms up. */
async function repeat(
  run: () => Promise<void>,
  budgetMs: number,
  nowMs: () => number,
): Promise<number[]> {
  const startMs = nowMs();
  await run();
  const times: number[] = [];
  while (times.length < 3 || nowMs() - startMs < budgetMs) {
    const beforeMs = nowMs();
    await run();
    times.push(nowMs() - beforeMs);
    if (times.length >= 100) break;
  }
  return times;
}
