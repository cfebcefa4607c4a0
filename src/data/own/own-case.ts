/**
 * A hospital's own case, out of the files that its experts work with: a CT as NIfTI, points as 3D Slicer's markups, label
 * maps on the CT's grid. Everything is brought to the grid that the models see; nothing is guessed.
 */
import { labelMap } from '../case/annotation.ts';
import type { Case, PointSet } from '../case/case.ts';
import { refuseField } from '../case/packed.ts';
import { DataError } from '../errors.ts';
import { imageFindings } from '../plausibility/image.ts';
import { readingDefaults, type ReadingSettings } from '../settings.ts';
import { heartLabels, taskIds, tasks, type PointName, type TaskId } from '../tasks.ts';
import { toRas } from '../volume/orientation.ts';
import { resample, resampleLabelsOnto, resampleMaskOnto } from '../volume/resample.ts';
import type { Vector3 } from '../volume/vector.ts';
import type { Geometry, Volume } from '../volume/volume.ts';
import { readCt } from './ct.ts';
import { readLabels } from './label-map.ts';
import { aboutPlaces, readPoints } from './own-points.ts';

/** What a case may be made of. All but the CT may be missing: teachers give pseudo-labels for what nobody labelled. */
export type CaseFile = 'ct' | TaskId | 'heart';

/** All files of a case: its CT, points or labels for each task, labels of the heart. */
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

/** A case, and notes on how it was read. */
export interface OwnCase {
  readonly case: Case;
  /** The CT's own grid. */
  readonly ct: Geometry;
  /** Nothing wrong for certain, but worth a look; a line each. */
  readonly notes: readonly string[];
}

/** What a case's files hold, checked, on the CT's own grid. */
interface OpenCase {
  readonly ct: Volume;
  readonly marked: readonly (readonly [TaskId, PointSet])[];
  readonly calcium: Uint8Array | null;
  readonly heart: Uint8Array | null;
  readonly notes: readonly string[];
}

/**
 * The case in `files`, its CT resampled to `spacingMm` along [depth, height, width] and in whole HU, points as spheres of
 * `pointRadiusMm`, calcium where it fills half of a voxel.
 *
 * @throws {DataError} naming the file, what was expected and what came
 */
export function readOwnCase(
  id: string,
  files: CaseFiles,
  {
    spacingMm,
    pointRadiusMm,
    reading,
  }: {
    readonly spacingMm: Vector3;
    readonly pointRadiusMm: number;
    readonly reading?: ReadingSettings;
  },
): OwnCase {
  const { ct, marked, calcium, heart, notes } = openCase(files, reading ?? readingDefaults);
  const grid = resample(toRas(ct), spacingMm, 'smooth');
  const image: Volume = { ...grid, data: grid.data.map((hu) => Math.round(hu) + 0) }; // + 0: never -0
  const labels: Partial<Record<TaskId, Uint8Array>> = {};
  for (const [task, found] of marked) {
    const annotation = { points: { ...noPoints, ...found }, calcium: new Uint8Array(0) };
    labels[task] = labelMap(task, annotation, image, pointRadiusMm);
  }
  // Where at least half of the voxel is.
  if (calcium !== null) labels.calc = resampleMaskOnto(calcium, ct, image);
  const points: PointSet = Object.assign({}, ...marked.map(([, found]) => found)) as PointSet;
  const origin = Object.fromEntries(Object.keys(labels).map((task) => [task, 'expert'] as const));
  const { shape, affine } = ct;
  return {
    case: {
      ...{ id, image, labels, origin, points },
      ...(heart === null ? {} : { heart: resampleLabelsOnto(heart, ct, image) }),
    },
    ct: { shape, affine },
    notes: [...notes, ...imageFindings(ct).map(({ text }) => `ct: ${text}`)],
  };
}

/**
 * Whether `readOwnCase` takes the files, found out without the work of resampling.
 *
 * @throws {DataError} as `readOwnCase`
 */
export function checkOwnCase(files: CaseFiles, reading: ReadingSettings = readingDefaults): void {
  openCase(files, reading);
}

function openCase(files: CaseFiles, reading: ReadingSettings): OpenCase {
  const notes: string[] = [];
  const noted = <T extends { readonly notes: readonly string[] }>(
    file: CaseFile,
    read: () => T,
  ): T => {
    const found = about(file, read);
    notes.push(...found.notes.map((note) => `${file}: ${note}`));
    return found;
  };
  const { volume: ct } = noted('ct', () =>
    readCt(files.ct ?? refuseField('file', 'a CT', 'none'), reading),
  );
  const map = (file: CaseFile, highest: number): Uint8Array | null => {
    const bytes = files[file];
    return bytes === undefined
      ? null
      : noted(file, () => readLabels(bytes, ct, highest, reading)).labels;
  };
  const marked: [TaskId, PointSet][] = [];
  for (const task of taskIds) {
    const bytes = files[task];
    if (bytes === undefined || tasks[task].kind !== 'points') continue;
    marked.push([task, noted(task, () => readPoints(bytes, task, ct)).points]);
  }
  notes.push(...aboutPlaces(marked));
  const [calcium, heart] = [map('calc', 1), map('heart', heartLabels.length)];
  return { ct, marked, calcium, heart, notes };
}

const noPoints: Readonly<Record<PointName, null>> = {
  ...{ RCC: null, LCC: null, NCC: null, RCA: null, LCA: null },
  ...{ MS1: null, MS2: null },
};

/** Tells which file a complaint is about. */
function about<T>(file: CaseFile, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    throw new DataError(error.facts, `${file}: ${error.message}`, { cause: error });
  }
}
