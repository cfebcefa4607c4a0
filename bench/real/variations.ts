/**
 * One CT in twenty guises: turned, cropped, resampled, with noise, with values cut off. Each knows how a place in it goes back
 * into the CT that it was made from. The same seed makes the same.
 */
import type { Random } from '../../src/base/index.ts';
import {
  addVectors,
  resample,
  resampleOnto,
  spacingOf,
  stepAlong,
  subtractVectors,
  voxelToWorld,
  worldToVoxel,
  type Geometry,
  type Vector3,
  type Volume,
} from '../../src/data/index.ts';
import { rotateAbout, unitVector } from '../../src/data/volume/vector.ts';

/** What is done to the CT. */
export type VariationKind = 'rotation' | 'crop' | 'resampling' | 'noise' | 'window';

/** One guise of a CT. */
export interface Variation {
  readonly kind: VariationKind;
  /** What was done, for people. */
  readonly title: string;
  readonly make: (ct: Volume) => Volume;
  /** A place in the guise, RAS mm, in the space of the CT itself. */
  readonly back: (at: Vector3) => Vector3;
}

/** A turn of the patient about a line. */
export interface Turn {
  readonly centre: Vector3;
  /** One long. */
  readonly axis: Vector3;
  readonly angleRad: number;
}

/** A box of voxels: the first, and how many, along [depth, height, width]. */
export interface Box {
  readonly first: Vector3;
  readonly shape: Vector3;
}

const rotations = 8;
const angleDeg = { least: 5, most: 20 } as const;
const crops = 4;
/** Stays on all sides of the root, mm: less than 50 mm of a root is refused. */
const keptMm = 45;
/** Share of what lies farther out that a crop takes away on a side, at most. */
const takenShareMax = 0.8;
/** mm along [depth, height, width]. */
const spacings: readonly Vector3[] = [
  [0.8, 0.8, 0.8],
  [3, 3, 3],
  [3, 0.8, 0.8],
  [1, 2.4, 1.6],
];
const noisesHu = [25, 60] as const;
const clips = [
  { title: 'values below -200 HU cut off', low: -200, high: Infinity },
  { title: 'values above 600 HU cut off', low: -Infinity, high: 600 },
] as const;
const airHu = -1024;

/** All twenty. @param aims middles of the heart and of the root, RAS mm */
export function variationsOf(
  ct: Geometry,
  aims: { readonly heart: Vector3; readonly root: Vector3 },
  random: Random,
): Variation[] {
  const asIs = (at: Vector3): Vector3 => at;
  const turns = Array.from({ length: rotations }, (_, n): Variation => {
    const turn = drawTurn(random.fork(`rotation ${n}`), aims.heart, n);
    return {
      kind: 'rotation',
      title: `turned by ${((turn.angleRad * 180) / Math.PI).toFixed(0)}° about (${turn.axis.map((part) => part.toFixed(2)).join(', ')})`,
      make: (volume) => turned(volume, turn),
      back: (at) => turnBack(turn, at),
    };
  });
  const cut = Array.from({ length: crops }, (_, n): Variation => {
    const box = drawBox(random.fork(`crop ${n}`), ct, aims.root);
    return {
      kind: 'crop',
      title: `cropped to ${sizeText(ct, box)}`,
      make: (volume) => cropped(volume, box),
      back: asIs,
    };
  });
  const grids = spacings.map((spacingMm): Variation => ({
    kind: 'resampling',
    title: `resampled to ${spacingMm.join(' x ')} mm`,
    make: (volume) => resample(volume, spacingMm, 'smooth'),
    back: asIs,
  }));
  const noisy = noisesHu.map((hu, n): Variation => ({
    kind: 'noise',
    title: `with noise of ${hu} HU`,
    make: (volume) => withNoise(volume, hu, random.fork(`noise ${n}`)),
    back: asIs,
  }));
  const clipped = clips.map(({ title, low, high }): Variation => ({
    kind: 'window',
    title,
    make: (volume) => ({
      ...volume,
      data: volume.data.map((hu) => Math.min(high, Math.max(low, hu))),
    }),
    back: asIs,
  }));
  return [...turns, ...cut, ...grids, ...noisy, ...clipped];
}

/** A random axis; angles are spread evenly, so that every seed has small and large ones. */
function drawTurn(random: Random, centre: Vector3, n: number): Turn {
  const axis = unitVector([random.normal(), random.normal(), random.normal()]);
  const degrees = angleDeg.least + ((angleDeg.most - angleDeg.least) * n) / (rotations - 1);
  return { centre, axis, angleRad: (degrees * Math.PI) / 180 };
}

/** Where a place of the CT lies after a turn. */
export function turnPlace({ centre, axis, angleRad }: Turn, at: Vector3): Vector3 {
  return addVectors(centre, rotateAbout(subtractVectors(at, centre), axis, angleRad));
}

/** Where a place after a turn was before it. */
export function turnBack(turn: Turn, at: Vector3): Vector3 {
  return turnPlace({ ...turn, angleRad: -turn.angleRad }, at);
}

/** The patient turned, on the grid that there was: what was outside of it is air. */
export function turned(ct: Volume, turn: Turn): Volume {
  const corner = turnPlace(turn, voxelToWorld(ct.affine, [0, 0, 0]));
  const steps = ([[1, 0, 0], [0, 1, 0], [0, 0, 1]] as const).map((ijk) =>
    subtractVectors(turnPlace(turn, voxelToWorld(ct.affine, ijk)), corner),
  ); // prettier-ignore
  const row = (n: 0 | 1 | 2): number[] => [...steps.map((step) => step[n]), corner[n]];
  const affine = Float64Array.of(...row(0), ...row(1), ...row(2), 0, 0, 0, 1);
  return resampleOnto({ ...ct, affine }, ct, 'linear', airHu);
}

/** Each of six sides comes nearer to the root by a share of its own of what lies beyond `keptMm`. */
function drawBox(random: Random, { shape, affine }: Geometry, root: Vector3): Box {
  const [i, j, k] = worldToVoxel(affine, root);
  const spacing = spacingOf(affine);
  const ends = ([k, j, i] as const).map((middle, axis) => {
    const count = shape[axis] as number;
    const kept = keptMm / (spacing[axis] as number);
    const below = Math.max(0, middle - kept) * takenShareMax * random.uniform();
    const above = Math.max(0, count - 1 - middle - kept) * takenShareMax * random.uniform();
    return [Math.floor(below), count - Math.floor(above)] as const;
  });
  const of = (pick: (end: readonly [number, number]) => number): Vector3 =>
    ends.map(pick) as unknown as Vector3;
  return { first: of(([low]) => low), shape: of(([low, high]) => high - low) };
}

/** The voxels of a box, each where it was. */
export function cropped(ct: Volume, { first, shape }: Box): Volume {
  const [fromK, fromJ, fromI] = first;
  const [depth, height, width] = shape;
  const [, rows, columns] = ct.shape;
  const data = new Float32Array(depth * height * width);
  for (let k = 0; k < depth; k++) {
    for (let j = 0; j < height; j++) {
      const from = ((k + fromK) * rows + j + fromJ) * columns + fromI;
      data.set(ct.data.subarray(from, from + width), (k * height + j) * width);
    }
  }
  const corner = voxelToWorld(ct.affine, [fromI, fromJ, fromK]);
  const affine = Float64Array.from(ct.affine);
  corner.forEach((mm, row) => (affine[row * 4 + 3] = mm));
  return { data, shape, affine };
}

function withNoise(ct: Volume, hu: number, random: Random): Volume {
  return { ...ct, data: ct.data.map((value) => value + hu * random.normal()) };
}

function sizeText({ affine }: Geometry, { shape }: Box): string {
  const spacing = spacingOf(affine);
  const [depth, height, width] = shape.map((count, axis) => count * (spacing[axis] ?? 0));
  return `${[width, height, depth].map((mm) => (mm ?? 0).toFixed(0)).join(' x ')} mm`;
}

/** A place by steps along the patient's axes, for those who have no mask: the middle of an image. */
export function imageMiddle({ shape, affine }: Geometry): Vector3 {
  const [depth, height, width] = shape;
  const corner = voxelToWorld(affine, [0, 0, 0]);
  const far = voxelToWorld(affine, [width - 1, height - 1, depth - 1]);
  return stepAlong(corner, subtractVectors(far, corner), 0.5);
}
