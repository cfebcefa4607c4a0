import { expect } from 'chai';

import { dissensus, fiedlerVector, spectralLie } from '../../../src/simulate/index.ts';

const vector = (...values: number[]): Float64Array => Float64Array.from(values);
/** Weights of edges, both ways. */
const graph = (count: number, edges: readonly [number, number, number][]): number[][] => {
  const weights = Array.from({ length: count }, () => new Array<number>(count).fill(0));
  for (const [i, j, weight] of edges) weights[i]![j] = weights[j]![i] = weight;
  return weights;
};

describe('dissensus', () => {
  // A path of honest nodes 0 - 1 - 2 at 0, 4 and 12; each has an edge of 1/4 to a liar.
  const path = {
    models: [vector(0), vector(4), vector(12)],
    weights: graph(3, [
      [0, 1, 0.25],
      [1, 2, 0.25],
    ]),
  };

  it('with ε = 1 keeps a node where it is', () => {
    // Node 1 is drawn by (0 - 4)/4 + (12 - 4)/4 = 1; the lie is 4 - 1 / (1/4) = 0, and draws by -1.
    const [lie = 0] = dissensus(path, 1, 0.25, 1);
    expect(lie).to.equal(0);
    expect(4 + 0.25 * (0 - 4) + 0.25 * (12 - 4) + 0.25 * (lie - 4)).to.equal(4);
    // Node 0: drawn by 1, the lie is 0 - 4.
    expect([...dissensus(path, 0, 0.25, 1)]).to.deep.equal([-4]);
  });

  it('with a larger ε drives nodes apart', () => {
    const [lie = 0] = dissensus(path, 2, 0.25, 2);
    // 12 - 2 · (1/4 · (4 - 12)) / (1/4) = 28: 12 - 2 + 4 is 14.
    expect(12 + 0.25 * (4 - 12) + 0.25 * (lie - 12)).to.equal(14);
  });
});

describe('the spectral attack', () => {
  it("goes by Fiedler's vector", () => {
    // A path of three: eigenvalues 0, 1, 3; of 1 it is (1, 0, -1) / √2.
    const path = graph(3, [
      [0, 1, 1],
      [1, 2, 1],
    ]);
    const expected = [Math.SQRT1_2, 0, -Math.SQRT1_2];
    for (const [i, x] of fiedlerVector(path).entries()) expect(x).to.be.closeTo(expected[i]!, 1e-9);
    // A path of four: cos(π (2k + 1) / 8), eigenvalue 2 - √2.
    const four = graph(4, [
      [0, 1, 1],
      [1, 2, 1],
      [2, 3, 1],
    ]);
    const wave = [1, 3, 5, 7].map((k) => Math.cos((Math.PI * k) / 8) * Math.SQRT1_2);
    for (const [i, x] of fiedlerVector(four).entries()) expect(x).to.be.closeTo(wave[i]!, 1e-9);
  });

  it('drives the loosest parts apart along the difference that they have', () => {
    const path = graph(3, [
      [0, 1, 1],
      [1, 2, 1],
    ]);
    const models = [vector(2), vector(0), vector(-4)];
    // e = (1, 0, -1)/√2, eᵀx = 6/√2: node 0 hears 2 + ε · 3, node 1 what it has, node 2 -4 - ε · 3.
    const lies = [0, 1, 2].map((node) => spectralLie({ models, weights: path }, node, 0.5)[0]!);
    for (const [i, x] of [3.5, 0, -5.5].entries()) expect(lies[i]).to.be.closeTo(x, 1e-9);
  });
});
