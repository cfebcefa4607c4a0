/** Figures of merit: Dice, point distances in mm, and their summary over cases. */
import type { Triple } from './spec.ts';

/** A position in mm in the scanner's RAS space. */
export type Point = readonly [number, number, number];

/**
 * 2·|P ∩ T| / (|P| + |T|) of the voxels that are `value`. `null` when the truth has none: there is nothing
 * to find, so the case is left out and counted, not scored.
 */
export function dice(prediction: Uint8Array, truth: Uint8Array, value: number): number | null {
  let both = 0;
  let predicted = 0;
  let present = 0;
  for (let i = 0; i < truth.length; i++) {
    const inTruth = truth[i] === value;
    const inPrediction = prediction[i] === value;
    if (inTruth) present++;
    if (inPrediction) predicted++;
    if (inTruth && inPrediction) both++;
  }
  return present === 0 ? null : (2 * both) / (predicted + present);
}

/** What point errors need from the grid that the label map lies on. */
export interface PointGeometry {
  readonly shape: Triple;
  /** Centre of the largest connected component of `value`, as [d, h, w] in voxels; `null` if absent. */
  readonly centreOf: (
    labels: Uint8Array,
    shape: Triple,
    value: number,
  ) => readonly [number, number, number] | null;
  /** [d, h, w] in voxels to mm. */
  readonly toWorld: (voxel: Point) => Point;
}

/** One landmark of one case. `errorMm` is `null` when the prediction has no voxel of it: missed. */
export interface PointError {
  readonly label: string;
  readonly predicted: Point | null;
  readonly errorMm: number | null;
}

/**
 * The distance in mm of each true point from the centre of its label in `labels`.
 * @param truth true positions in mm by name
 * @param valueOf label values by the same names; a name of `truth` without a value is left out
 */
export function pointErrors(
  labels: Uint8Array,
  truth: Readonly<Record<string, Point>>,
  valueOf: Readonly<Record<string, number>>,
  geometry: PointGeometry,
): PointError[] {
  return Object.entries(truth).flatMap(([label, point]): PointError[] => {
    const value = valueOf[label];
    if (value === undefined) return [];
    const centre = geometry.centreOf(labels, geometry.shape, value);
    if (centre === null) return [{ label, predicted: null, errorMm: null }];
    const predicted = geometry.toWorld(centre);
    return [{ label, predicted, errorMm: distance(predicted, point) }];
  });
}

/** Euclidean, in the unit of its arguments. */
export function distance(a: Point, b: Point): number {
  return Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
}

/** A distribution in five numbers. */
export interface Summary {
  /** Values given, `null` ones included. */
  readonly n: number;
  /** How many of them were `null`: points missed, or cases in which the score is undefined. */
  readonly nullCount: number;
  /** `nullCount / n`; 0 when there is nothing. For point errors this is the miss rate. */
  readonly nullRate: number;
  /** Of the values that are not `null`; `null` when there are none. */
  readonly median: number | null;
  readonly lowerQuartile: number | null;
  readonly upperQuartile: number | null;
}

/** Median and quartiles by linear interpolation between order statistics (R's type 7, NumPy's default). */
export function summarise(values: readonly (number | null)[]): Summary {
  const sorted = values.filter((value) => value !== null).sort((a, b) => a - b);
  const nullCount = values.length - sorted.length;
  return {
    n: values.length,
    nullCount,
    nullRate: values.length === 0 ? 0 : nullCount / values.length,
    median: quantile(sorted, 0.5),
    lowerQuartile: quantile(sorted, 0.25),
    upperQuartile: quantile(sorted, 0.75),
  };
}

/**
 * Median when a missed value counts as larger than any: a method that finds only what is easy does not win by it. `null`
 * when half or more are missed, or there is nothing.
 */
export function medianWithMissed(values: readonly (number | null)[]): number | null {
  const sorted = values.map((value) => value ?? Infinity).sort((a, b) => a - b);
  const median = quantile(sorted, 0.5);
  return Number.isFinite(median) ? median : null;
}

/** `null` for an empty list. @param sorted ascending */
export function quantile(sorted: ArrayLike<number>, share: number): number | null {
  const place = (sorted.length - 1) * share;
  const below = sorted[Math.floor(place)];
  const above = sorted[Math.ceil(place)];
  if (below === undefined || above === undefined) return null;
  return below + (above - below) * (place - Math.floor(place));
}
