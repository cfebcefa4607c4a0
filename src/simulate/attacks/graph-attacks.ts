/**
 * Attacks on mixing that use the graph: pure functions from what honest nodes have and how they are connected to what a liar
 * tells each of its neighbours. A liar may tell each another model. docs/specs/robust-rules.md
 */
import type { Vector } from '../../gossip/index.ts';

/** The honest nodes, by their places: models, and weights of the edges between them (0 for none; the diagonal is not read). */
export interface HonestGraph {
  readonly models: readonly Vector[];
  /** W_ij, symmetric. */
  readonly weights: readonly (readonly number[])[];
}

/**
 * Dissensus (He, Karimireddy and Jaggi 2022): what liars tell the honest node i so that its honest neighbours do not draw it:
 * x_i - ε · Σ W_ik (x_k - x_i) / (weight of its edges to liars), k over honest neighbours. With ε = 1 plain mixing leaves x_i
 * where it is; above, nodes drift apart.
 */
export function dissensus(
  { models, weights }: HonestGraph,
  node: number,
  liarWeight: number,
  epsilon: number,
): Float64Array {
  const own = models[node] as Vector;
  const out = Float64Array.from(own);
  for (const [k, model] of models.entries()) {
    const weight = weights[node]?.[k] ?? 0;
    if (k === node || weight === 0) continue;
    const pull = (epsilon * weight) / liarWeight;
    for (let t = 0; t < out.length; t++) {
      out[t] = (out[t] as number) - pull * ((model[t] as number) - (own[t] as number));
    }
  }
  return out;
}

/**
 * Spectral heterogeneity (Gaucher, Dieuleveut and Hendrikx 2025): what liars tell the honest node i so that the two loosest
 * parts of the graph drift apart: x_i + ε · e_i Σ_k e_k x_k, with e the eigenvector of the second smallest eigenvalue of the
 * honest graph's Laplacian (Fiedler's).
 */
export function spectralLie(graph: HonestGraph, node: number, epsilon: number): Float64Array {
  const fiedler = fiedlerVector(graph.weights);
  const out = Float64Array.from(graph.models[node] as Vector);
  const own = fiedler[node] ?? 0;
  for (const [k, model] of graph.models.entries()) {
    const factor = epsilon * own * (fiedler[k] ?? 0);
    for (let t = 0; t < out.length; t++) {
      out[t] = (out[t] as number) + factor * (model[t] as number);
    }
  }
  return out;
}

/** Steps of the power iteration: enough for graphs of some hundred nodes. */
const powerSteps = 20_000;

/** Unit eigenvector of the second smallest eigenvalue of D - W, its first entry that is not 0 above 0. By power iteration. */
export function fiedlerVector(weights: readonly (readonly number[])[]): number[] {
  const count = weights.length;
  const degrees = weights.map((row, i) =>
    row.reduce((sum, weight, j) => (i === j ? sum : sum + weight), 0),
  );
  // No eigenvalue of a Laplacian is larger: the largest of shift - L beside the constant is what is wanted.
  const shift = 2 * Math.max(...degrees, 0) + 1e-12;
  let vector = centred(Array.from({ length: count }, (_, i) => i + 1 / (i + 1)));
  for (let step = 0; step < powerSteps; step++) {
    const now = vector;
    const next = centred(
      now.map((own, i) => {
        const drawn = (weights[i] ?? []).reduce(
          (sum, weight, j) => (i === j ? sum : sum + weight * (now[j] as number)),
          0,
        );
        return (shift - (degrees[i] as number)) * own + drawn;
      }),
    );
    const moved = Math.max(...next.map((x, i) => Math.abs(x - (now[i] as number))));
    vector = next;
    if (moved < 1e-14) break;
  }
  const first = vector.find((x) => Math.abs(x) > 1e-9) ?? 1;
  return first < 0 ? vector.map((x) => -x) : vector;
}

/** Without its mean, of length 1. */
function centred(vector: readonly number[]): number[] {
  const mean = vector.reduce((sum, x) => sum + x, 0) / vector.length;
  const rest = vector.map((x) => x - mean);
  const length = Math.sqrt(rest.reduce((sum, x) => sum + x * x, 0));
  return length === 0 ? rest : rest.map((x) => x / length);
}
