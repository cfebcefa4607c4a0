import type * as tfjs from '@tensorflow/tfjs';
import { expect } from 'chai';
import { seededRandom } from '../../src/base/index.ts';
import { openEngine, type Engine, type Scalar, type Tensor5D } from '../../src/compute/index.ts';
import { headLabel, headsLoss, softCrossEntropyDice } from '../../src/models/index.ts';

describe('loss against probabilities', () => {
  let engine: Engine;
  before(async () => {
    engine = await openEngine({ backend: 'cpu' });
  });
  after(() => {
    engine.close();
  });

  const numbers = (count: number, seed: string): Float32Array => {
    const random = seededRandom(seed);
    return Float32Array.from({ length: count }, () => random.normal());
  };

  it('is that of labels where every target is certain and every weight 1, gradients too', () => {
    const { tf, ops } = engine;
    tf.tidy(() => {
      const shape: [number, number, number, number, number] = [2, 2, 3, 2, 3];
      const logits = tf.tensor5d(numbers(72, 'logits'), shape);
      const labels = Int32Array.from({ length: 24 }, (_, n) => (n * 7) % 3);
      const map = tf.tensor4d(labels, [2, 2, 3, 2], 'int32');
      const probabilities = tf.cast(tf.oneHot(tf.reshape(map, [24]), 3), 'float32');
      const target = {
        probabilities: tf.reshape<tfjs.Rank.R5>(probabilities, shape),
        weights: tf.tensor4d(new Float32Array(24).fill(1), [2, 2, 3, 2]),
      };
      const hard = tf.valueAndGrad((x) => ops.crossEntropyDice(x as Tensor5D, map).loss)(logits);
      const soft = tf.valueAndGrad(
        (x) => softCrossEntropyDice(engine, x as Tensor5D, target, 1).loss,
      )(logits);
      expect(soft.value.dataSync()[0]).closeTo(hard.value.dataSync()[0]!, 1e-6);
      const [a, b] = [soft.grad.dataSync(), hard.grad.dataSync()];
      a.forEach((value, n) => expect(value, String(n)).closeTo(b[n]!, 1e-6));
    });
  });

  /** Two classes in two voxels: logits 0, so p = 1/2. */
  const of = (q: number[], w: number[]): number[] =>
    engine.tf.tidy(() => {
      const { tf } = engine;
      const target = {
        probabilities: tf.tensor5d(q, [1, 1, 1, 2, 2]),
        weights: tf.tensor4d(w, [1, 1, 1, 2]),
      };
      const { loss, ce, dice } = softCrossEntropyDice(
        ...([engine, tf.tensor5d(new Float32Array(4), [1, 1, 1, 2, 2]), target, 1] as const),
      );
      return [loss, ce, dice].map((value: Scalar) => value.dataSync()[0]!);
    });

  it('weighs voxels, and takes a target for what it is', () => {
    // ce = ln 2 whatever the targets. Dice: 2·(1·½·0.8 + ½·½·0.4) + 1 over (½ + ¼) + (0.8 + 0.2) + 1
    const [loss, ce, dice] = of([0.2, 0.8, 0.6, 0.4], [1, 0.5]);
    expect(ce).closeTo(Math.LN2, 1e-6);
    expect(dice).closeTo(-2 / 2.75, 1e-6);
    expect(loss).closeTo(Math.LN2 - 2 / 2.75, 1e-6);
  });

  it('hears nothing from voxels of weight 0, and is finite where all are', () => {
    expect(of([0, 1, 1, 0], [1, 0])).deep.equal(of([0, 1, 0, 1], [1, 0]));
    for (const value of of([0, 1, 1, 0], [0, 0])) expect(Number.isFinite(value)).equal(true);
  });

  it('serves every scale of a head, by the nearest voxel', () => {
    const { tf } = engine;
    tf.tidy(() => {
      const values = new Int32Array(8);
      const weights = Float32Array.of(0, 1, 1, 1, 1, 1, 1, 1);
      const calc = headLabel(values, [1, 2, 2, 2], { weights });
      const fine = tf.tensor5d(new Float32Array(16), [1, 2, 2, 2, 2]);
      const coarse = tf.tensor5d(new Float32Array(2), [1, 1, 1, 1, 2]);
      const { loss } = headsLoss(engine, { calc: [fine, coarse] }, { calc });
      // The coarse voxel is the fine voxel 0, of weight 0: only the fine scale's ce = ln 2 counts, and Dice of nothing
      // at this smoothing is -1 for both, halved for the coarse one.
      expect(loss.dataSync()[0]).closeTo(Math.LN2 - 1 - 0.5, 1e-4);
    });
  });
});
