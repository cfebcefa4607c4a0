/** The grid that slices lie on: sorted along their normal, at equal distances on one line, which a tilted gantry shears. */
import {
  crossProduct,
  dotProduct,
  lengthOf,
  scaleVector,
  stepAlong,
  subtractVectors,
  type Vector3,
} from '../volume/vector.ts';
import type { FrameFacts, Orientation } from './frames.ts';
import { breaks } from './refusal.ts';

/** A slice, and the file that it is in. */
export interface Placed extends FrameFacts {
  readonly file: string;
}

/** Slices in the order of k. */
export interface Stack<T extends Placed> {
  readonly slices: readonly T[];
  /** Voxel (i, j, k) to RAS mm. */
  readonly affine: Float64Array;
  readonly notes: readonly string[];
}

/** Slices nearer than this are at one place. */
const sameMm = 0.01;
/** How far from its place on the line a slice may be: positions are rounded, some to 0.1 mm. */
const offMmMax = 0.1;
/** And no farther than this part of a step. */
const offShareMax = 0.25;
/** A step that differs by more from the others' is a gap. */
const gapShare = 0.5;
const stepMm = { min: 0.05, max: 50 } as const;
/** Moves the corner of 250 mm by 0.25 mm; headers round to 4 decimals and more. */
const directionApart = 1e-3;
const spacingApartShare = 1e-3;
/** Directions that are off by more are worth a line. */
const directionNoted = 1e-3;
/** Below it, what a tilt shears is less than a tenth of a step. */
const shearNoted = 0.1;
const namedMax = 4;

/** @throws {DataError} 'dicom', naming the files: mixed_…, one_slice, duplicate_slices, several_phases, missing_slices, uneven_slices */
export function stackOf<T extends Placed>(frames: readonly T[]): Stack<T> {
  const [first] = frames;
  if (first === undefined || frames.length < 2) {
    throw breaks('one_slice', `${first?.file ?? ''}: expected two slices or more, got one`);
  }
  checkAlike(frames, first);
  const { orientation } = first;
  const normal = normalOf(orientation);
  const along = (slice: T): number => dotProduct(normal, slice.position);
  const slices = [...frames].sort((a, b) => along(a) - along(b) || (a.file < b.file ? -1 : 1));
  const places = slices.map(along);
  checkPlaces(slices, places);
  const step = checkLine(slices);
  const tilt = lengthOf(stepAlong(step, normal, -dotProduct(normal, step)));
  return {
    slices,
    affine: affineOf(slices[0] ?? first, step),
    notes: notesOn(orientation, step, tilt),
  };
}

/** Whether all slices look the same way and have pixels of one size. */
function checkAlike(frames: readonly Placed[], first: Placed): void {
  // The most common is what the series is; the others are named.
  const usual = commonest(frames, first);
  const turned = frames.filter(({ orientation }) =>
    orientation.some((value, n) => Math.abs(value - (usual.orientation[n] ?? 0)) > directionApart),
  );
  if (turned.length > 0) {
    throw breaks(
      'mixed_orientation',
      `${named(turned)}: ImageOrientationPatient: expected ${told(usual.orientation)} as in most slices, ` +
        `got ${told(turned[0]?.orientation ?? [])}`,
    );
  }
  const zoomed = frames.filter(({ pixelSpacing }) =>
    pixelSpacing.some(
      (mm, n) => Math.abs(mm / (usual.pixelSpacing[n] ?? mm) - 1) > spacingApartShare,
    ),
  );
  if (zoomed.length > 0) {
    throw breaks(
      'mixed_spacing',
      `${named(zoomed)}: PixelSpacing: expected ${told(usual.pixelSpacing)} mm as in most slices, ` +
        `got ${told(zoomed[0]?.pixelSpacing ?? [])}`,
    );
  }
}

function commonest(frames: readonly Placed[], first: Placed): Placed {
  const counts = new Map<string, { count: number; readonly one: Placed }>();
  for (const one of frames) {
    const key = [...one.orientation, ...one.pixelSpacing].map((value) => value.toFixed(3)).join();
    const entry = counts.get(key) ?? { count: 0, one };
    entry.count += 1;
    counts.set(key, entry);
  }
  return [...counts.values()].reduce((most, entry) => (entry.count > most.count ? entry : most), {
    count: 0,
    one: first,
  }).one;
}

/** Whether there is one slice at each place, and none is missing in between. */
function checkPlaces(slices: readonly Placed[], places: readonly number[]): void {
  const steps = places.slice(1).map((place, n) => place - (places[n] ?? place));
  const apart = steps.filter((step) => step > sameMm);
  const doubled = slices.filter(
    (_, n) => (steps[n] ?? Infinity) <= sameMm || (steps[n - 1] ?? Infinity) <= sameMm,
  );
  if (doubled.length > 0) {
    const placeCount = apart.length + 1;
    const everywhere =
      placeCount > 1 && slices.length % placeCount === 0 && doubled.length === slices.length;
    const rule = everywhere ? 'several_phases' : 'duplicate_slices';
    const count = slices.length / placeCount;
    throw breaks(
      rule,
      `${named(doubled)}: ImagePositionPatient: expected one slice at each place, got ` +
        (everywhere
          ? `${count} at each of ${placeCount} places, as of ${count} phases`
          : `${doubled.length} slices at places that others have`),
    );
  }
  const median = [...apart].sort((a, b) => a - b)[Math.floor(apart.length / 2)] ?? 0;
  if (!(median >= stepMm.min && median <= stepMm.max)) {
    throw breaks(
      'uneven_slices',
      `ImagePositionPatient: expected slices ${stepMm.min} to ${stepMm.max} mm apart, got ${told([median])}`,
    );
  }
  const at = steps.findIndex((step) => step > median * (1 + gapShare));
  if (at < 0) return;
  const [step = 0, before, after] = [steps[at], slices[at], slices[at + 1]];
  const missing = steps.reduce((sum, one) => sum + Math.max(0, Math.round(one / median) - 1), 0);
  throw breaks(
    'missing_slices',
    `between ${before?.file ?? ''} and ${after?.file ?? ''}: ImagePositionPatient: expected slices ` +
      `${told([median])} mm apart, got ${told([step])} mm: ${missing} missing of ${slices.length + missing}`,
  );
}

/** The step from slice to slice, when all lie on one line at equal distances. */
function checkLine(slices: readonly Placed[]): Vector3 {
  const [start, end] = [slices[0]?.position ?? zero, slices.at(-1)?.position ?? zero];
  const step = scaleVector(subtractVectors(end, start), 1 / (slices.length - 1));
  const offMax = Math.min(offMmMax, offShareMax * lengthOf(step));
  let [worst, most] = [slices[0], 0];
  for (const [k, slice] of slices.entries()) {
    const off = lengthOf(subtractVectors(slice.position, stepAlong(start, step, k)));
    if (off > most) [worst, most] = [slice, off];
  }
  if (most <= offMax) return step;
  throw breaks(
    'uneven_slices',
    `${worst?.file ?? ''}: ImagePositionPatient: expected slices at equal distances on one line, within ` +
      `${told([offMax])} mm, got one ${told([most])} mm beside it`,
  );
}

/** LPS columns of the slices' own axes, as RAS. */
function affineOf({ position, orientation, pixelSpacing }: Placed, step: Vector3): Float64Array {
  const [a, b, c, d, e, f] = orientation;
  const [betweenRows, betweenColumns] = pixelSpacing;
  const [x, y, z] = position;
  const [u, v, w] = step;
  // + 0: never -0.
  return new Float64Array([
    -a * betweenColumns, -d * betweenRows, -u, -x,
    -b * betweenColumns, -e * betweenRows, -v, -y,
    c * betweenColumns, f * betweenRows, w, z,
    0, 0, 0, 1,
  ].map((value) => value + 0)); // prettier-ignore
}

function notesOn([a, b, c, d, e, f]: Orientation, step: Vector3, tilt: number): string[] {
  const notes: string[] = [];
  const length = lengthOf(step);
  if (tilt > shearNoted * length || tilt > 0.1) {
    const degrees = (Math.asin(Math.min(1, tilt / length)) * 180) / Math.PI;
    notes.push(
      `the slices are sheared by ${degrees.toFixed(1)} degrees, as by a tilted gantry: kept in the geometry`,
    );
  }
  const off = Math.max(
    Math.abs(Math.hypot(a, b, c) - 1),
    Math.abs(Math.hypot(d, e, f) - 1),
    Math.abs(a * d + b * e + c * f),
  );
  if (off > directionNoted) {
    notes.push(
      `rows and columns are off a right angle or length 1 by ${off.toFixed(4)}: taken as they are`,
    );
  }
  return notes;
}

/** Of unit length, whatever the directions are off. */
function normalOf([a, b, c, d, e, f]: Orientation): Vector3 {
  const across = crossProduct([a, b, c], [d, e, f]);
  return scaleVector(across, 1 / lengthOf(across));
}

/** Names of a few files. */
export function named(slices: readonly { readonly file: string }[]): string {
  const files = [...new Set(slices.map(({ file }) => file))];
  const more = files.length > namedMax ? ` and ${files.length - namedMax} more` : '';
  return `${files.slice(0, namedMax).join(', ')}${more}`;
}

function told(values: readonly number[]): string {
  return values.map((value) => Number(value.toPrecision(5))).join(' x ');
}

const zero: Vector3 = [0, 0, 0];
