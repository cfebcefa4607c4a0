/**
 * Native convolutions by direct sums and by Winograd's tiles, in turns, on one thread: milliseconds of processor time,
 * the best of several, for forward, input gradient and filter gradient; then what the portable kernels take for the
 * three. `node bench/compute/tiling.ts [DEPTHxHEIGHTxWIDTH,INPUTS,OUTPUTS …]`, about two minutes.
 */
import type { Rank, Tensor, Tensor5D } from '@tensorflow/tfjs';

import { seededRandom } from '../../src/base/index.ts';
import { openEngine } from '../../src/compute/index.ts';
import { loadNative } from '../../src/compute/heap/native/module.ts';
import { isWorthTiling } from '../../src/compute/heap/winograd.ts';

interface Shape {
  readonly sides: readonly [number, number, number];
  readonly inputs: number;
  readonly outputs: number;
}

const msEach = 1500;
const kernels = ['convForward', 'convInputGradient', 'convFilterGradient'] as const;
const standard = [
  ...['64x64x64,16,16', '32x32x32,32,32', '64x64x64,8,8', '48x48x48,24,24', '96x96x96,8,8'],
  ...['64x64x64,32,32', '96x96x96,16,16', '32x32x32,64,64', '48x48x48,4,4', '25x26x27,5,7'],
];
const given = process.argv.slice(2);
const native = loadNative();
if (native === null) throw new Error('no native kernels are built');
const { addon, variant } = native;
addon.setThreads(1);

function readShape(text: string): Shape {
  const [sides = '', inputs, outputs] = text.split(',');
  const [depth = 0, height = 0, width = 0] = sides.split('x').map(Number);
  return { sides: [depth, height, width], inputs: Number(inputs), outputs: Number(outputs) };
}

/** The least processor time of each task, taking turns. */
function bestTimes(tasks: readonly (() => void)[]): number[] {
  const best = tasks.map(() => Infinity);
  const start = performance.now();
  for (let turn = 0; turn < 4 || performance.now() - start < msEach; turn++) {
    tasks.forEach((task, i) => {
      const before = process.cpuUsage();
      task();
      const { user, system } = process.cpuUsage(before);
      // The first turn meets memory that nobody has touched.
      if (turn > 0) best[i] = Math.min(best[i] ?? Infinity, (user + system) / 1000);
    });
  }
  return best;
}

/** Per kernel: direct, tiled. */
function nativeTimes({ sides, inputs, outputs }: Shape): number[][] {
  const voxels = sides[0] * sides[1] * sides[2];
  const counts = [voxels * inputs, voxels * outputs, 27 * inputs * outputs];
  const places = [256, 0, 0, 0];
  counts.forEach((count, i) => (places[i + 1] = (places[i] ?? 0) + 4 * count));
  const [x = 0, y = 0, w = 0, end = 0] = places;
  const heap = new ArrayBuffer(end);
  const random = seededRandom('tiling');
  new Float32Array(heap, x).forEach((_, i, all) => (all[i] = random.normal()));
  const task = (kernel: (typeof kernels)[number], tiled: number) => (): void => {
    const tensors = { convForward: [x, w, y], convInputGradient: [y, w, x] };
    const three = kernel === 'convFilterGradient' ? [x, y, w] : tensors[kernel];
    const words = [...three, 0, 1, ...sides, inputs, outputs, 3, 3, 3, 1, 1, 1, 1, 1, 1, ...sides];
    new Uint32Array(heap, 4, words.length + 1).set([...words, tiled]);
    addon.kernels[kernel]?.(heap, 4);
  };
  return kernels.map((kernel) => bestTimes([task(kernel, 0), task(kernel, 1)]));
}

const engine = await openEngine({ backend: 'wasm' });
console.log(`native ${variant}, ms of one thread: direct / tiled; portable kernels`);
for (const shape of (given.length > 0 ? given : standard).map(readShape)) {
  const { sides, inputs, outputs } = shape;
  const times = nativeTimes(shape);
  const { tf, ops } = engine;
  const x = tf.randomNormal<Rank.R5>([1, ...sides, inputs]);
  const w = tf.randomNormal<Rank.R5>([outputs, inputs, 3, 3, 3]);
  const dy = tf.randomNormal<Rank.R5>([1, ...sides, outputs]);
  const run = tf.valueAndGrads((a: Tensor, b: Tensor) =>
    ops.conv3d(a as Tensor5D, b as Tensor5D, null, { stride: 1 }),
  );
  const [portable = 0] = bestTimes([
    () => {
      const { value, grads } = run([x, w], dy);
      tf.dispose([value, ...grads]);
    },
  ]);
  tf.dispose([x, w, dy]);
  const sums = [0, 1].map((i) => times.reduce((sum, pair) => sum + (pair[i] ?? 0), 0));
  const line = [...times, sums].map(([direct = 0, tiled = 0]) => {
    const ratio = (direct / tiled).toFixed(2);
    return `${direct.toFixed(1)} / ${tiled.toFixed(1)} (${ratio})`.padEnd(22);
  });
  const isUsed = isWorthTiling({ grid: [1, ...sides], inputs, outputs });
  const title = `${sides.join('×')} ${String(inputs)}→${String(outputs)}${isUsed ? '' : ' (not used)'}`;
  console.log(`${title.padEnd(24)} ${line.join(' ')} ${portable.toFixed(1)}`);
}
engine.close();
