/**
 * Training patches: where they are cut, how they are rotated and scaled.
 *
 * A patch is resampled from the case's volume in one pass (rotation, scaling and translation together), so that
 * interpolation blurs it once. There is no mirroring: the labels are sided.
 */
import { invariant, type Random } from '../../base/index.ts';
import type { SoftLabel } from '../../models/index.ts';
import { aroundOne, augment, happens } from './augmentation.ts';
import { heartHead, heartValue, type HeartUse } from '../heart-map.ts';
import type { SamplingSettings } from '../settings.ts';
import { transformMatrix } from '../spatial-transform.ts';

type Triple = readonly [number, number, number];
type Nine = readonly [...Triple, ...Triple, ...Triple];

/** One case, normalised, with the label maps that its hospital holds. Memory order [d][h][w]. */
export interface TrainingCase {
  readonly id: string;
  readonly shape: Triple;
  /** Normalised intensities. */
  readonly image: Float32Array;
  /** Label maps by task, expert or pseudo; a task without a label is absent. */
  readonly labels: ReadonlyMap<string, Uint8Array>;
  /** Heart structures; absent where nobody segmented them. */
  readonly heart?: Uint8Array;
  /** What teachers said beside the labels, by task; most labels have nothing of the kind. */
  readonly soft?: ReadonlyMap<string, SoftMaps>;
  /** Index of every labelled voxel, by task: a list for each label value that occurs, ascending. */
  readonly foreground: ReadonlyMap<string, readonly Int32Array[]>;
}

/** In bytes, 255 for 1; null where the labels are certain, or all voxels weigh alike. */
export interface SoftMaps {
  /** [voxel][class] */
  readonly probabilities: Uint8Array | null;
  /** [voxel] */
  readonly weights: Uint8Array | null;
}

/** A patch ready for the model: `image` [d·h·w] of `size`, one label map per task that the case has. */
export interface Patch {
  readonly size: Triple;
  readonly image: Float32Array;
  readonly labels: ReadonlyMap<string, Int32Array>;
  /** The heart's structures [d·h·w], 0 for none to 1, where it was asked for. */
  readonly heart?: Float32Array;
  /** By task, for those of `labels` that are not certain or whose voxels weigh differently. */
  readonly soft?: ReadonlyMap<string, SoftLabel>;
}

/** Lists the labelled voxels of a map, a list for each value that occurs, for oversampling of the foreground. */
export function foregroundOf(labels: Uint8Array): Int32Array[] {
  const byValue = new Map<number, number[]>();
  labels.forEach((value, index) => {
    if (value === 0) return;
    const indices = byValue.get(value) ?? [];
    if (indices.length === 0) byValue.set(value, indices);
    indices.push(index);
  });
  const ascending = [...byValue].sort(([a], [b]) => a - b);
  return ascending.map(([, indices]) => Int32Array.from(indices));
}

/** Where a patch comes from. */
export interface PatchSource {
  readonly source: TrainingCase;
  /** The task whose structure it is cut around; null for anywhere. */
  readonly about: string | null;
}

/**
 * The case of the next patch. A patch that is to show a structure comes from a case that has it: a patient without calcium
 * would fill a batch with background, however often the structure is asked for.
 */
export function drawSource(
  cases: readonly TrainingCase[],
  tasks: readonly string[],
  random: Random,
  foregroundShare: number,
): PatchSource {
  if (random.uniform() < foregroundShare) {
    const having = (task: string): TrainingCase[] =>
      cases.filter(({ foreground }) => (foreground.get(task)?.length ?? 0) > 0);
    const shown = tasks.filter((task) => having(task).length > 0);
    const about = shown[random.integer(Math.max(1, shown.length))];
    if (about !== undefined) {
      const candidates = having(about);
      const source = candidates[random.integer(candidates.length)] as TrainingCase;
      return { source, about };
    }
  }
  // Every case once before any comes again would need state; uniform draws do not.
  return { source: cases[random.integer(cases.length)] as TrainingCase, about: null };
}

/** Cuts one patch of `size` voxels for the heads `tasks`. */
export function drawPatch(
  { source, about }: PatchSource,
  tasks: readonly string[],
  size: Triple,
  random: Random,
  settings: SamplingSettings,
  heartUse: HeartUse = 'none',
): Patch {
  const held = tasks.filter((task) => source.labels.has(task));
  invariant(held.length > 0, 'a patch is cut from a case that holds a label of its heads');
  const centre = onGrid(drawCentre(source, about, size, random), size);
  const matrix = drawTransform(random, settings);
  const image = new Float32Array(size[0] * size[1] * size[2]);
  const labels = new Map(held.map((task) => [task, new Int32Array(image.length)]));
  const heart = heartUse === 'none' ? undefined : source.heart;
  const isShown = heart !== undefined || held.some((task) => source.soft?.has(task) === true);
  const shown = isShown ? new Int32Array(image.length).fill(-1) : null;
  if (matrix === null) crop(source, centre, size, image, labels, shown);
  else resample(source, centre, matrix, size, image, labels, shown);
  augment(image, size, random, settings);
  if (shown === null) return { size, image, labels };
  const soft = softOf(source, held, shown);
  if (heart === undefined) return { size, image, labels, soft };
  const structures = Int32Array.from(shown, (voxel) => (voxel < 0 ? 0 : (heart[voxel] as number)));
  if (heartUse === 'head') labels.set(heartHead, structures);
  return { size, image, labels, soft, heart: Float32Array.from(structures, heartValue) };
}

/** What teachers said of the voxels that a patch shows; outside of the volume (-1) there is background for certain. */
function softOf(
  { soft, image }: TrainingCase,
  tasks: readonly string[],
  shown: Int32Array,
): Map<string, SoftLabel> {
  const labels = new Map<string, SoftLabel>();
  for (const task of tasks) {
    const maps = soft?.get(task);
    if (maps === undefined) continue;
    const { probabilities, weights } = maps;
    const label: { probabilities?: Float32Array; weights?: Float32Array } = {};
    if (weights !== null) {
      label.weights = Float32Array.from(shown, (voxel) =>
        voxel < 0 ? 1 : (weights[voxel] as number) / 255,
      );
    }
    if (probabilities !== null) {
      const classes = probabilities.length / image.length;
      label.probabilities = softRows(probabilities, classes, shown);
    }
    labels.set(task, label);
  }
  return labels;
}

/** Rows of bytes as distributions: their rounded sum is made 1. */
function softRows(bytes: Uint8Array, classes: number, voxels: Int32Array): Float32Array {
  const rows = new Float32Array(voxels.length * classes);
  voxels.forEach((voxel, n) => {
    const to = n * classes;
    if (voxel < 0) {
      rows[to] = 1;
      return;
    }
    const row = bytes.subarray(voxel * classes, (voxel + 1) * classes);
    const sum = row.reduce((total, byte) => total + byte, 0);
    for (let c = 0; c < classes; c++) rows[to + c] = (row[c] as number) / sum;
  });
  return rows;
}

/** The nearest centre at which a patch that is not transformed lies on the source's voxels: a crop, not a blur. */
function onGrid(
  centre: readonly [number, number, number],
  size: Triple,
): readonly [number, number, number] {
  return centre.map((at, axis) => {
    const toFirst = ((size[axis] ?? 0) - 1) / 2;
    return Math.round(at - toFirst) + toFirst;
  }) as [number, number, number];
}

/** Centre of the patch in voxels of the source. */
function drawCentre(
  source: TrainingCase,
  about: string | null,
  size: Triple,
  random: Random,
): [number, number, number] {
  const inside = source.shape.map((extent, axis) => {
    const half = Math.min((size[axis] ?? 0) / 2, extent / 2);
    return half + random.uniform() * (extent - 2 * half) - 0.5;
  }) as [number, number, number];
  if (about === null) return inside;
  const values = source.foreground.get(about) ?? [];
  const voxels = values[random.integer(Math.max(1, values.length))];
  if (voxels === undefined) return inside; // the structure is absent in this patient
  const index = voxels[random.integer(voxels.length)] ?? 0;
  const [, height, width] = source.shape;
  const voxel = [
    Math.floor(index / (height * width)),
    Math.floor(index / width) % height,
    index % width,
  ];
  // The labelled voxel lies anywhere in the patch's inner half, not always at its middle.
  return voxel.map((at, axis) => {
    const extent = source.shape[axis] ?? 0;
    const edge = size[axis] ?? 0;
    const half = Math.min(edge / 2, extent / 2);
    const shifted = at + (random.uniform() - 0.5) * edge * 0.5;
    return Math.min(Math.max(shifted, half - 0.5), extent - half - 0.5);
  }) as [number, number, number];
}

/**
 * Row-major 3x3 matrix from patch offsets to source offsets: rotation about random axes times a scale; null where neither
 * happens.
 */
function drawTransform(random: Random, settings: SamplingSettings): Float64Array | null {
  const angle = (): number =>
    ((random.uniform() * 2 - 1) * (settings.rotationDegMax * Math.PI)) / 180;
  const isRotated = happens(random, settings.rotationProbability);
  const [a = 0, b = 0, c = 0] = isRotated ? [angle(), angle(), angle()] : [];
  const isScaled = happens(random, settings.scaleProbability);
  if (!isRotated && !isScaled) return null;
  const scale = isScaled
    ? aroundOne(random, settings.scaleDownShareMax, settings.scaleUpShareMax)
    : 1;
  return transformMatrix(a, b, c, scale);
}

/** What `resample` gives where nothing is transformed: the source's rows. */
function crop(
  source: TrainingCase,
  centre: readonly [number, number, number],
  size: Triple,
  image: Float32Array,
  labels: ReadonlyMap<string, Int32Array>,
  shown: Int32Array | null,
): void {
  const [depth, height, width] = source.shape;
  const [z0, y0, x0] = centre.map((at, axis) => at - ((size[axis] ?? 0) - 1) / 2) as [
    number,
    number,
    number,
  ];
  const [left, right] = [Math.max(0, -x0), Math.min(size[2], width - x0)];
  image.fill(darkest(source.image));
  if (left >= right) return;
  for (let z = Math.max(0, -z0); z < Math.min(size[0], depth - z0); z++) {
    for (let y = Math.max(0, -y0); y < Math.min(size[1], height - y0); y++) {
      const to = (z * size[1] + y) * size[2] + left;
      const from = ((z + z0) * height + y + y0) * width + x0 + left;
      const until = from + right - left;
      image.set(source.image.subarray(from, until), to);
      for (const [task, out] of labels) {
        out.set((source.labels.get(task) as Uint8Array).subarray(from, until), to);
      }
      if (shown !== null) for (let at = from; at < until; at++) shown[to + at - from] = at;
    }
  }
}

/**
 * Fills `image` trilinearly and `labels` by nearest voxel; outside the volume lies its darkest value and no label.
 * `shown`, where given, takes the index of the nearest voxel inside.
 */
function resample(
  source: TrainingCase,
  centre: readonly [number, number, number],
  matrix: Float64Array,
  size: Triple,
  image: Float32Array,
  labels: ReadonlyMap<string, Int32Array>,
  shown: Int32Array | null,
): void {
  const [depth, height, width] = source.shape;
  const plane = height * width;
  const volume = source.image;
  const air = darkest(volume);
  const [m0, m1, m2, m3, m4, m5, m6, m7, m8] = matrix as unknown as Nine;
  const outs = [...labels.values()];
  const froms = [...labels.keys()].map((task) => source.labels.get(task) as Uint8Array);
  const middle = (size[2] - 1) / 2;
  let at = 0;
  for (let z = 0; z < size[0]; z++) {
    const dz = z - (size[0] - 1) / 2;
    for (let y = 0; y < size[1]; y++) {
      const dy = y - (size[1] - 1) / 2;
      const rz = centre[0] + m0 * dz + m1 * dy;
      const ry = centre[1] + m3 * dz + m4 * dy;
      const rx = centre[2] + m6 * dz + m7 * dy;
      for (let x = 0; x < size[2]; x++, at++) {
        const dx = x - middle;
        const sz = rz + m2 * dx;
        const sy = ry + m5 * dx;
        const sx = rx + m8 * dx;
        const z0 = Math.floor(sz);
        const y0 = Math.floor(sy);
        const x0 = Math.floor(sx);
        const isInner =
          z0 >= 0 && y0 >= 0 && x0 >= 0 && z0 < depth - 1 && y0 < height - 1 && x0 < width - 1;
        // Most voxels have all eight neighbours: those are read without asking for each.
        image[at] = isInner
          ? eightMixed(
              volume,
              z0 * plane + y0 * width + x0,
              plane,
              width,
              sz - z0,
              sy - y0,
              sx - x0,
            )
          : atBorder(volume, source.shape, sz, sy, sx, air);
        // The nearest voxel, as Math.round has it and at a fraction of its cost.
        const nz = sz - z0 < 0.5 ? z0 : z0 + 1;
        const ny = sy - y0 < 0.5 ? y0 : y0 + 1;
        const nx = sx - x0 < 0.5 ? x0 : x0 + 1;
        if (nz < 0 || ny < 0 || nx < 0 || nz >= depth || ny >= height || nx >= width) continue;
        const nearest = nz * plane + ny * width + nx;
        for (let n = 0; n < froms.length; n++) {
          (outs[n] as Int32Array)[at] = (froms[n] as Uint8Array)[nearest] as number;
        }
        if (shown !== null) shown[at] = nearest;
      }
    }
  }
}

/** The trilinear mixture of the eight voxels from `first` on; the shares are those of the farther ones. */
function eightMixed(
  image: Float32Array,
  first: number,
  plane: number,
  width: number,
  z: number,
  y: number,
  x: number,
): number {
  const row = (at: number): number => {
    const near = image[at] as number;
    return near + x * ((image[at + 1] as number) - near);
  };
  const side = (at: number): number => {
    const near = row(at);
    return near + y * (row(at + width) - near);
  };
  const near = side(first);
  return near + z * (side(first + plane) - near);
}

/** The same where a neighbour may lie outside, as `outside`. */
function atBorder(
  image: Float32Array,
  [depth, height, width]: Triple,
  z: number,
  y: number,
  x: number,
  outside: number,
): number {
  const z0 = Math.floor(z);
  const y0 = Math.floor(y);
  const x0 = Math.floor(x);
  if (z0 < -1 || y0 < -1 || x0 < -1 || z0 >= depth || y0 >= height || x0 >= width) return outside;
  let sum = 0;
  for (let corner = 0; corner < 8; corner++) {
    const cz = z0 + (corner >> 2);
    const cy = y0 + ((corner >> 1) & 1);
    const cx = x0 + (corner & 1);
    const share = (1 - Math.abs(z - cz)) * (1 - Math.abs(y - cy)) * (1 - Math.abs(x - cx));
    const isInside = cz >= 0 && cy >= 0 && cx >= 0 && cz < depth && cy < height && cx < width;
    sum += share * (isInside ? (image[(cz * height + cy) * width + cx] ?? 0) : outside);
  }
  return sum;
}

/** Lowest value of each image that was asked for: a volume is cut a thousand times. */
const darkestOf = new WeakMap<Float32Array, number>();

function darkest(image: Float32Array): number {
  const known = darkestOf.get(image);
  if (known !== undefined) return known;
  let lowest = Infinity;
  for (const value of image) if (value < lowest) lowest = value;
  darkestOf.set(image, lowest);
  return lowest;
}
