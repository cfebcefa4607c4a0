/** What algorithms must keep: the mean, whatever is lost, and a state that can be put away. */
import { expect } from 'chai';
import fc from 'fast-check';
import { seededRandom } from '../../../../src/base/index.ts';
import {
  choco,
  dpsgd,
  gossipAveraging,
  GossipError,
  gradientTracking,
  mixingGraph,
  outerChange,
  placesOf,
  proximalGradient,
  pushSum,
  sharedPart,
  type Compression,
  type MixingAlgorithm,
  type PushState,
  type Topology,
} from '../../../../src/gossip/index.ts';
import { centreOf, distance, roundOf, runNodes, startVectors } from '../runs.ts';

const moment = { seed: 'algorithms', round: 0, step: 0 };

describe('gossip averaging', () => {
  it('keeps the mean of float32 models to 1e-6 over 200 steps, on every topology that says so', () => {
    const topologies: Topology[] = [
      { kind: 'ring' },
      { kind: 'torus' },
      { kind: 'exponential' },
      { kind: 'regular', degree: 6, redrawn: true },
      { kind: 'el-oracle', degree: 4 },
      { kind: 'matching' },
      { kind: 'base', k: 2 },
    ];
    for (const topology of topologies) {
      const starts = startVectors(20, 5, 'mean').map((x) => Float32Array.from(x, (v) => v + 1));
      let states = starts.map(gossipAveraging.start);
      for (let step = 0; step < 200; step++) {
        states = roundOf(gossipAveraging, states, mixingGraph(topology, 20, { ...moment, step }));
      }
      const after = centreOf(states.map(({ model }) => model));
      centreOf(starts).forEach((value, i) => expect(after[i], topology.kind).closeTo(value, 1e-6));
    }
  });

  it('gives the weight of a lost message to the node itself', () => {
    const graph = mixingGraph({ kind: 'ring' }, 4, moment);
    const states = [0, 3, 6, 9].map((value) => gossipAveraging.start(Float64Array.of(value)));
    const after = roundOf(gossipAveraging, states, graph, (from, to) => from === 3 && to === 0);
    // Two thirds of 0 and a third of 3; the others a third each.
    [1, 3, 6, 5].forEach((value, i) => expect(after[i]!.model[0]).closeTo(value, 1e-12));
  });

  it('refuses a model of another length, and bytes that are no model', () => {
    const graph = mixingGraph({ kind: 'ring' }, 3, moment);
    const [place] = placesOf(graph);
    const heard = new Map([[1, [Float64Array.of(1, 2)]]]);
    const state = gossipAveraging.start(Float64Array.of(1));
    expect(() => gossipAveraging.receive(state, place!, heard)).throw(
      GossipError,
      'expected 1 values, got 2',
    );
    const like = new Float32Array(2);
    expect(() => gossipAveraging.codec.decode(new Uint8Array(7), like)).throw(
      GossipError,
      '8 bytes',
    );
    const notFinite = new Uint8Array(new Float32Array([1, NaN]).buffer);
    expect(() => gossipAveraging.codec.decode(notFinite, like)).throw(GossipError, 'finite');
  });
});

describe('push-sum', () => {
  const directed: Topology = {
    kind: 'edges',
    directed: true,
    // A ring one way, with chords: out-degrees 1 to 3.
    edges: Array.from({ length: 12 }, (_, i) => [
      [i, (i + 1) % 12] as const,
      ...(i % 3 === 0 ? [[i, (i + 5) % 12] as const, [i, (i + 2) % 12] as const] : []),
    ]).flat(),
  };
  const graph = mixingGraph(directed, 12, moment);
  const starts = startVectors(12, 3, 'push').map((x) => x.map((value) => value + 2));
  const run = (
    steps: number,
    isLost: (step: number, from: number, to: number) => boolean,
  ): PushState[] => {
    let states = starts.map(pushSum.start);
    for (let step = 0; step < steps; step++) {
      states = roundOf(pushSum, states, graph, (from, to) => isLost(step, from, to));
    }
    return states;
  };
  const expectMean = (states: readonly PushState[]): void => {
    for (const state of states)
      pushSum.model(state).forEach((value) => expect(value).closeTo(2, 1e-6));
  };

  it('finds the mean over one-way links, which plain averaging does not', () => {
    expectMean(run(200, () => false));
    let states = starts.map(gossipAveraging.start);
    for (let step = 0; step < 200; step++) states = roundOf(gossipAveraging, states, graph);
    expect(distance(states.map(({ model }) => model))).below(1e-6);
    expect(Math.abs(states[0]!.model[0]! - 2)).above(1e-2);
  });

  it('finds the mean when a fifth of all messages is lost', () => {
    const random = seededRandom('loss');
    expectMean(run(400, () => random.uniform() < 0.2));
  });

  it('finds the mean when one direction of links is cut for a hundred steps, and mass waits there', () => {
    const isCut = (step: number, from: number, to: number): boolean =>
      step >= 10 && step < 110 && ((from === 0 && to === 1) || from === 6);
    const waiting = run(100, isCut);
    const weight = waiting.reduce((sum, state) => sum + state.weight, 0);
    expect(weight).below(11.9);
    expectMean(run(500, isCut));
  });

  it('holds all mass at any moment: what nodes have, and what was given and has not come', () => {
    const random = seededRandom('mass');
    const states = run(57, () => random.uniform() < 0.3);
    let [weight, value] = [0, 0];
    states.forEach((state, node) => {
      weight += state.weight;
      value += state.values[0]!;
      for (const [to, total] of state.given) {
        const taken = states[to]!.taken.get(node);
        weight += total.weight - (taken?.weight ?? 0);
        value += total.values[0]! - (taken?.values[0] ?? 0);
      }
    });
    expect(weight).closeTo(12, 1e-10);
    expect(value).closeTo(24, 1e-10);
  });

  it('takes a message that comes late or twice for what it is', () => {
    const two = mixingGraph({ kind: 'complete' }, 2, moment);
    const [a, b] = placesOf(two);
    const first = pushSum.send(pushSum.start(Float64Array.of(8)), a!);
    const second = pushSum.send(first.state, a!);
    // A gives 4 and keeps 4, then gives 2: all it gave is 6.
    const both = new Map([[0, second.messages.get(1)!]]);
    const before = pushSum.start(Float64Array.of(1));
    const after = pushSum.receive(before, b!, both);
    expect([after.values[0], after.weight]).deep.equal([7, 1.75]);
    expect(pushSum.receive(after, b!, both)).deep.equal(after);
    expect(pushSum.receive(after, b!, new Map([[0, first.messages.get(1)!]]))).deep.equal(after);
  });

  it('refuses weights that shrink, are none or are no number', () => {
    const [, b] = placesOf(mixingGraph({ kind: 'complete' }, 2, moment));
    const message = (
      count: number,
      weight: number,
    ): Map<number, { count: number; weight: number; values: Float64Array }> =>
      new Map([[0, { count, weight, values: Float64Array.of(1) }]]);
    const once = pushSum.receive(pushSum.start(Float64Array.of(1)), b!, message(1, 0.5));
    expect(() => pushSum.receive(once, b!, message(2, 0.4))).throw(GossipError, 'not shrunk');
    for (const weight of [0, -1, NaN, Infinity]) {
      const bytes = pushSum.codec.encode(message(1, weight).get(0)!);
      expect(() => pushSum.codec.decode(bytes, new Float64Array(1)), String(weight)).throw(
        GossipError,
      );
    }
  });
});

describe('CHOCO', () => {
  const graph = mixingGraph({ kind: 'torus' }, 9, moment);
  const rules: readonly (readonly [Compression, number])[] = [
    [{ kind: 'none' }, 1],
    [{ kind: 'bf16' }, 1],
    [{ kind: 'int8' }, 0.9],
    [{ kind: 'int4' }, 0.7],
    [{ kind: 'sign' }, 0.3],
    [{ kind: 'top-k', share: 0.1 }, 0.2],
    [{ kind: 'random-k', share: 0.2 }, 0.2],
    [{ kind: 'low-rank', rank: 1, rows: 8, iterations: 2 }, 0.2],
  ];

  it('brings all to the mean with every compression, and keeps the mean', () => {
    const starts = startVectors(9, 64, 'compressed').map((x) => x.map((value) => value + 1));
    for (const [compression, consensusStep] of rules) {
      const rule = choco({ compression, consensusStep, seed: 'c' });
      let states = starts.map(rule.start);
      for (let step = 0; step < 400; step++) states = roundOf(rule, states, graph);
      const models = states.map(({ model }) => model);
      expect(distance(models) / distance(starts), compression.kind).below(1e-3);
      const centre = centreOf(starts);
      centreOf(models).forEach((value, i) => expect(value).closeTo(centre[i]!, 1e-9));
    }
  });

  it('refuses a message that is missing, out of order or of another length', () => {
    const rule = choco({ compression: { kind: 'none' }, consensusStep: 1, seed: 'c' });
    const [a, b] = placesOf(mixingGraph({ kind: 'complete' }, 2, moment));
    const first = rule.send(rule.start(Float64Array.of(1)), a!);
    const second = rule.send(first.state, a!);
    const other = rule.send(rule.start(Float64Array.of(2)), b!).state;
    expect(() => rule.receive(other, b!, new Map())).throw(
      GossipError,
      'message 1 of node 0, got none',
    );
    const late = new Map([[0, second.messages.get(1)!]]);
    expect(() => rule.receive(other, b!, late)).throw(GossipError, 'message 1 of node 0, got 2');
    const long = new Map([[0, { number: 1, bytes: new Uint8Array(8) }]]);
    expect(() => rule.receive(other, b!, long)).throw(GossipError, 'expected 4 bytes, got 8');
    expect(() => rule.codec.decode(new Uint8Array(3), new Float64Array(1))).throw(GossipError);
  });
});

describe('every algorithm', () => {
  const graph = mixingGraph({ kind: 'ring' }, 5, moment);
  const change = (model: Float64Array, node: number): Float64Array =>
    model.map((value) => -0.1 * (value - node));

  function holds<State, Message>(name: string, algorithm: MixingAlgorithm<State, Message>): void {
    it(`${name} goes on from a copy of its state with the same bits, and leaves states as they are`, () => {
      let states = startVectors(5, 7, 'copy').map((x) => algorithm.start(x));
      for (let round = 0; round < 4; round++) states = runNodes(algorithm, states, graph, change);
      const copy = structuredClone(states);
      const after = runNodes(algorithm, states, graph, change);
      expect(states).deep.equal(copy);
      expect(runNodes(algorithm, copy, graph, change)).deep.equal(after);
    });

    it(`${name} has messages that are as long as told, and come back from their bytes`, () => {
      const [place] = placesOf(graph);
      const state = algorithm.trained(
        algorithm.start(Float64Array.of(1, 2, 3)),
        Float64Array.of(0.5, 0, 0),
      );
      for (const message of algorithm.send(state, place!).messages.values()) {
        const bytes = algorithm.codec.encode(message);
        expect(bytes.byteLength).equal(algorithm.codec.bytes(message));
        expect(algorithm.codec.decode(bytes, new Float64Array(3))).deep.equal(message);
      }
    });

    it(`${name} takes any bytes as a message of its kind, or refuses them`, () => {
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
          try {
            const message = algorithm.codec.decode(bytes, new Float64Array(3));
            expect(algorithm.codec.encode(message)).deep.equal(bytes);
          } catch (error) {
            expect(error).instanceOf(GossipError);
          }
        }),
      );
    });
  }

  holds('gossip', gossipAveraging);
  holds('D-PSGD', dpsgd);
  holds('gradient tracking', gradientTracking);
  holds('push-sum', pushSum);
  holds('CHOCO', choco({ compression: { kind: 'int8' }, consensusStep: 0.5, seed: 's' }));
});

describe('what is done to local training', () => {
  it('FedProx adds μ (x - start) to the gradient', () => {
    const model = Float32Array.of(3, -1);
    const start = Float32Array.of(1, 1);
    const gradient = proximalGradient(Float32Array.of(10, 20), { model, start, strength: 0.5 });
    expect([...gradient]).deep.equal([11, 19]);
  });

  it("the outer step is PyTorch's Nesterov", () => {
    // torch.optim.SGD(lr=0.5, momentum=0.5, nesterov=True) on gradients -4 and -2: buffers -4, -4; steps 0.5 · (4 + 2), 0.5 · (2 + 2).
    const rule = { rate: 0.5, momentum: 0.5 };
    const first = outerChange(Float64Array.of(4), null, rule);
    const second = outerChange(Float64Array.of(2), first.momentum, rule);
    expect([first.change[0], second.change[0], second.momentum[0]]).deep.equal([3, 2, 4]);
  });

  it('mixing outer changes where all hear all is the outer step on the mean change', () => {
    const rule = { rate: 0.7, momentum: 0.9 };
    const changes = [[1, 5, -3], [2, 2, 2], [0, -1, 4]]; // prettier-ignore
    const graph = mixingGraph({ kind: 'complete' }, 3, moment);
    let states = [0, 0, 0].map((x) => gossipAveraging.start(Float64Array.of(x)));
    const momenta: (Float64Array | null)[] = [null, null, null];
    let [x, buffer] = [0, 0];
    for (const round of changes) {
      states = states.map((state, i) => {
        const outer = outerChange(Float64Array.of(round[i]!), momenta[i]!, rule);
        momenta[i] = outer.momentum;
        return gossipAveraging.trained(state, outer.change);
      });
      states = roundOf(gossipAveraging, states, graph);
      const mean = round.reduce((sum, value) => sum + value, 0) / 3;
      buffer = 0.9 * buffer + mean;
      x += 0.7 * (mean + 0.9 * buffer);
      for (const { model } of states) expect(model[0]).closeTo(x, 1e-12);
    }
  });

  it('personal layers stay at home', () => {
    const part = sharedPart(6, [{ start: 1, end: 3 }, { start: 5, end: 6 }]); // prettier-ignore
    const model = Float32Array.of(0, 1, 2, 3, 4, 5);
    expect(part.length).equal(3);
    expect([...part.take(model)]).deep.equal([0, 3, 4]);
    expect([...part.put(model, Float32Array.of(10, 13, 14))]).deep.equal([10, 1, 2, 13, 14, 5]);
    expect([...model]).deep.equal([0, 1, 2, 3, 4, 5]);
  });

  it('ranges of personal layers that overlap or lie outside are refused, and vectors of other lengths', () => {
    const wrong = [[[0, 2], [1, 3]], [[2, 1]], [[0, 7]], [[-1, 2]], [[0.5, 1]]]; // prettier-ignore
    for (const ranges of wrong) {
      const personal = ranges.map(([start, end]) => ({ start: start!, end: end! }));
      expect(() => sharedPart(6, personal), JSON.stringify(ranges)).throw(GossipError);
    }
    const part = sharedPart(6, []);
    expect(() => part.take(new Float32Array(5))).throw(GossipError, 'expected 6 values, got 5');
    expect(() => part.put(new Float32Array(6), new Float32Array(7))).throw(GossipError);
  });
});
