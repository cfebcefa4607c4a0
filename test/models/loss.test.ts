import { expect } from 'chai';
import { openEngine, type Engine, type Tensor5D } from '../../src/compute/index.ts';
import { headLabel, headsLoss } from '../../src/models/index.ts';

describe('loss over heads', () => {
  let engine: Engine;

  before(async () => {
    engine = await openEngine({ backend: 'cpu' });
  });

  after(() => {
    engine.close();
  });

  /** Loss of uniform logits of 2 classes on 2x2x2 voxels: cross-entropy ln 2, probability 1/2 everywhere. */
  function lossOf(labels: readonly number[]): number {
    const { tf } = engine;
    return tf.tidy(() => {
      const logits = tf.tensor5d(new Float32Array(16), [1, 2, 2, 2, 2]);
      const calc = headLabel(Int32Array.from(labels), [1, 2, 2, 2]);
      return headsLoss(engine, { calc: [logits] }, { calc }).loss.dataSync()[0] ?? NaN;
    });
  }

  it('is cross-entropy plus soft Dice at smooth 1 where the structure is there', () => {
    // Dice of one labelled voxel: -(2 · 1/2 + 1) / (8 · 1/2 + 1 + 1) = -1/3
    expect(lossOf([1, 0, 0, 0, 0, 0, 0, 0])).to.be.closeTo(Math.log(2) - 1 / 3, 1e-6);
  });

  it('halves the weight of each coarser scale, whose labels are those of voxel floor(i · from / to)', () => {
    const { tf } = engine;
    const value = tf.tidy(() => {
      // The coarse scale takes depth 0 of 3 and width 0 and 1 of 3, whatever the others are.
      const values = Int32Array.of(1, 0, 1, 1, 1, 1, 1, 1, 1);
      const calc = headLabel(values, [1, 3, 1, 3]);
      const [fine, coarse] = [tf.zeros([1, 3, 1, 3, 2]), tf.zeros([1, 1, 1, 2, 2])];
      const outputs = { calc: [fine, coarse] as Tensor5D[] };
      return headsLoss(engine, outputs, { calc }).loss.dataSync()[0];
    });
    // Dice: -(2 · 8/2 + 1) / (9/2 + 8 + 1) of the fine, -(2 · 1/2 + 1) / (2/2 + 1 + 1) of the coarse.
    const expected = Math.log(2) - 9 / 13.5 + (Math.log(2) - 2 / 3) / 2;
    expect(value).to.be.closeTo(expected, 1e-6);
  });

  it('leaves a patch without the structure to the cross-entropy', () => {
    // Dice at smooth 10^6: -10^6 / (4 + 10^6), flat in the probabilities.
    expect(lossOf([0, 0, 0, 0, 0, 0, 0, 0])).to.be.closeTo(Math.log(2) - 1, 1e-5);
  });
});
