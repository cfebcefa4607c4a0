/**
 * Robust means that are mixtures of the updates: how much each update enters, from the way they lie to each other alone.
 * docs/specs/robust-rules.md. Only + - * / and roots of float64 in a fixed order: the same on every machine for members in
 * the same order.
 */
import type { RobustRule } from '../../wire/index.ts';
import type { Geometry } from './gram.ts';
import { lowerMedian, unitsOf } from './shares.ts';

/** Kinds that are mixtures; the others look at each parameter by itself. */
export type MixtureRule = Exclude<RobustRule, { kind: 'trimmed-mean' | 'median' }>;

/** ν of RFA: no distance counts as less. In units of a parameter's change. */
const smoothing = 1e-6;

/** Coefficients a_i of the robust mean Σ a_i x_i. @param shares of sum 1, in the order of the points */
export function mixtureOf(
  geometry: Geometry,
  shares: readonly number[],
  rule: MixtureRule,
): number[] {
  if (geometry.count === 0) return [];
  switch (rule.kind) {
    case 'centred-clip':
      return centredClip(geometry, shares, rule.radiusMicro / 1e6, rule.iterations);
    case 'norm-clip':
      return normClip(geometry, shares, rule.radiusMicro / 1e6);
    case 'geometric-median':
      return geometricMedian(geometry, shares, rule.iterations);
    case 'multi-krum':
      return multiKrum(geometry, shares, rule.tolerated);
  }
}

/**
 * v ← v + Σ p_i (x_i - v) · min(1, τ / |x_i - v|), from the medoid, with τ so many weighted medians of the |x_i - v|.
 * A point where this rests is Huber's estimate of the middle. Karimireddy, He and Jaggi 2021, with weights.
 */
function centredClip(
  geometry: Geometry,
  shares: readonly number[],
  times: number,
  iterations: number,
): number[] {
  const units = unitsOf(shares);
  let mixture = medoid(geometry, shares);
  for (let step = 0; step < iterations; step++) {
    const distances = geometry.distancesTo(mixture);
    const radius = times * lowerMedian(distances, units);
    const pulls = shares.map((share, i) => share * shortening(distances[i] as number, radius));
    const kept = 1 - sumOf(pulls);
    mixture = mixture.map((one, i) => one * kept + (pulls[i] as number));
  }
  return mixture;
}

/** The member with the smallest weighted sum of distances to all, the first of several. */
function medoid({ distances }: Geometry, shares: readonly number[]): number[] {
  const costs = distances.map((row) =>
    row.reduce((sum, square, j) => sum + (shares[j] as number) * Math.sqrt(square), 0),
  );
  const best = costs.indexOf(Math.min(...costs));
  return shares.map((_, i) => (i === best ? 1 : 0));
}

/** Σ p_i x_i · min(1, τ / |x_i|), with τ so many weighted medians of the |x_i|. Sun et al. 2019, with weights. */
function normClip({ squares }: Geometry, shares: readonly number[], times: number): number[] {
  const norms = squares.map(Math.sqrt);
  const radius = times * lowerMedian(norms, unitsOf(shares));
  return shares.map((share, i) => share * shortening(norms[i] as number, radius));
}

function shortening(length: number, radius: number): number {
  return length <= radius ? 1 : radius / length;
}

/** Weiszfeld from the mean: a_i ∝ p_i / max(ν, |x_i - v|). Pillutla, Kakade and Harchaoui 2022. */
function geometricMedian(
  geometry: Geometry,
  shares: readonly number[],
  iterations: number,
): number[] {
  let mixture = normalised(shares);
  for (let step = 0; step < iterations; step++) {
    const distances = geometry.distancesTo(mixture);
    mixture = normalised(
      shares.map((share, i) => share / Math.max(smoothing, distances[i] as number)),
    );
  }
  return mixture;
}

/**
 * The weighted mean of the n - f members with the smallest sums of squared distances to their n - f - 2 nearest others; f is at
 * most what n ≥ 2f + 3 allows, and with f = 0 it is the mean. Blanchard et al. 2017.
 */
function multiKrum(
  { distances }: Geometry,
  shares: readonly number[],
  tolerated: number,
): number[] {
  const count = shares.length;
  const f = Math.min(tolerated, Math.max(0, Math.floor((count - 3) / 2)));
  if (f === 0) return normalised(shares);
  const scores = distances.map((row, i) => {
    const others = row.filter((_, j) => j !== i).sort((a, b) => a - b);
    return sumOf(others.slice(0, count - f - 2));
  });
  const chosen = new Set(smallestFirst(scores).slice(0, count - f));
  return normalised(shares.map((share, i) => (chosen.has(i) ? share : 0)));
}

/**
 * NNM: for each member the coefficients of the weighted mean of its n - f nearest, itself among them; f is at most what
 * n ≥ 2f + 1 allows. Allouah et al. 2023.
 */
export function nearestMixing(
  { distances }: Geometry,
  shares: readonly number[],
  tolerated: number,
): number[][] {
  const count = shares.length;
  const f = Math.min(tolerated, Math.floor((count - 1) / 2));
  return distances.map((row) => {
    const near = new Set(smallestFirst(row).slice(0, count - f));
    return normalised(shares.map((share, j) => (near.has(j) ? share : 0)));
  });
}

/** Places of the values from the smallest on; of equal ones the first first. */
function smallestFirst(values: readonly number[]): number[] {
  const order = values.map((_, i) => i);
  return order.sort((a, b) => (values[a] as number) - (values[b] as number) || a - b);
}

function normalised(values: readonly number[]): number[] {
  const total = sumOf(values);
  return values.map((value) => value / total);
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
