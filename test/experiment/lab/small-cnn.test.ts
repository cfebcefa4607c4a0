import { expect } from 'chai';
import { seededRandom } from '../../../src/base/index.ts';
import { cnnLength, initialCnn, SmallCnn } from '../../../src/experiment/lab/small-cnn.ts';

const random = seededRandom('cnn');
const picture = Float64Array.from({ length: 256 }, () => random.normal());
const model = initialCnn(4, () => random.normal()).map((value) => value + 0.01 * random.normal());

describe('the small network', () => {
  it('has as many numbers as its layers', () => {
    // 6 · 9 + 6, 12 · 6 · 9 + 12, and 4 · (4 · 4 · 12) + 4.
    expect(cnnLength(4)).equal(60 + 660 + 772);
  });

  it('knows nothing when all its numbers are 0: ln 4 of four classes', () => {
    const network = new SmallCnn(4);
    expect(network.loss(new Float64Array(cnnLength(4)), picture, 2)).closeTo(Math.log(4), 1e-12);
  });

  it('has the gradient that differences of its loss have', () => {
    const network = new SmallCnn(4);
    const gradient = new Float64Array(model.length);
    network.gradient(model, picture, 1, { weight: 1, into: gradient });
    const step = 1e-6;
    // Every layer: weights and biases of both convolutions, and of the linear layer.
    for (const k of [0, 17, 53, 54, 59, 60, 200, 707, 708, 719, 720, 1000, 1487, 1488, 1491]) {
      const moved = (by: number): number =>
        network.loss(
          model.map((value, at) => (at === k ? value + by : value)),
          picture,
          1,
        );
      expect(gradient[k], String(k)).closeTo((moved(step) - moved(-step)) / (2 * step), 1e-6);
    }
  });

  it('adds a gradient by its weight', () => {
    const network = new SmallCnn(4);
    const once = new Float64Array(model.length);
    network.gradient(model, picture, 3, { weight: 1, into: once });
    const twice = new Float64Array(model.length);
    for (let k = 0; k < 2; k++) network.gradient(model, picture, 3, { weight: 0.5, into: twice });
    for (const [k, value] of once.entries()) expect(twice[k]).closeTo(value, 1e-12);
  });
});
