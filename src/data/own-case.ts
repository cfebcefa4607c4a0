/**
 * A hospital's own case, out of the files that its experts work with: a CT as NIfTI, points as 3D Slicer's markups, label
 * maps on the CT's grid. Everything is brought to the grid that the models see; nothing is guessed.
 */
import { labelMap } from './annotation.ts';
import type { Case, PointSet } from './case.ts';
import { DataError } from './errors.ts';
import { labelsOn } from './label-map.ts';
import { decodeMarkups } from './markups.ts';
import { decodeNifti } from './nifti.ts';
import { toRas } from './orientation.ts';
import { refuseField } from './packed.ts';
import { resample, resampleLabelsOnto, resampleMaskOnto } from './resample.ts';
import { heartLabels, taskIds, tasks, type PointName, type TaskId } from './tasks.ts';
import type { Vector3 } from './vector.ts';
import { worldToVoxel, type Geometry, type Volume } from './volume.ts';

/** What a case may be made of. All but the CT may lack: what nobody labelled, the teachers will. */
export type CaseFile = 'ct' | TaskId | 'heart';

export const caseFiles: readonly CaseFile[] = ['ct', ...taskIds, 'heart'];

/** Names under which each is looked for. */
export const caseFileNames: Readonly<Record<CaseFile, readonly string[]>> = {
  ct: ['ct.nii.gz', 'ct.nii'],
  hps: ['hps.mrk.json'],
  ms: ['ms.mrk.json'],
  calc: ['calc.nii.gz', 'calc.nii'],
  heart: ['heart.nii.gz', 'heart.nii'],
};

/** Bytes of a case's files. */
export type CaseFiles = Readonly<Partial<Record<CaseFile, Uint8Array>>>;

/** A case, and what its owner should know of it. */
export interface OwnCase {
  readonly case: Case;
  /** The CT's own grid. */
  readonly ct: Geometry;
  /** Nothing wrong for certain, but worth a look; a line each. */
  readonly notes: readonly string[];
}

/** Other names that experts write for a point. The paper's code calls the non-coronary cusp acoronary. */
const otherNames: Readonly<Record<string, PointName>> = { ACC: 'NCC' };

/** A heart region has lung in it. Values that never go below are shifted: stored without their intercept of -1024. */
const lungHuMax = -300;

/**
 * The case in `files`, its CT resampled to `spacingMm` along [depth, height, width] and in whole HU, points as spheres of
 * `pointRadiusMm`, calcium where it fills half of a voxel.
 *
 * @throws {DataError} naming the file, what was expected and what came
 */
export function readOwnCase(
  id: string,
  files: CaseFiles,
  { spacingMm, pointRadiusMm }: { readonly spacingMm: Vector3; readonly pointRadiusMm: number },
): OwnCase {
  const ct = about('ct', () => decodeNifti(files.ct ?? refuseField('file', 'a CT', 'none')).volume);
  const grid = resample(toRas(ct), spacingMm, 'smooth');
  const image: Volume = { ...grid, data: grid.data.map((hu) => Math.round(hu) + 0) }; // + 0: never -0
  const points: Partial<Record<PointName, Vector3 | null>> = {};
  const labels: Partial<Record<TaskId, Uint8Array>> = {};
  const notes = aboutIntensities(image.data);
  for (const task of taskIds) {
    const bytes = files[task];
    if (bytes === undefined) continue;
    labels[task] = about(task, () => {
      if (tasks[task].kind === 'segmentation') return calciumOn(bytes, ct, image);
      const found = readPoints(bytes, task, ct);
      Object.assign(points, found);
      for (const [name, at] of Object.entries(found)) {
        if (at === null) notes.push(`${task}: ${name} is not marked: taught as not there`);
      }
      const calcium = new Uint8Array(0);
      return labelMap(task, { points: { ...noPoints, ...found }, calcium }, image, pointRadiusMm);
    });
  }
  const { heart: heartBytes } = files;
  const heart =
    heartBytes === undefined ? {} : { heart: about('heart', () => heartOn(heartBytes, ct, image)) };
  const origin = Object.fromEntries(Object.keys(labels).map((task) => [task, 'expert'] as const));
  const { shape, affine } = ct;
  return { case: { id, image, labels, origin, ...heart, points }, ct: { shape, affine }, notes };
}

const noPoints: Readonly<Record<PointName, null>> = {
  ...{ RCC: null, LCC: null, NCC: null, RCA: null, LCA: null },
  ...{ MS1: null, MS2: null },
};

/** All points of `task`: where they are marked, or null. */
function readPoints(bytes: Uint8Array, task: TaskId, ct: Geometry): PointSet {
  const wanted = tasks[task].labels;
  const found = new Map<string, Vector3>();
  for (const { label, position } of decodeMarkups(bytes)) {
    const name = otherNames[label] ?? label;
    if (!wanted.includes(name)) refuseField('label', wanted.join(', '), 'another name');
    if (found.has(name)) refuseField('label', 'each point once', `${name} twice`);
    if (!isInside(position, ct)) {
      refuseField(name, 'a place inside the CT', 'one outside: are both of one patient?');
    }
    found.set(name, position);
  }
  if (found.size === 0) refuseField('points', `some of ${wanted.join(', ')}`, 'none');
  return Object.fromEntries(wanted.map((name) => [name, found.get(name) ?? null]));
}

function isInside(world: Vector3, { affine, shape }: Geometry): boolean {
  const [i, j, k] = worldToVoxel(affine, world);
  const [depth, height, width] = shape;
  const within = (at: number, count: number): boolean => at >= -0.5 && at <= count - 0.5;
  return within(i, width) && within(j, height) && within(k, depth);
}

/** Calcium on the models' grid: where at least half of the voxel is. */
function calciumOn(bytes: Uint8Array, ct: Geometry, grid: Geometry): Uint8Array {
  return resampleMaskOnto(labelsOn(decodeNifti(bytes).volume, ct, 1), ct, grid);
}

function heartOn(bytes: Uint8Array, ct: Geometry, grid: Geometry): Uint8Array {
  const labels = labelsOn(decodeNifti(bytes).volume, ct, heartLabels.length);
  return resampleLabelsOnto(labels, ct, grid);
}

function aboutIntensities(data: Float32Array): string[] {
  let [lowest, highest] = [Infinity, -Infinity];
  for (const hu of data) {
    if (hu < lowest) lowest = hu;
    if (hu > highest) highest = hu;
  }
  const notes: string[] = [];
  if (lowest > lungHuMax) {
    notes.push(
      `ct: nothing below ${lungHuMax} HU, found ${lowest} at least: is it in HU, with lung in it?`,
    );
  }
  if (highest < 150) {
    notes.push(`ct: nothing above 150 HU, found ${highest} at most: is there contrast in it?`);
  }
  return notes;
}

/** Tells which file a complaint is about. */
function about<T>(file: CaseFile, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    throw new DataError(error.facts, `${file}: ${error.message}`, { cause: error });
  }
}
