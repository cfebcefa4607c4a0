/** Where a phantom's heart and chest lie in the world, and the coordinates of each voxel in them. */
import type { Random } from '../../base/index.ts';
import type { PhantomSettings } from '../settings.ts';
import {
  addVectors,
  crossProduct,
  dotProduct,
  lengthOf,
  rotateAbout,
  scaleVector,
  stepAlong,
  subtractVectors,
  unitVector,
  type Rotation,
  type Vector3,
} from '../volume/vector.ts';
import {
  invertAffine,
  rasAffine,
  voxelCount,
  voxelToWorld,
  type Geometry,
  type Shape3,
} from '../volume/volume.ts';
import type { Frame, VoxelSteps } from './canvas.ts';

const degree = Math.PI / 180;

/** Valve axis in the heart's own frame: 40 degrees from up, to the right and a little forward. */
export const canonicalAxis: Vector3 = [
  Math.sin(40 * degree) * Math.cos(20 * degree),
  Math.sin(40 * degree) * Math.sin(20 * degree),
  Math.cos(40 * degree),
];

/** In the annulus plane of the heart's own frame, as far forward as it goes. */
export const canonicalForward: Vector3 = unitVector(
  stepAlong([0, 1, 0], canonicalAxis, -dotProduct([0, 1, 0], canonicalAxis)),
);

/** No distortion nearer to the annulus centre than this, so that true points stay exact. */
const stiffMm = 30;
const softMm = 55;

/** A frame that can also send points into the world. */
export interface PlacedFrame extends Frame {
  /** Exact within 30 mm of the frame's origin. */
  readonly toWorld: (point: Vector3) => Vector3;
}

/** Heart and chest of one patient on one grid. */
export interface Pose {
  readonly geometry: Geometry;
  readonly heart: PlacedFrame;
  readonly chest: PlacedFrame;
}

/** Draws a number of -half to half, each as likely. */
export function evenIn(random: Random): (half: number) => number {
  return (half) => (2 * random.uniform() - 1) * half;
}

/** Draws where the field of an image lies in the world, and its middle in RAS mm. */
export function drawField(
  random: Random,
  { shape, spacingMm }: PhantomSettings,
): { readonly geometry: Geometry; readonly centre: Vector3 } {
  const even = evenIn(random);
  const origin: Vector3 = [even(40) - 70, even(40) + 20, even(200)];
  const geometry: Geometry = { shape, affine: rasAffine(spacingMm, origin) };
  const [depth, height, width] = shape;
  const middle: Vector3 = [(width - 1) / 2, (height - 1) / 2, (depth - 1) / 2];
  return { geometry, centre: voxelToWorld(geometry.affine, middle) };
}

/** Draws a pose. The annulus lies anywhere in the middle of the field, its plane tilted 20 to 60 degrees. */
export function drawPose(random: Random, settings: PhantomSettings): Pose {
  const { shape, spacingMm, poseSpread } = settings;
  const even = evenIn(random);
  const { geometry, centre } = drawField(random, settings);
  const [depth, height, width] = shape;
  // The heart's middle lies left, behind and below the annulus; leave 35 mm around the root.
  const shiftAlong = (extentMm: number, mean: number): number => {
    const room = Math.max(0, extentMm / 2 - 35);
    return Math.max(-room, Math.min(room, mean + even(Math.min(24, room) * poseSpread)));
  };
  const annulus = addVectors(centre, [
    shiftAlong(width * spacingMm[2], 8),
    shiftAlong(height * spacingMm[1], 6),
    shiftAlong(depth * spacingMm[0], 8),
  ]);
  const heart = placeFrame(geometry, annulus, heartRotation(random, poseSpread), drawWarp(random));
  const chestAt = addVectors(annulus, [even(7 * poseSpread), even(3), even(12 * poseSpread)]);
  const chestTurn = smallRotation(random, 6 * poseSpread);
  const chest = placeFrame(geometry, chestAt, chestTurn, null);
  return { geometry, heart, chest };
}

/** Tilt of the valve's axis 20 to 60 degrees, its direction and the roll about it at random. */
export function heartRotation(random: Random, spread: number): Rotation {
  const even = (half: number): number => (2 * random.uniform() - 1) * half;
  const tilt = (40 + even(20 * Math.min(1, spread))) * degree;
  const azimuth = (20 + even(25 * spread)) * degree;
  const roll = even(18 * spread) * degree;
  const axis: Vector3 = [
    Math.sin(tilt) * Math.cos(azimuth),
    Math.sin(tilt) * Math.sin(azimuth),
    Math.cos(tilt),
  ];
  const cross = crossProduct(canonicalAxis, axis);
  const sine = lengthOf(cross);
  const turn = Math.atan2(sine, dotProduct(canonicalAxis, axis));
  const about: Vector3 = sine < 1e-9 ? axis : scaleVector(cross, 1 / sine);
  const place = (vector: Vector3): Vector3 =>
    rotateAbout(rotateAbout(vector, about, turn), axis, roll);
  return [place([1, 0, 0]), place([0, 1, 0]), place([0, 0, 1])];
}

/** Turns about each axis by a normal angle, two deviations at most. */
export function smallRotation(random: Random, stdDevDegrees: number): Rotation {
  const angle = (): number => Math.max(-2, Math.min(2, random.normal())) * stdDevDegrees * degree;
  const [a, b, c] = [angle(), angle(), angle()];
  const place = (vector: Vector3): Vector3 =>
    rotateAbout(rotateAbout(rotateAbout(vector, [1, 0, 0], a), [0, 1, 0], b), [0, 0, 1], c);
  return [place([1, 0, 0]), place([0, 1, 0]), place([0, 0, 1])];
}

/** Adds to a place how far it is moved: writes the new place into `out`. No objects: once per voxel. */
type Warp = (x: number, y: number, z: number, out: Float64Array) => void;

/** Smooth waves that make no two hearts alike away from the root; up to 4 mm. */
function drawWarp(random: Random): Warp {
  const waves = Array.from({ length: 6 }, (_, n) => {
    const lengthMm = 60 + 60 * random.uniform();
    const way = unitVector([random.normal(), random.normal(), random.normal() + 0.01]);
    const [wx, wy, wz] = scaleVector(way, (2 * Math.PI) / lengthMm);
    const heightMm = 0.8 + 1.2 * random.uniform();
    const phase = 2 * Math.PI * random.uniform();
    return { wx, wy, wz, heightMm, phase, axis: n % 3 };
  });
  return (x, y, z, out) => {
    out[0] = x;
    out[1] = y;
    out[2] = z;
    const share = (Math.sqrt(x * x + y * y + z * z) - stiffMm) / (softMm - stiffMm);
    if (share <= 0) return;
    const fade = share >= 1 ? 1 : share * share * (3 - 2 * share);
    for (const { wx, wy, wz, heightMm, phase, axis } of waves) {
      const wave = Math.sin(wx * x + wy * y + wz * z + phase);
      out[axis] = (out[axis] ?? 0) + fade * heightMm * wave;
    }
  };
}

/** A frame without distortion. */
export interface StraightFrame {
  /** Place of the first voxel in the frame. */
  readonly first: Vector3;
  readonly steps: VoxelSteps;
  readonly toWorld: (point: Vector3) => Vector3;
}

/** The frame whose origin is at `originInWorld` and whose axes are the columns of `rotation`. */
export function straightFrame(
  { affine }: Geometry,
  originInWorld: Vector3,
  rotation: Rotation,
): StraightFrame {
  const turnBack = (way: Vector3): Vector3 => [
    dotProduct(rotation[0], way),
    dotProduct(rotation[1], way),
    dotProduct(rotation[2], way),
  ];
  const corner = voxelToWorld(affine, [0, 0, 0]);
  const stepOf = (ijk: Vector3): Vector3 =>
    turnBack(subtractVectors(voxelToWorld(affine, ijk), corner));
  return {
    first: turnBack(subtractVectors(corner, originInWorld)),
    steps: [stepOf([1, 0, 0]), stepOf([0, 1, 0]), stepOf([0, 0, 1])],
    toWorld: (point) => {
      let world = originInWorld;
      for (const axis of [0, 1, 2] as const) {
        world = stepAlong(world, rotation[axis], point[axis]);
      }
      return world;
    },
  };
}

function placeFrame(
  geometry: Geometry,
  originInWorld: Vector3,
  rotation: Rotation,
  warp: Warp | null,
): PlacedFrame {
  const { shape, affine } = geometry;
  const inverse = invertAffine(affine);
  const { first, steps, toWorld } = straightFrame(geometry, originInWorld, rotation);
  return {
    ...voxelCoordinates(shape, first, steps, warp),
    toVoxel: (point) => voxelToWorld(inverse, toWorld(point)),
    toWorld,
    steps,
    marginMm: 5,
  };
}

function voxelCoordinates(
  shape: Shape3,
  first: Vector3,
  [si, sj, sk]: VoxelSteps,
  warp: Warp | null,
): { x: Float32Array; y: Float32Array; z: Float32Array } {
  const [depth, height, width] = shape;
  const count = voxelCount(shape);
  const out = {
    x: new Float32Array(count),
    y: new Float32Array(count),
    z: new Float32Array(count),
  };
  const place = new Float64Array(3);
  const [dx, dy, dz] = si;
  let index = 0;
  for (let k = 0; k < depth; k++) {
    for (let j = 0; j < height; j++) {
      const [fx, fy, fz] = stepAlong(stepAlong(first, sk, k), sj, j);
      for (let i = 0; i < width; i++, index++) {
        place[0] = fx + i * dx;
        place[1] = fy + i * dy;
        place[2] = fz + i * dz;
        if (warp !== null) warp(place[0], place[1], place[2], place);
        out.x[index] = place[0];
        out.y[index] = place[1];
        out.z[index] = place[2];
      }
    }
  }
  return out;
}

/** Points of the heart's frame in the world. */
export function placedPoints<Name extends string>(
  points: Readonly<Record<Name, Vector3>>,
  { toWorld }: Pick<PlacedFrame, 'toWorld'>,
): Record<Name, Vector3> {
  const entries = Object.entries<Vector3>(points).map(([name, at]) => [name, toWorld(at)]);
  return Object.fromEntries(entries) as Record<Name, Vector3>;
}
