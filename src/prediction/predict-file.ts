/** A model's folder and a CT's file in, the prediction's files out: reading, checking and predicting, without a disk. */
import { backendVariant, precisionNote, type EngineOptions } from '../compute/index.ts';
import {
  DataError,
  decodeNifti,
  hasReferences,
  measureRoot,
  readCt,
  type CtFile,
  type DicomSeries,
  type Measure,
  type PointName,
  type ReadingSettings,
  type Vector3,
  type Volume,
} from '../data/index.ts';
import {
  decodeStudent,
  DistillError,
  heartUseOf,
  predictCt,
  type CtPrediction,
  type StudentPackage,
} from '../distill/index.ts';
import { measureFiles, measureLines, measuresDocument } from './measure-words.ts';
import { patientPage } from './patient-page.ts';
import {
  predictionDocument,
  predictionFiles,
  predictionLines,
  verdictLines,
} from './prediction-files.ts';
import { segmentationFile } from './segmentation-file.ts';

/** Bytes with the name to call them by in messages. */
export interface NamedFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** A series of DICOM files with the name to call it by in messages. */
export interface NamedSeries {
  readonly name: string;
  readonly series: DicomSeries;
}

/** What is predicted, with which model, on what. */
export interface PredictRequest {
  /** Files of the model's folder by name. */
  readonly model: ReadonlyMap<string, Uint8Array>;
  /** A CT as NIfTI, `.nii` or `.nii.gz`, or as a series of DICOM files. */
  readonly image: NamedFile | NamedSeries;
  /** A segmentation of the heart as NIfTI; null when none is given. */
  readonly heart: NamedFile | null;
  /** How the two are read where they can be read in more than one way; the defaults where absent. */
  readonly reading?: Partial<ReadingSettings>;
  readonly engine: EngineOptions;
  /** When it is made, `YYYYMMDD` and `HHMMSS` by the clock on the wall, and by which version: a DICOM SEG says so. */
  readonly made: { readonly date: string; readonly time: string; readonly version: string };
  /** Hears what is worth knowing of the files and of the backend, a sentence at a time. */
  readonly onNote: (text: string) => void;
  /** Hears how many of all windows are done. */
  readonly onProgress: (done: number, total: number) => void;
}

/** The prediction of one CT as files and as text. */
export interface PredictResult {
  /** Files to write, by name. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** What was found, a line each. */
  readonly lines: readonly string[];
  /** The same as data for scripts. */
  readonly document: Readonly<Record<string, unknown>>;
  readonly measures: readonly Measure[];
  /** Why a heart cannot be so, a line each; empty when it can. */
  readonly warning: readonly string[];
}

/**
 * Predicts one CT.
 *
 * @throws {DistillError} 'heart_missing' and 'heart_unused' when the model and the request disagree about a segmentation of
 * the heart, 'bad_heart', 'bad_model'; {DataError} naming the file; {ComputeError} when no backend works
 */
export async function predictFile(request: PredictRequest): Promise<PredictResult> {
  const { model, image, heart, reading = {}, engine, made, onNote, onProgress } = request;
  const student = studentOf(model);
  checkHeart(heartUseOf(student.spec) === 'condition', heart !== null);
  const noted = (name: string, { volume, notes }: CtFile): Volume => {
    for (const text of notes) onNote(`${name}: ${text}`);
    return volume;
  };
  const ct = noted(image.name, await readImage(image, reading));
  const given =
    heart === null
      ? {}
      : {
          heart: noted(
            heart.name,
            named(heart.name, () => decodeNifti(heart.bytes, reading)),
          ),
        };
  await backendVariant(engine);
  const note = precisionNote(engine);
  if (note !== null) onNote(note);
  const prediction = await predictCt(student, ct, { engine, ...given, onProgress });
  const points = pointsByName(prediction);
  const measured = measureRoot({ points, calcium: prediction.calcium }, ct);
  const model8 = student.digest.slice(0, 8);
  const segmentation =
    'series' in image ? await segmentationFile(prediction, image.series, model8, made) : null;
  if ('series' in image) noteSegmentation(image, segmentation !== null, onNote);
  const { plausibility } = prediction;
  return {
    files: new Map([
      ...predictionFiles(prediction, ct),
      ...measureFiles(measured),
      ['report.html', patientPage({ prediction, points, measured, ct, model: model8, version: made.version })], // prettier-ignore
      ...(segmentation === null ? [] : [['segmentation.dcm', segmentation] as const]),
    ]),
    lines: [...predictionLines(prediction), ...measureLines(measured)],
    document: { ...predictionDocument(prediction), measures: measuresDocument(measured) },
    measures: measured.measures,
    warning: plausibility.verdict === 'plausible' ? [] : verdictLines(plausibility),
  };
}

function noteSegmentation(
  { name, series }: NamedSeries,
  isThere: boolean,
  onNote: PredictRequest['onNote'],
): void {
  if (!isThere) onNote(`${name}: nothing was found, so no DICOM SEG is written`);
  else if (!hasReferences(series)) {
    onNote(
      `${name}: it has no UIDs of its study, series or slices, so the DICOM SEG refers to none; a PACS will not file it beside the CT`,
    );
  }
}

/** Decoded once for all CTs of a worklist. */
const students = new WeakMap<ReadonlyMap<string, Uint8Array>, StudentPackage>();

function studentOf(model: ReadonlyMap<string, Uint8Array>): StudentPackage {
  const student = students.get(model) ?? decodeStudent(model);
  students.set(model, student);
  return student;
}

async function readImage(
  image: NamedFile | NamedSeries,
  reading: Partial<ReadingSettings>,
): Promise<CtFile> {
  if ('series' in image) return image.series.readCt();
  return named(image.name, () => readCt(image.bytes, reading));
}

function pointsByName({ points }: CtPrediction): Partial<Record<PointName, Vector3>> {
  return Object.fromEntries(points.map(({ label, position }) => [label, position]));
}

function checkHeart(isNeeded: boolean, isGiven: boolean): void {
  if (isNeeded && !isGiven) {
    throw new DistillError(
      { code: 'heart_missing' },
      'this model needs a segmentation of the heart too',
    );
  }
  if (isGiven && !isNeeded) {
    throw new DistillError(
      { code: 'heart_unused' },
      'this model does not see a segmentation of the heart: leave it out',
    );
  }
}

/** What `read` gives; data's own errors know bytes and no file. */
function named<T>(name: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    throw new DataError(error.facts, `${name}: ${error.message}`, { cause: error });
  }
}
