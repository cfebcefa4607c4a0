/** Rates of topologies against closed forms and papers, and against what nodes do. */
import { expect } from 'chai';
import {
  gossipAveraging,
  mixingGraph,
  mixingRate,
  type Topology,
} from '../../../../src/gossip/index.ts';
import { distance, runNodes, startVectors } from '../runs.ts';

const sizes = [8, 16, 32, 64, 100];

describe('the rate of a topology that stays', () => {
  it('of a ring is (1 + 2 cos(2π/n)) / 3, up to a thousand nodes', () => {
    for (const size of [4, 5, 64, 1024]) {
      const expected = (1 + 2 * Math.cos((2 * Math.PI) / size)) / 3;
      expect(mixingRate({ kind: 'ring' }, size, 's').perStep, String(size)).closeTo(
        expected,
        1e-10,
      );
    }
  });

  it('of the exponential graph has the gap 2 / (1 + ceil(log2 n)) for even n', () => {
    // Ying et al. 2021, Proposition 1.
    for (const size of [...sizes, 1024]) {
      const { gap } = mixingRate({ kind: 'exponential' }, size, 's');
      expect(gap, String(size)).closeTo(2 / (1 + Math.ceil(Math.log2(size))), 1e-9);
    }
  });

  it('of a complete graph is 0 after one step, of a star 1 - 1/n', () => {
    const complete = mixingRate({ kind: 'complete' }, 9, 's');
    expect([complete.perStep, complete.exactAfter, complete.sendsMax]).deep.equal([0, 1, 8]);
    const star = mixingRate({ kind: 'star' }, 10, 's');
    expect(star.perStep).closeTo(0.9, 1e-12);
    // 0.9^65 = 0.00106, 0.9^66 = 0.00095
    expect([star.stepsToThousandth, star.sendsMean, star.sendsMax]).deep.equal([66, 1.8, 9]);
  });

  it('of a directed graph is the modulus of its eigenvalue, which no singular value tells', () => {
    // 0 → 1 → 2 → 0, all a half: W = (I + P) / 2 with eigenvalues (1 + e^{2πik/3}) / 2, of modulus 1/2.
    const edges = [[0, 1], [1, 2], [2, 0]] as const; // prettier-ignore
    const cycle = mixingRate({ kind: 'edges', edges, directed: true }, 3, 's');
    expect(cycle.perStep).closeTo(0.5, 1e-9);
    // And 0 → 2: rows (½, 0, ½), (½, ½, 0), (⅓, ⅓, ⅓); trace 4/3, determinant 1/12, so that the others are
    // the roots of z² - z/3 + 1/12: of modulus √(1/12).
    const chord = mixingRate({ kind: 'edges', edges: [...edges, [0, 2]], directed: true }, 3, 's');
    expect(chord.perStep).closeTo(Math.sqrt(1 / 12), 1e-4);
    expect([cycle.keepsMean, chord.keepsMean]).deep.equal([true, false]);
  });

  it('of a cycle of graphs that ends at the mean is 0, after as many steps', () => {
    const peer = mixingRate({ kind: 'one-peer-exponential' }, 64, 's');
    expect([peer.exactAfter, peer.perStep, peer.sendsMax]).deep.equal([6, 0, 1]);
    expect(mixingRate({ kind: 'base', k: 1 }, 6, 's').exactAfter).equal(4);
    expect(mixingRate({ kind: 'one-peer-exponential' }, 100, 's').exactAfter).equal(null);
  });
});

describe('the rate of a topology that is drawn', () => {
  it("is that of the papers' closed forms", () => {
    for (const size of sizes) {
      const degree = 6;
      // de Vos et al. 2023, Lemma 1: EL-Oracle 1/(s+1) · (1 - s/(n-1)), and any regular graph alike.
      const oracle = (1 / (degree + 1)) * (1 - degree / (size - 1));
      for (const topology of [
        { kind: 'el-oracle', degree },
        { kind: 'regular', degree, redrawn: true },
      ] as const) {
        expect(mixingRate(topology, size, 's').perStep ** 2).closeTo(oracle, 1e-9);
      }
      // EL-Local 1/s · (1 - (1 - s/(n-1))^n) - 1/(n-1), around the mean before the step.
      const local = (1 / degree) * (1 - (1 - degree / (size - 1)) ** size) - 1 / (size - 1);
      const { perStep, keepsMean } = mixingRate({ kind: 'el-local', degree }, size, 's');
      expect(perStep / Math.sqrt(local), String(size)).within(0.96, 1.02);
      expect(keepsMean).equal(false);
      // A pair of equals: x² → ((x + y)/2)², in the mean (1 - 1/(n-1)) / 2.
      const pairs = mixingRate({ kind: 'matching' }, size, 's').perStep ** 2;
      expect(pairs, String(size)).closeTo((1 - 1 / (size - 1)) / 2, 0.002);
    }
  });

  it('is what nodes with quadratic losses do, within 5 %', () => {
    const drawn: Topology[] = [
      { kind: 'regular', degree: 6, redrawn: true },
      { kind: 'el-oracle', degree: 6 },
      { kind: 'el-local', degree: 6 },
    ];
    for (const topology of drawn) {
      for (const size of sizes) {
        let [sum, count] = [0, 0];
        for (let round = 0; round < 40; round++) {
          let states = startVectors(size, 3, `drawn ${round}`).map(gossipAveraging.start);
          for (let step = 0; step < 6; step++) {
            const before = distance(states.map(({ model }) => model));
            const graph = mixingGraph(topology, size, { seed: 'measured', round, step });
            states = runNodes(gossipAveraging, states, graph, (x) =>
              x.map((value) => -0.1 * value),
            );
            sum += (distance(states.map(({ model }) => model)) / before) ** 2;
            count++;
          }
        }
        const predicted = 0.9 * mixingRate(topology, size, 's').perStep;
        const say = `${topology.kind} of ${size}`;
        expect(Math.sqrt(sum / count) / predicted, say).within(0.95, 1.05);
      }
    }
  });

  it('of clusters lies between those of their heads and of all', () => {
    const groups = Array.from({ length: 24 }, (_, i) => i % 3);
    const rate = mixingRate({ kind: 'clusters', groups }, 24, 's');
    expect(rate.perStep).within(0.8, 0.999);
    expect(rate.keepsMean).equal(true);
    // Seven others in the region, and two other heads for three of 24 nodes.
    expect(rate.sendsMean).closeTo(7 + (3 * 2) / 24, 1e-9);
    expect(rate.sendsMax).equal(9);
  });
});
