/** Graphs of all topologies: their weights by hand, what must hold for every one, and what is refused. */
import { expect } from 'chai';
import fc from 'fast-check';
import {
  AgreedDraws,
  GossipError,
  keepsMean,
  listenersOf,
  mixingGraph,
  pushGraph,
  relaxedGraph,
  topologyCourse,
  topologyKinds,
  type MixingGraph,
  type Topology,
} from '../../../../src/gossip/index.ts';
import { distanceFromMean, matrixOf, product } from '../matrices.ts';

const first = { seed: 'a', round: 0, step: 0 };

describe('agreed draws', () => {
  it('are SHA-256 in counter mode, most significant byte first', () => {
    // Python: hashlib.sha256(b"annulus/mixing/v1\nseed\nlabel\n0")
    const draws = new AgreedDraws('seed', 'label');
    const words = Array.from({ length: 9 }, () => draws.uint32());
    expect([words[0], words[1], words[8]]).deep.equal([0xa902891e, 0x72461d40, 0x1ebba98d]);
    expect(new AgreedDraws('seed', 'label').uniform()).equal(0.660194936740267);
    expect(new AgreedDraws('seed', 'label').below(7)).equal(2);
  });

  it('give a permutation, and each place to each item equally often', () => {
    const counts = new Map<number, number>();
    for (let i = 0; i < 6000; i++) {
      const order = new AgreedDraws('s', String(i)).shuffled([0, 1, 2]);
      expect([...order].sort()).deep.equal([0, 1, 2]);
      const key = order[0]! * 10 + order[1]!;
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    // Six orders, 1000 each; the standard deviation is 29.
    expect(counts.size).equal(6);
    for (const count of counts.values()) expect(count).within(850, 1150);
  });
});

describe('weights', () => {
  it('of a ring are a third each', () => {
    const third = 1 / 3;
    const w = matrixOf(mixingGraph({ kind: 'ring' }, 5, first));
    expect(w[0]!.map((x) => Math.round(x * 1e9))).deep.equal(
      [third, third, 0, 0, third].map((x) => Math.round(x * 1e9)),
    );
  });

  it('of a star of 5 are a fifth at each edge, and 4 fifths stay at the points', () => {
    const w = matrixOf(mixingGraph({ kind: 'star' }, 5, first));
    expect(w[3]!.map((x) => x.toFixed(3))).deep.equal([
      '0.200',
      '0.000',
      '0.000',
      '0.800',
      '0.000',
    ]);
  });

  it('of the torus of 12 join rows of 4 and columns of 3', () => {
    const graph = mixingGraph({ kind: 'torus' }, 12, first);
    expect(graph.incoming[5]!.map(({ from }) => from)).deep.equal([1, 4, 5, 6, 9]);
    expect(graph.incoming[0]!.map(({ from }) => from)).deep.equal([0, 1, 3, 4, 8]);
    for (const { weight } of graph.incoming[0]!) expect(weight).closeTo(0.2, 1e-12);
  });

  it('of the exponential graph of 6 hear 1, 2 and 4 places back, a quarter each', () => {
    const graph = mixingGraph({ kind: 'exponential' }, 6, first);
    expect(graph.incoming[0]).deep.equal([0, 2, 4, 5].map((from) => ({ from, weight: 0.25 })));
  });

  it('for push-sum split what a node has among all that hear it', () => {
    const edges = [[0, 1], [0, 2], [1, 2], [2, 0]] as const; // prettier-ignore
    const graph = mixingGraph({ kind: 'edges', edges, directed: true }, 3, first);
    expect(keepsMean(graph)).equal(false);
    expect(listenersOf(graph)).deep.equal([[1, 2], [2], [0]]);
    const w = matrixOf(pushGraph(graph));
    expect(w).deep.equal([[1 / 3, 0, 1 / 2], [1 / 3, 1 / 2, 0], [1 / 3, 1 / 2, 1 / 2]]); // prettier-ignore
    expect(keepsMean(pushGraph(graph))).equal(true);
  });

  it('of a shorter step stay with the node', () => {
    const w = matrixOf(relaxedGraph(mixingGraph({ kind: 'complete' }, 4, first), 0.4));
    expect(w[1]!.map((x) => x.toFixed(2))).deep.equal(['0.10', '0.70', '0.10', '0.10']);
  });
});

/** One of each kind that fits `size`. */
export function someTopologies(size: number): Topology[] {
  const degree = Math.min(6, 2 * Math.floor((size - 1) / 2));
  const groups = Array.from({ length: size }, (_, i) => i % 3);
  const edges = Array.from({ length: size - 1 }, (_, i) => [i, i + 1] as const);
  const isPrime =
    size > 3 && Array.from({ length: size - 2 }, (_, i) => i + 2).every((d) => size % d !== 0);
  return [
    { kind: 'ring' },
    ...(isPrime ? [] : [{ kind: 'torus' } as const]),
    { kind: 'star' },
    { kind: 'complete' },
    { kind: 'exponential' },
    { kind: 'one-peer-exponential' },
    { kind: 'base', k: 1 },
    { kind: 'base', k: Math.min(3, size - 1) },
    { kind: 'regular', degree, redrawn: true },
    { kind: 'regular', degree, redrawn: false },
    { kind: 'erdos-renyi', edgeRate: Math.min(1, (3 * Math.log(size)) / size), redrawn: false },
    { kind: 'small-world', degree, rewireRate: 0.3, redrawn: true },
    { kind: 'el-oracle', degree: Math.min(4, size - 1) },
    { kind: 'el-local', degree: Math.min(4, size - 1) },
    { kind: 'matching' },
    { kind: 'edges', edges, directed: false },
    { kind: 'clusters', groups: groups.map((group) => Math.min(group, size - 1)) },
  ];
}

describe('every topology', () => {
  it('has rows that sum to 1, weights from 0, itself among what it hears, and columns that sum to 1 but for el-local', () => {
    fc.assert(
      fc.property(fc.integer({ min: 3, max: 70 }), fc.nat(1000), fc.nat(9), (size, seed, step) => {
        for (const topology of someTopologies(size)) {
          const moment = { seed: String(seed), round: step, step: 1 };
          const graph = mixingGraph(topology, size, moment);
          const say = `${JSON.stringify(topology)} of ${size}`;
          expect(graph.incoming.length, say).equal(size);
          graph.incoming.forEach((links, node) => {
            const froms = links.map(({ from }) => from);
            expect(
              [...new Set(froms)].sort((a, b) => a - b),
              say,
            ).deep.equal(froms);
            expect(froms, say).include(node);
            expect(
              links.every(({ weight }) => weight >= 0 && weight <= 1),
              say,
            ).equal(true);
            expect(
              links.reduce((sum, { weight }) => sum + weight, 0),
              say,
            ).closeTo(1, 1e-12);
          });
          if (topology.kind !== 'el-local') expect(keepsMean(graph), say).equal(true);
          expect(keepsMean(pushGraph(graph)), say).equal(true);
          expect(mixingGraph(topology, size, moment), say).deep.equal(graph);
        }
      }),
      { numRuns: 25 },
    );
  });

  it('is symmetric when it is undirected', () => {
    const directed = ['exponential', 'one-peer-exponential', 'el-oracle', 'el-local'];
    for (const topology of someTopologies(24).filter(({ kind }) => !directed.includes(kind))) {
      const w = matrixOf(mixingGraph(topology, 24, first));
      const isEven = w.every((row, i) => row.every((x, j) => x === w[j]![i]));
      expect(isEven, topology.kind).equal(true);
    }
  });

  it('is named in the list of kinds, and stays, goes in turns or is drawn as its course says', () => {
    expect(new Set(someTopologies(24).map(({ kind }) => kind))).deep.equal(new Set(topologyKinds));
    for (const topology of someTopologies(24)) {
      const course = topologyCourse(topology, 24);
      const at = (round: number): MixingGraph => mixingGraph(topology, 24, { ...first, round });
      if (course.kind === 'static') expect(at(1)).deep.equal(at(0));
      else expect(at(1), topology.kind).not.deep.equal(at(0));
      if (course.kind === 'cycle') expect(at(course.length)).deep.equal(at(0));
    }
  });

  it('of one node is that node', () => {
    expect(
      mixingGraph({ kind: 'regular', degree: 6, redrawn: true }, 1, first).incoming,
    ).deep.equal([[{ from: 0, weight: 1 }]]);
  });
});

describe('drawn graphs', () => {
  it('give every node the degree that was asked for', () => {
    for (const [size, degree] of [
      [8, 6],
      [16, 6],
      [9, 4],
      [100, 6],
      [7, 2],
      [12, 11],
    ] as const) {
      const { incoming } = mixingGraph({ kind: 'regular', degree, redrawn: true }, size, first);
      expect(
        incoming.every(({ length }) => length === degree + 1),
        `${size}`,
      ).equal(true);
      const oracle = mixingGraph({ kind: 'el-oracle', degree }, size, first);
      expect(oracle.incoming.every(({ length }) => length === degree + 1)).equal(true);
      expect(listenersOf(oracle).every(({ length }) => length === degree)).equal(true);
      const local = mixingGraph({ kind: 'el-local', degree }, size, first);
      expect(listenersOf(local).every(({ length }) => length === degree)).equal(true);
    }
  });

  it('differ by seed, by round and by step', () => {
    const topology: Topology = { kind: 'regular', degree: 4, redrawn: true };
    const moments = [first, { ...first, seed: 'b' }, { ...first, round: 1 }, { ...first, step: 1 }];
    const graphs = moments.map((moment) => JSON.stringify(mixingGraph(topology, 20, moment)));
    expect(new Set(graphs).size).equal(4);
  });

  it('have all pairs equally often', () => {
    // 2000 graphs of 8 nodes with degree 2: each of 28 pairs in 2/7 of them, 571; the standard deviation is 20.
    const counts = new Map<string, number>();
    for (let round = 0; round < 2000; round++) {
      const graph = mixingGraph({ kind: 'regular', degree: 2, redrawn: true }, 8, {
        ...first,
        round,
      });
      graph.incoming.forEach((links, node) => {
        for (const { from } of links) {
          if (from < node) counts.set(`${from} ${node}`, (counts.get(`${from} ${node}`) ?? 0) + 1);
        }
      });
    }
    expect(counts.size).equal(28);
    for (const [pair, count] of counts) expect(count, pair).within(470, 672);
  });
});

describe('topologies with an end', () => {
  const walk = (
    topology: Topology,
    size: number,
  ): { steps: number; distance: number; peers: number } => {
    const course = topologyCourse(topology, size);
    const steps = course.kind === 'cycle' ? course.length : 1;
    let total = matrixOf(mixingGraph(topology, size, first));
    let peers = 0;
    for (let step = 0; step < steps; step++) {
      const graph = mixingGraph(topology, size, { ...first, step });
      peers = Math.max(peers, ...graph.incoming.map(({ length }) => length - 1));
      if (step > 0) total = product(matrixOf(graph), total);
    }
    return { steps, distance: distanceFromMean(total), peers };
  };

  it('give the mean after log2 n steps of one peer each, when n is a power of two', () => {
    for (const [size, steps] of [
      [2, 1],
      [8, 3],
      [16, 4],
      [32, 5],
      [64, 6],
    ] as const) {
      const walked = walk({ kind: 'one-peer-exponential' }, size);
      expect([walked.steps, walked.peers]).deep.equal([steps, 1]);
      expect(walked.distance).below(1e-15);
    }
    expect(walk({ kind: 'one-peer-exponential' }, 12).distance).above(1e-3);
  });

  it('give the mean after one cycle of Base-(k+1) for every n, with k peers and within the steps of the paper', () => {
    for (const k of [1, 2, 3, 4]) {
      for (let size = Math.max(2, k + 1); size <= 70; size++) {
        const { steps, distance, peers } = walk({ kind: 'base', k }, size);
        const say = `k ${k}, n ${size}`;
        expect(distance, say).below(1e-14);
        expect(peers, say).at.most(k);
        // Takezawa et al. 2023, Theorem 1: O(log_{k+1} n), at most 2 log_{k+1} n + 2.
        expect(steps, say).at.most(2 * (Math.log(size) / Math.log(k + 1)) + 2);
      }
    }
    // Their Figure 1 and Section 4: 5 nodes of one peer need 5 steps, 6 nodes 4.
    expect(walk({ kind: 'base', k: 1 }, 5).steps).equal(5);
    expect(walk({ kind: 'base', k: 1 }, 6).steps).equal(4);
  });
});

describe('topologies that cannot be', () => {
  const refusal = (topology: Topology, size: number): string => {
    try {
      mixingGraph(topology, size, first);
    } catch (error) {
      expect(error).instanceOf(GossipError);
      expect((error as GossipError).code).equal('bad_topology');
      return (error as GossipError).message;
    }
    return '';
  };

  const cases: readonly (readonly [Topology, number, RegExp])[] = [
    [{ kind: 'ring' }, 0, /from 1 to 4096 nodes, got 0/],
    [{ kind: 'ring' }, 1.5, /from 1 to 4096 nodes/],
    [{ kind: 'clusters', groups: new Array<number>(2048).fill(1) }, 2048, /at most 2097152 links/],
    [{ kind: 'erdos-renyi', edgeRate: 0.9, redrawn: true }, 4096, /at most 2097152 links/],
    [{ kind: 'complete' }, 4096, /at most 2097152 links/],
    [{ kind: 'torus' }, 13, /no prime, got 13: take 12 or 14, or a ring/],
    [{ kind: 'base', k: 0 }, 8, /from 1 to 7 neighbours among 8 nodes, got 0/],
    [{ kind: 'base', k: 8 }, 8, /got 8/],
    [{ kind: 'regular', degree: 8, redrawn: true }, 8, /from 2 to 7 neighbours/],
    [{ kind: 'regular', degree: 1, redrawn: true }, 8, /from 2 to 7 neighbours/],
    [{ kind: 'regular', degree: 3, redrawn: true }, 9, /an even degree for 9 nodes, got 3/],
    [{ kind: 'el-oracle', degree: NaN }, 8, /whole number/],
    [{ kind: 'el-local', degree: 8 }, 8, /got 8/],
    [{ kind: 'small-world', degree: 3, rewireRate: 0.1, redrawn: true }, 8, /even degree, got 3/],
    [{ kind: 'small-world', degree: 4, rewireRate: 1.1, redrawn: true }, 8, /rewire rate from 0 to 1/],
    [{ kind: 'erdos-renyi', edgeRate: 0, redrawn: true }, 8, /above 0, at most 1/],
    // ln(50) / 50 = 0.0782
    [{ kind: 'erdos-renyi', edgeRate: 0.01, redrawn: true }, 50, /0\.078/],
    [{ kind: 'edges', edges: [[0, 1], [2, 3]], directed: false }, 4, /a connected graph/],
    [{ kind: 'edges', edges: [[0, 1], [1, 2]], directed: true }, 3, /a way along the edges/],
    [{ kind: 'edges', edges: [[0, 1], [1, 0]], directed: false }, 2, /each edge once/],
    [{ kind: 'edges', edges: [[0, 2]], directed: false }, 2, /nodes 0 to 1/],
    [{ kind: 'edges', edges: [[1, 1]], directed: false }, 2, /nodes 0 to 1, got 1 and 1/],
    [{ kind: 'clusters', groups: [0, 1] }, 3, /a group for each of 3 nodes, got 2/],
    [{ kind: 'clusters', groups: [0, 1, 3] }, 3, /groups from 0 to 2, got 3/],
  ]; // prettier-ignore

  it('are refused, with what would do', () => {
    for (const [topology, size, expected] of cases) {
      expect(refusal(topology, size), JSON.stringify([topology.kind, size])).match(expected);
    }
  });
});
