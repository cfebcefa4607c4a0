/** A root's places out of a machine's label map and its landmarks; what the files must hold is said where they do not. */
import {
  addVectors,
  distanceBetween,
  scaleVector,
  stepAlong,
  subtractVectors,
  voxelToWorld,
  type AnnulusPlane,
  type Geometry,
  type Markup,
  type Vector3,
} from '../../src/data/index.ts';
import { dotProduct, lengthOf, unitVector } from '../../src/data/volume/vector.ts';
import { annulusRadiusMm, averageHinges, type RootPlaces } from './places.ts';

/** Labels on the CT's grid, and what their values mean. */
export interface LabelledCt {
  readonly geometry: Geometry;
  readonly labels: Uint8Array;
  /** Value by name, as TotalSegmentator calls its structures. */
  readonly values: ReadonlyMap<string, number>;
}

/** What a machine said of a CT. */
export interface MachineReference extends RootPlaces {
  /** Whether the cusps' directions are the machine's own. */
  readonly hasHinges: boolean;
  /** Middle of the heart's mask. */
  readonly heartMiddle: Vector3;
  /** Middle of the sinotubular junction's mask; null where there is none. */
  readonly junction: Vector3 | null;
  /** From the middle of the annulus' mask to the landmark of that name, mm; null without it. */
  readonly landmarkOffMm: number | null;
}

/** The reference out of masks and landmarks. @throws Error when the annulus, the aorta or the heart is not in the map */
export function machineReference(ct: LabelledCt, landmarks: readonly Markup[]): MachineReference {
  const annulusVoxels = placesOf(ct, ['aortic_annulus']);
  const centre = middleOf(annulusVoxels, 'aortic_annulus');
  const junctionVoxels = placesOf(ct, ['sinotubular_junction']);
  const junction = junctionVoxels.length === 0 ? null : middleOf(junctionVoxels, '');
  const up: Vector3 = junction === null ? [0, 0, 1] : subtractVectors(junction, centre);
  const plate = thinAxis(annulusVoxels, centre);
  const normal = dotProduct(plate, up) < 0 ? scaleVector(plate, -1) : plate;
  const mark = (name: string): Vector3 | null =>
    landmarks.find(({ label }) => label === name)?.position ?? null;
  const told = mark('aortic_annulus_centre');
  const own = machineHinges([1, 2, 3].map((n) => mark(`aortic_annulus_pseudo_hinge_${n}`)));
  const annulus: AnnulusPlane =
    own === null
      ? averageHinges(centre, normal)
      : { centre, normal, radiusMm: annulusRadiusMm, hinges: own };
  return {
    annulus,
    wall: surfaceOf(ct, ['aorta', 'sinotubular_junction', 'aortic_annulus']),
    hasHinges: own !== null,
    heartMiddle: middleOf(placesOf(ct, ['heart']), 'heart'),
    junction,
    landmarkOffMm: told === null ? null : distanceBetween(told, centre),
  };
}

/** Of three places on the ring the leftmost faces the left cusp, of the others the one in front the right cusp. */
function machineHinges(places: readonly (Vector3 | null)[]): AnnulusPlane['hinges'] | null {
  const there = places.filter((at) => at !== null).sort((a, b) => a[0] - b[0]);
  const [LCC, ...others] = there;
  const [RCC, NCC] = others.sort((a, b) => b[1] - a[1]);
  if (LCC === undefined || RCC === undefined || NCC === undefined) return null;
  return { RCC, LCC, NCC };
}

/** RAS mm of all voxels that have one of the names. */
export function placesOf(ct: LabelledCt, names: readonly string[]): Vector3[] {
  const { geometry } = ct;
  const [, height, width] = geometry.shape;
  const wanted = valuesOf(ct, names);
  const places: Vector3[] = [];
  ct.labels.forEach((value, voxel) => {
    if (!wanted.has(value)) return;
    const row = Math.floor(voxel / width);
    const ijk: Vector3 = [voxel % width, row % height, Math.floor(row / height)];
    places.push(voxelToWorld(geometry.affine, ijk));
  });
  return places;
}

/** Middles of all faces between a voxel of the names and one of another, RAS mm. The image's own end is no surface. */
export function surfaceOf(ct: LabelledCt, names: readonly string[]): Vector3[] {
  const { geometry, labels } = ct;
  const [depth, height, width] = geometry.shape;
  const wanted = valuesOf(ct, names);
  const isIn = (i: number, j: number, k: number): boolean =>
    wanted.has(labels[(k * height + j) * width + i] as number);
  const faces: Vector3[] = [];
  for (let k = 0; k < depth; k++) {
    for (let j = 0; j < height; j++) {
      for (let i = 0; i < width; i++) {
        const here = isIn(i, j, k);
        const face = (di: number, dj: number, dk: number): void => {
          if (i + di >= width || j + dj >= height || k + dk >= depth) return;
          if (isIn(i + di, j + dj, k + dk) === here) return;
          faces.push(voxelToWorld(geometry.affine, [i + di / 2, j + dj / 2, k + dk / 2]));
        };
        face(1, 0, 0);
        face(0, 1, 0);
        face(0, 0, 1);
      }
    }
  }
  return faces;
}

function valuesOf({ values }: LabelledCt, names: readonly string[]): ReadonlySet<number> {
  return new Set(names.map((name) => values.get(name)).filter((value) => value !== undefined));
}

function middleOf(places: readonly Vector3[], name: string): Vector3 {
  if (places.length === 0) {
    throw new Error(
      `--labels: expected voxels of ${name}, got none: is labels.json beside it its own?`,
    );
  }
  return scaleVector(places.reduce(addVectors, [0, 0, 0]), 1 / places.length);
}

/**
 * The direction along which places spread least, one long. Power iteration on (trace - covariance), whose largest axis is the
 * covariance's smallest.
 */
export function thinAxis(places: readonly Vector3[], middle: Vector3): Vector3 {
  const away = places.map((at) => subtractVectors(at, middle));
  const trace = away.reduce((sum, at) => sum + dotProduct(at, at), 0);
  let axis: Vector3 = unitVector([0.3, 0.5, 0.8]);
  for (let turn = 0; turn < 200; turn++) {
    const along = away.reduce<Vector3>(
      (sum, at): Vector3 => stepAlong(sum, at, dotProduct(at, axis)),
      [0, 0, 0],
    );
    const next = stepAlong(scaleVector(axis, trace), along, -1);
    if (lengthOf(next) === 0) break;
    axis = unitVector(next);
  }
  return axis;
}
