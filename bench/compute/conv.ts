/**
 * GFLOP/s of the convolutions, forward and both gradients, padding and packing included, and the time of the
 * other operations of a U-Net, single-threaded, best of several. `node bench/compute/conv.ts`, about 10 s.
 */
import type { Rank, Tensor, Tensor3D, Tensor5D } from '@tensorflow/tfjs';

import { openEngine } from '../../src/compute/index.ts';

const engine = await openEngine({ backend: 'wasm' });
const { tf, ops } = engine;

/** Side, input channels, output channels, stride. */
const shapes: readonly (readonly [number, number, number, number])[] = [
  [32, 1, 8, 1],
  [32, 8, 8, 1],
  [32, 16, 8, 1],
  [32, 16, 16, 1],
  [32, 8, 16, 2],
  [16, 16, 16, 1],
  [16, 32, 16, 1],
  [16, 16, 32, 2],
  [8, 32, 32, 1],
  [32, 12, 12, 1],
  [16, 64, 64, 1],
];

/** Best wall time of a few runs, in milliseconds. */
function bestMs(run: () => Tensor | Tensor[]): number {
  let best = Infinity;
  let spent = 0;
  for (let i = 0; i < 60 && (i < 8 || spent < 150); i++) {
    const start = performance.now();
    const out = run();
    const ms = performance.now() - start;
    tf.dispose(out);
    best = Math.min(best, ms);
    spent += ms;
  }
  return best;
}

function rate(flops: number, ms: number): string {
  return (flops / ms / 1e6).toFixed(1).padStart(8);
}

console.log('conv3d 3×3×3, GFLOP/s     forward   and by input   and by filter');
for (const [side, inputs, outputs, stride] of shapes) {
  const x = tf.randomNormal<Rank.R5>([1, side, side, side, inputs]);
  const w = tf.randomNormal<Rank.R5>([outputs, inputs, 3, 3, 3]);
  const conv = (a: Tensor, b: Tensor): Tensor =>
    ops.conv3d(a as Tensor5D, b as Tensor5D, null, { stride });
  const y = conv(x, w);
  const flops = 2 * 27 * inputs * y.size;
  const byInput = tf.grad((t) => conv(t, w));
  const byFilter = tf.grad((t) => conv(x, t));
  // TF.js runs the forward pass again for each gradient, hence twice the work.
  const rates = [
    rate(
      flops,
      bestMs(() => conv(x, w)),
    ),
    rate(
      2 * flops,
      bestMs(() => byInput(x, y)),
    ),
    rate(
      2 * flops,
      bestMs(() => byFilter(w, y)),
    ),
  ];
  const name = `${side}³ ${inputs}→${outputs}${stride === 2 ? ' stride 2' : ''}`;
  console.log(name.padEnd(24), rates.join('       '));
  tf.dispose([x, w, y]);
}

console.log('\nothers at 32³ × 8, ms     forward   with gradient');
const x = tf.randomNormal<Rank.R5>([1, 32, 32, 32, 8]);
const up = tf.randomNormal<Rank.R5>([8, 8, 2, 2, 2]);
const half = tf.randomNormal<Rank.R5>([1, 16, 16, 16, 8]);
const others: readonly (readonly [string, Tensor5D, (t: Tensor5D) => Tensor])[] = [
  ['instance norm, leaky ReLU', x, (t) => ops.instanceNorm(t, null, null, { slope: 0.01 })],
  ['concat', x, (t) => ops.concat(t, x)],
  ['transposed conv from 16³', half, (t) => ops.convTranspose3d(t, up, null)],
  ['conv3d 1×1×1', x, (t) => ops.conv3d(t, tf.zeros([6, 8, 1, 1, 1]), null, { stride: 1 })],
];
for (const [name, input, run] of others) {
  const forward = bestMs(() => tf.tidy(() => run(input)));
  const gradient = tf.grad((t) => run(t as Tensor5D));
  const both = bestMs(() => tf.tidy(() => gradient(input)));
  console.log(name.padEnd(26), forward.toFixed(2).padStart(6), both.toFixed(2).padStart(10));
}

console.log('\nattention, 27 windows of 343, 3 heads of 4, ms');
const qkv = tf.randomNormal<Rank.R3>([27, 343, 36]);
const bias = tf.randomNormal<Rank.R3>([3, 343, 343]);
const attend = (t: Tensor): Tensor =>
  ops.windowAttention(t as Tensor3D, { heads: 3, bias, mask: null });
const forwardMs = bestMs(() => attend(qkv));
const attention = tf.grad(attend);
const bothMs = bestMs(() => attention(qkv));
console.log(''.padEnd(26), forwardMs.toFixed(2).padStart(6), bothMs.toFixed(2).padStart(10));
engine.close();
