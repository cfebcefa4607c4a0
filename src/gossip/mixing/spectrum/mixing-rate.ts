/** How fast a topology brings nodes together, from its weights alone. docs/specs/mixing.md, 5 */
import { keepsMean, listenerCounts, type MixingGraph } from '../mixing-graph.ts';
import { AgreedDraws } from '../topology/agreed-draws.ts';
import { mixingGraph, topologyCourse } from '../topology/step-graph.ts';
import type { Topology, TopologyCourse } from '../topology/topology.ts';
import { largestEigenvalue } from './lanczos.ts';
import { centred, dot, operatorOf, productOf, type Operator } from './sparse-matrix.ts';

/** What gossip over a topology does to the distance of nodes from their mean. */
export interface MixingRate {
  readonly course: TopologyCourse;
  /**
   * The factor of one step. Of a topology that stays: the second largest modulus of an eigenvalue. Of a cycle: the root of that of
   * its product. Of one that is drawn: the root of the expected square. 0 where a whole cycle gives the mean.
   */
  readonly perStep: number;
  /** 1 - `perStep`. */
  readonly gap: number;
  /** Steps until all have the mean but for rounding; null when they only come closer. */
  readonly exactAfter: number | null;
  /** Steps until the distance is a thousandth; null when it does not shrink. */
  readonly stepsToThousandth: number | null;
  /** Messages that a node sends in a step: the mean over nodes and steps, and the most of any. */
  readonly sendsMean: number;
  readonly sendsMax: number;
  /** Whether the mean stays what it was; if not, push-sum finds it. */
  readonly keepsMean: boolean;
}

/** Graphs that the expectation over a drawn topology is taken over: as many as have so many links together, within limits. */
const samples = { min: 8, max: 64, links: 2 ** 18 };

/** Below this a product is the mean but for rounding. */
const exact = 1e-10;

/**
 * The rate at which a topology mixes.
 * @throws {GossipError} 'bad_topology'
 */
export function mixingRate(topology: Topology, size: number, seed: string): MixingRate {
  const course = topologyCourse(topology, size);
  const first = mixingGraph(topology, size, { seed, round: 0, step: 0 });
  const count = graphCount(course, first);
  const graphs = Array.from({ length: count }, (_, step) =>
    step === 0 ? first : mixingGraph(topology, size, { seed, round: 0, step }),
  );
  const factor = size === 1 ? 0 : factorOf(topology, course, graphs);
  const isExact = course.kind !== 'drawn' && factor < exact;
  const perStep = isExact ? 0 : factor ** (course.kind === 'cycle' ? 1 / count : 1);
  const sends = graphs.map(listenerCounts);
  const total = sends.reduce((sum, counts) => sum + counts.reduce((a, b) => a + b, 0), 0);
  return {
    course,
    perStep,
    gap: 1 - perStep,
    exactAfter: isExact ? count : null,
    stepsToThousandth: isExact ? count : stepsTo(perStep),
    sendsMean: total / (size * count),
    sendsMax: Math.max(...sends.map((counts) => Math.max(...counts))),
    keepsMean: graphs.every(keepsMean),
  };
}

function graphCount(course: TopologyCourse, { incoming }: MixingGraph): number {
  if (course.kind !== 'drawn') return course.kind === 'static' ? 1 : course.length;
  const links = incoming.reduce((sum, { length }) => sum + length, 0);
  return Math.max(samples.min, Math.min(samples.max, Math.floor(samples.links / links)));
}

/** The factor of one static graph. */
export function graphFactor(graph: MixingGraph): number {
  return factorOfProduct(operatorOf(graph));
}

function stepsTo(perStep: number): number | null {
  return perStep < 1 - 1e-12 ? Math.max(1, Math.ceil(Math.log(1e-3) / Math.log(perStep))) : null;
}

function factorOf(
  topology: Topology,
  course: TopologyCourse,
  graphs: readonly MixingGraph[],
): number {
  if (course.kind !== 'drawn') return factorOfProduct(productOf(graphs.map(operatorOf)));
  const square = topology.kind === 'clusters' ? expectedSquare(graphs) : expectedTrace(graphs);
  return Math.sqrt(square);
}

/** Of one matrix, or of the product of a cycle. */
function factorOfProduct(operator: Operator): number {
  if (!isNormal(operator)) return spectralRadius(operator);
  const squared = (x: Float64Array): Float64Array =>
    operator.timesTransposed(centred(operator.times(x)));
  return Math.sqrt(largestEigenvalue(operator.size, squared));
}

/** Of a normal matrix, such as a symmetric one or a circulant, singular values are the moduli of eigenvalues. */
function isNormal(operator: Operator): boolean {
  const draws = new AgreedDraws('spectrum', 'normal');
  const x = Float64Array.from({ length: operator.size }, () => draws.uniform() - 0.5);
  const [a, b] = [
    operator.timesTransposed(operator.times(x)),
    operator.times(operator.timesTransposed(x)),
  ];
  const difference = a.map((value, i) => value - (b[i] as number));
  return dot(difference, difference) < 1e-24 * dot(x, x);
}

/**
 * Modulus of the largest eigenvalue beside that of the mean, by the growth of a vector over many products: the second half of
 * them, when only the largest is left. W 1 = 1, so that the mean may be taken off after each.
 */
function spectralRadius(operator: Operator): number {
  const draws = new AgreedDraws('spectrum', 'start');
  let x = centred(Float64Array.from({ length: operator.size }, () => draws.uniform() - 0.5));
  const rounds = 4000;
  let growth = 0;
  for (let round = 0; round < rounds; round++) {
    const before = Math.sqrt(dot(x, x));
    x = centred(operator.times(x.map((value) => value / before)));
    const after = Math.sqrt(dot(x, x));
    if (after < exact) return 0;
    if (round >= rounds / 2) growth += Math.log(after);
  }
  return Math.exp(growth / (rounds / 2));
}

/**
 * Where all nodes are alike to the draw, E[Wᵀ (I - J) W] is a multiple of I among vectors that sum to 0. That multiple is the
 * mean of its eigenvalues, which a few graphs tell well: (|W|² - Σ_j c_j² / n) / (n - 1), with c the sums of columns.
 */
function expectedTrace(graphs: readonly MixingGraph[]): number {
  const values = graphs.map(({ size, incoming }) => {
    const sums = new Float64Array(size);
    let squares = 0;
    for (const links of incoming) {
      for (const { from, weight } of links) {
        sums[from] = (sums[from] ?? 0) + weight;
        squares += weight * weight;
      }
    }
    return (squares - dot(sums, sums) / size) / (size - 1);
  });
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The largest eigenvalue of the mean of Wᵀ (I - J) W. */
function expectedSquare(graphs: readonly MixingGraph[]): number {
  const operators = graphs.map(operatorOf);
  const size = operators[0]?.size ?? 0;
  return largestEigenvalue(size, (x) => {
    const out = new Float64Array(size);
    for (const operator of operators) {
      const part = operator.timesTransposed(centred(operator.times(x)));
      for (let i = 0; i < size; i++)
        out[i] = (out[i] as number) + (part[i] as number) / operators.length;
    }
    return out;
  });
}
