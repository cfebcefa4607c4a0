/** Graphs, their rates and the algorithms over them against numpy. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect } from 'chai';
import { seededRandom } from '../../src/base/index.ts';
import {
  choco,
  compress,
  decompress,
  dpsgd,
  gossipAveraging,
  gradientTracking,
  graphFactor,
  mixingGraph,
  mixingRate,
  type MixingGraph,
  type Topology,
} from '../../src/gossip/index.ts';
import { centreOf, distance, roundOf, runNodes, startVectors } from '../gossip/mixing/runs.ts';
import { projectRoot } from '../project-root.ts';
import { python } from './torch.ts';

const sizes = [8, 16, 32, 64, 100];
const moment = { seed: 'numpy', round: 0, step: 0 };
const kinds: readonly Topology[] = [
  { kind: 'ring' },
  { kind: 'torus' },
  { kind: 'exponential' },
  { kind: 'regular', degree: 6, redrawn: false },
];

interface Answers {
  readonly drawn: readonly (readonly [number, number])[][];
  readonly factors: readonly number[];
  readonly choco: readonly {
    readonly models: readonly number[][];
    readonly gamma: number;
    readonly rate: number;
    readonly errors: readonly number[];
  }[];
  readonly learning: {
    readonly dpsgd: readonly number[][];
    readonly tracking: readonly number[][];
    readonly optimum: readonly number[];
  };
  readonly lowRank: readonly number[];
  readonly bf16: readonly number[];
}

/** Ring, torus and exponential are built by numpy from their definitions; a drawn graph is told by its edges. */
function question({ kind }: Topology, graph: MixingGraph): object {
  const edges = graph.incoming.flatMap((links, node) =>
    links.filter(({ from }) => from < node).map(({ from }) => [from, node]),
  );
  return { kind, size: graph.size, edges: kind === 'regular' ? edges : [] };
}

const graphs = kinds.flatMap((topology) =>
  sizes.map((size) => ({ topology, size, graph: mixingGraph(topology, size, moment) })),
);
const drawnKinds: readonly Topology[] = [
  { kind: 'regular', degree: 6, redrawn: true },
  { kind: 'erdos-renyi', edgeRate: 0.2, redrawn: true },
  { kind: 'el-oracle', degree: 6 },
  { kind: 'el-local', degree: 6 },
  { kind: 'matching' },
];
const drawnAt = { seed: 'drawn in Python', round: 7, step: 2 };
const drawnGraphs = drawnKinds.flatMap((topology) =>
  [14, 15, 32, 100].map((size) => ({ topology, size })),
);
const ringOf9 = mixingGraph({ kind: 'ring' }, 9, moment);
const starts = startVectors(9, 20, 'choco');
const random = seededRandom('quadratics');
const quadratics = {
  a: Array.from({ length: 9 }, () => 0.5 + random.uniform()),
  b: Array.from({ length: 9 }, () => [random.normal(), random.normal()]),
};
const matrixValues = Array.from({ length: 20 * 30 }, () => random.normal());
const floats = [1, -1, 1.00390625, 1.01171875, 0.1, -3.3e38, 1e-40, 0];

describe('numpy', function () {
  this.timeout(120_000);
  let answers: Answers;

  before(() => {
    const ring = { kind: 'ring', size: 9 };
    const questions = {
      graphs: graphs.map(({ topology, graph }) => question(topology, graph)),
      drawn: drawnGraphs.map(({ topology, size }) => ({
        ...{ degree: 0, ...topology, size, ...drawnAt },
      })),
      choco: [
        { graph: ring, start: starts.map((x) => [...x]), k: 2, steps: 60, consensusStep: 0.2 },
        { graph: ring, start: starts.map((x) => [...x]), k: 10, steps: 2000 },
      ],
      learning: { graph: ring, ...quadratics, rate: 0.1, steps: 400 },
      lowRank: { values: matrixValues, rows: 20 },
      bf16: floats,
    };
    const script = join(projectRoot, 'test/interop/mixing_answers.py');
    const input = JSON.stringify(questions);
    const done = spawnSync(python, ['-B', script], { encoding: 'utf8', input, maxBuffer: 2 ** 26 });
    expect(done.status, `this test needs ${python} with python3-numpy: ${done.stderr}`).equal(0);
    answers = JSON.parse(done.stdout) as Answers;
  });

  it('gives the second largest eigenvalues that we give', () => {
    graphs.forEach(({ topology, size, graph }, i) => {
      const say = `${topology.kind} of ${size}`;
      expect(graphFactor(graph), say).closeTo(answers.factors[i]!, 1e-9);
      expect(mixingRate(topology, size, moment.seed).perStep, say).closeTo(
        answers.factors[i]!,
        1e-9,
      );
    });
  });

  it('is not needed to draw the same graphs in Python', () => {
    drawnGraphs.forEach(({ topology, size }, i) => {
      const { incoming } = mixingGraph(topology, size, drawnAt);
      const links = incoming.flatMap((heard, to) =>
        heard.filter(({ from }) => from !== to).map(({ from }) => [from, to] as const),
      );
      links.sort(([a, b], [c, d]) => a - c || b - d);
      expect(answers.drawn[i], `${topology.kind} of ${size}`).deep.equal(links);
    });
  });

  it('predicts how fast nodes with quadratic losses come together, within 5 %', () => {
    // f_i(x) = |x|² / 2 and steps of 0.1: the distance from the mean shrinks by 0.9 times the factor.
    graphs.forEach(({ topology, size, graph }, i) => {
      const factor = answers.factors[i]!;
      let states = startVectors(size, 3, 'contraction').map(gossipAveraging.start);
      const step = (): void => {
        states = runNodes(gossipAveraging, states, graph, (x) => x.map((value) => -0.1 * value));
      };
      // Long enough for the slowest direction alone to be left, and short enough for rounding.
      const settle = Math.min(2000, Math.ceil(4 / (1 - factor)));
      for (let t = 0; t < settle; t++) step();
      const before = distance(states.map(({ model }) => model));
      const measured = 20;
      for (let t = 0; t < measured; t++) step();
      const perStep = (distance(states.map(({ model }) => model)) / before) ** (1 / measured);
      expect(perStep / (0.9 * factor), `${topology.kind} of ${size}`).within(0.95, 1.05);
    });
  });

  it('gives the models of CHOCO-Gossip with the two largest of 20 numbers', () => {
    const rule = choco({
      compression: { kind: 'top-k', share: 0.1 },
      consensusStep: 0.2,
      seed: 's',
    });
    let states = starts.map(rule.start);
    for (let t = 0; t < 60; t++) states = roundOf(rule, states, ringOf9);
    states.forEach(({ model }, node) => {
      model.forEach((value, i) => {
        expect(value).closeTo(answers.choco[0]!.models[node]![i]!, 1e-5);
      });
    });
  });

  it("finds CHOCO's errors below the published linear rate, theirs and ours", () => {
    // Koloskova, Stich, Jaggi 2019, Theorem 2: e_t ≤ (1 - δ²ω/82)^t e_0.
    const { gamma, rate, errors } = answers.choco[1]!;
    const rule = choco({
      compression: { kind: 'top-k', share: 0.5 },
      consensusStep: gamma,
      seed: 's',
    });
    let states = starts.map(rule.start);
    const centre = centreOf(starts);
    for (let t = 0; t < 2000; t++) {
      states = roundOf(rule, states, ringOf9);
      if (t % 100 !== 99) continue;
      const models = states.map(({ model }) => model);
      const estimates = states.map(({ estimates: all }, i) => all.get(i)!.values);
      const toEstimates = models.map((x, i) => x.map((value, j) => value - estimates[i]![j]!));
      const error =
        distance(models) ** 2 + toEstimates.flatMap((x) => [...x]).reduce((s, v) => s + v * v, 0);
      // Ours is after the step, so that it stands for e_{t+1} or less.
      const bound = rate ** (t + 1) * errors[0]!;
      expect(error, `step ${t}`).below(bound);
      expect(errors[t], `numpy's step ${t}`).below(bound);
      centreOf(models).forEach((value, i) => expect(value).closeTo(centre[i]!, 1e-9));
    }
  });

  it('gives the models of D-PSGD and of gradient tracking, and only the latter is at the optimum', () => {
    const { a, b } = quadratics;
    const change = (x: Float64Array, node: number): Float64Array =>
      x.map((value, i) => -0.1 * a[node]! * (value - b[node]![i]!));
    const zeros = Array.from({ length: 9 }, () => new Float64Array(2));
    let plain = zeros.map(dpsgd.start);
    let tracking = zeros.map(gradientTracking.start);
    for (let t = 0; t < 400; t++) {
      plain = runNodes(dpsgd, plain, ringOf9, change);
      tracking = runNodes(gradientTracking, tracking, ringOf9, change);
    }
    const { optimum, ...models } = answers.learning;
    for (let node = 0; node < 9; node++) {
      for (let i = 0; i < 2; i++) {
        expect(plain[node]!.model[i]).closeTo(models.dpsgd[node]![i]!, 1e-10);
        expect(tracking[node]!.model[i]).closeTo(models.tracking[node]![i]!, 1e-10);
        expect(tracking[node]!.model[i]).closeTo(optimum[i]!, 1e-6);
      }
    }
    const off = Math.max(...plain.map(({ model }) => Math.abs(model[0]! - optimum[0]!)));
    expect(off).above(0.05);
  });

  it('knows no approximation of a rank much better than ours, and none better', () => {
    const values = Float64Array.from(matrixValues);
    for (const rank of [1, 4, 20]) {
      const rule = { kind: 'low-rank', rank, rows: 20, iterations: 8 } as const;
      const read = decompress(rule, compress(rule, values, 'k'), { length: 600, key: 'k' });
      const error = values.reduce((sum, value, i) => sum + (value - read[i]!) ** 2, 0);
      const best = answers.lowRank[rank]!;
      expect(error, `rank ${rank}`).within(best * (1 - 1e-6), best * 1.05 + 1e-9);
    }
  });

  it('rounds to bf16 as we do', () => {
    const bytes = compress({ kind: 'bf16' }, Float64Array.from(floats), 'k');
    expect([...new Uint16Array(bytes.buffer)]).deep.equal(answers.bf16);
  });
});
