/**
 * Finds the points of one aortic root in probability maps. A map of a whole chest has likely places that are no root: each point for
 * itself would take the likeliest of them. Here the points are chosen together: of all choices that can be one root
 * (`rootFindings` says nothing against them) the one with the most evidence.
 */
import type { ChannelVolume } from '../../models/index.ts';
import { meanApartMm, type FoundPoint } from './mean-root.ts';
import {
  blurred,
  distanceBetween,
  pointNames,
  rootFindings,
  spacingOf,
  taskIds,
  tasks,
  voxelToWorld,
  worldToVoxel,
  type Geometry,
  type PointName,
  type RootPoints,
  type Vector3,
} from '../../data/index.ts';

/** Probability of each point in each voxel, [d][h][w], 0 to 1. */
export type PointMaps = ReadonlyMap<PointName, Float32Array>;

/** A place where a point may be. */
interface Candidate {
  readonly voxel: number;
  readonly probability: number;
  readonly position: Vector3;
}

/** Places looked at for each point. */
const candidatesMax = 12;
/** What leaving a point out costs: a place that is less likely is not taken. More than a head that knows nothing gives: one in six. */
const likelyEnough = 0.2;
/** Blur before places are compared: a lump as large as the spheres that were taught counts more than a speck. */
const blurMm = 3;
/** Two places of one point are at least so far apart. */
const apartMm = 6;
/** Around a place, what belongs to it. */
export const reachMm = 12;
/** Choices looked at, the likeliest first: more than any image of a heart has needed, and noise ends here too. */
const choicesMax = 100_000;

/** How much such a distance varies between patients and by a model's own error of 3 mm a point, mm. */
const apartSpreadMm = 5;
/** Of six distances of a point about two say something of their own. */
const apartWeight = 1 / 3;

/** The probability of every point that a head knows, out of the heads' logits. */
export function pointMaps(heads: ReadonlyMap<string, ChannelVolume>): Map<PointName, Float32Array> {
  const maps = new Map<PointName, Float32Array>();
  for (const id of taskIds) {
    const logits = heads.get(id);
    if (logits === undefined || tasks[id].kind !== 'points') continue;
    const names = tasks[id].labels as readonly PointName[];
    const { data, channels } = logits;
    const own = names.map(() => new Float32Array(data.length / channels));
    for (let voxel = 0; voxel < data.length / channels; voxel++) {
      const row = data.subarray(voxel * channels, (voxel + 1) * channels);
      const most = row.reduce((a, b) => Math.max(a, b));
      const sum = row.reduce((total, logit) => total + Math.exp(logit - most), 0);
      own.forEach((map, n) => (map[voxel] = Math.exp((row[n + 1] as number) - most) / sum));
    }
    names.forEach((name, n) => maps.set(name, own[n] as Float32Array));
  }
  return maps;
}

/** Mean over all points that were looked for; one that was not found counts 0. */
export function meanProbability(root: readonly FoundPoint[], sought: number): number {
  return root.reduce((sum, { probability }) => sum + probability, 0) / sought;
}

/**
 * The points of the likeliest root, in the order of `pointNames`; none when there is none.
 *
 * @param probabilityMin a place that is less likely is not taken; lower where it is known that there is a root
 */
export function findRoot(
  maps: PointMaps,
  geometry: Geometry,
  probabilityMin: number = likelyEnough,
): FoundPoint[] {
  const sought = pointNames.filter((name) => maps.has(name));
  const places = sought.map((name) =>
    candidatesOf(maps.get(name) as Float32Array, geometry, probabilityMin),
  );
  const chosen = likeliest(sought, places, probabilityMin);
  return sought.flatMap((name, at) => {
    const place = chosen[at] ?? null;
    if (place === null) return [];
    return [
      {
        name,
        probability: place.probability,
        position: middleOf(maps.get(name) as Float32Array, geometry, place),
      },
    ];
  });
}

/** The likeliest places, most likely first. */
function candidatesOf(map: Float32Array, geometry: Geometry, probabilityMin: number): Candidate[] {
  const { shape, affine } = geometry;
  const [d, h, w] = spacingOf(affine);
  const smooth = blurred(map, shape, [blurMm / d, blurMm / h, blurMm / w]);
  // A head that knows nothing of a point says the same of every place.
  const mean = map.reduce((sum, value) => sum + value, 0) / map.length;
  const least = Math.max(probabilityMin, 2 * mean);
  const peaks = localMaxima(smooth, geometry, least).filter(
    (voxel) => (smooth[voxel] as number) >= least,
  );
  peaks.sort((a, b) => (smooth[b] as number) - (smooth[a] as number) || a - b);
  const kept: Candidate[] = [];
  for (const voxel of peaks) {
    const position = voxelToWorld(affine, placeOf(voxel, geometry));
    if (kept.some((other) => distanceBetween(other.position, position) < apartMm)) continue;
    kept.push({ voxel, position, probability: smooth[voxel] as number });
    if (kept.length === candidatesMax) break;
  }
  return kept;
}

/** Voxels that are as likely as all 26 around them, and likelier than one. */
function localMaxima(
  map: Float32Array,
  { shape: [depth, height, width] }: Geometry,
  probabilityMin: number,
): number[] {
  const found: number[] = [];
  for (let d = 0; d < depth; d++) {
    for (let h = 0; h < height; h++) {
      for (let w = 0; w < width; w++) {
        const at = (d * height + h) * width + w;
        const value = map[at] as number;
        if (value < probabilityMin) continue;
        let isPeak = true;
        let isFlat = true;
        for (let z = Math.max(0, d - 1); isPeak && z <= Math.min(depth - 1, d + 1); z++) {
          for (let y = Math.max(0, h - 1); isPeak && y <= Math.min(height - 1, h + 1); y++) {
            for (let x = Math.max(0, w - 1); x <= Math.min(width - 1, w + 1); x++) {
              const other = map[(z * height + y) * width + x] as number;
              if (other > value) isPeak = false;
              if (other < value) isFlat = false;
            }
          }
        }
        if (isPeak && !isFlat) found.push(at);
      }
    }
  }
  return found;
}

/** A place or null for each name: of all choices that can be one root the one with the most evidence; the first of equal ones. */
function likeliest(
  names: readonly PointName[],
  places: readonly (readonly Candidate[])[],
  probabilityMin: number,
): (Candidate | null)[] {
  const gain = ({ probability }: Candidate): number => Math.log(probability / probabilityMin);
  /** The most that the names from `n` on can still add. */
  const hope = places.map((_, n) =>
    places.slice(n).reduce((sum, [first]) => sum + (first === undefined ? 0 : gain(first)), 0),
  );
  let best: { readonly evidence: number; readonly choice: (Candidate | null)[] } = {
    evidence: 0,
    choice: [],
  };
  let looked = 0;
  const walk = (
    n: number,
    choice: readonly (Candidate | null)[],
    points: RootPoints,
    evidence: number,
  ): void => {
    if (evidence + (hope[n] ?? 0) <= best.evidence || ++looked > choicesMax) return;
    const name = names[n];
    if (name === undefined) {
      best = { evidence, choice: [...choice] };
      return;
    }
    for (const place of places[n] ?? []) {
      const more = { ...points, [name]: place.position };
      if (rootFindings(more).length > 0) continue;
      walk(
        n + 1,
        [...choice, place],
        more,
        evidence + gain(place) - oddness(name, place.position, points),
      );
    }
    walk(n + 1, [...choice, null], points, evidence);
  };
  walk(0, [], {}, 0);
  return best.choice;
}

/** What speaks against a point at the distances that it has from the others. */
function oddness(name: PointName, position: Vector3, others: RootPoints): number {
  return Object.entries(others).reduce((sum, [other, at]) => {
    const mean = meanApartMm(other as PointName, name);
    return sum + (apartWeight / 2) * ((distanceBetween(at, position) - mean) / apartSpreadMm) ** 2;
  }, 0);
}

/** The middle of the probability around a place, between voxels. */
function middleOf(map: Float32Array, geometry: Geometry, { position }: Candidate): Vector3 {
  // From the nearest voxel to the middle, then around the middle: what is cut off is cut off evenly.
  const near = meanPlace(map, geometry, position);
  return meanPlace(map, geometry, near);
}

/** Where the probability within reach of a place lies in the mean. */
function meanPlace(map: Float32Array, geometry: Geometry, around: Vector3): Vector3 {
  let sum = 0;
  const away: [number, number, number] = [0, 0, 0];
  eachNear(geometry, around, (voxel, at) => {
    const weight = map[voxel] as number;
    sum += weight;
    for (const axis of [0, 1, 2] as const) {
      const mm = at[axis] - around[axis];
      away[axis] += weight * mm;
    }
  });
  const [x, y, z] = [away[0] / sum, away[1] / sum, away[2] / sum];
  return [around[0] + x, around[1] + y, around[2] + z];
}

/** Visits the voxels within reach of a place. */
function eachNear(
  { affine, shape }: Geometry,
  around: Vector3,
  visit: (voxel: number, at: Vector3) => void,
): void {
  const [i, j, k] = worldToVoxel(affine, around);
  const [z, y, x] = spacingOf(affine);
  const range = (middle: number, mm: number, count: number): [number, number] => [
    Math.max(0, Math.ceil(middle - reachMm / mm)),
    Math.min(count - 1, Math.floor(middle + reachMm / mm)),
  ];
  const [depth, height, width] = shape;
  const [kLow, kHigh] = range(k, z, depth);
  const [jLow, jHigh] = range(j, y, height);
  const [iLow, iHigh] = range(i, x, width);
  for (let d = kLow; d <= kHigh; d++) {
    for (let h = jLow; h <= jHigh; h++) {
      for (let w = iLow; w <= iHigh; w++) {
        const at = voxelToWorld(affine, [w, h, d]);
        if (distanceBetween(at, around) <= reachMm) visit((d * height + h) * width + w, at);
      }
    }
  }
}

/** Voxel (i, j, k) of an index. */
function placeOf(voxel: number, { shape: [, height, width] }: Geometry): Vector3 {
  return [voxel % width, Math.floor(voxel / width) % height, Math.floor(voxel / (width * height))];
}
