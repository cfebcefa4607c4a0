/** A model's folder and a CT's file in, the prediction's files out: reading, checking and predicting, without a disk. */
import { backendVariant, precisionNote, type EngineOptions } from '../../compute/index.ts';
import {
  DataError,
  decodeNifti,
  readCt,
  type ReadingSettings,
  type Volume,
} from '../../data/index.ts';
import { DistillError } from '../errors.ts';
import { heartUseOf } from '../heart-map.ts';
import {
  predictionDocument,
  predictionFiles,
  predictionLines,
  verdictLines,
} from './prediction-files.ts';
import { predictCt } from './prediction.ts';
import { decodeStudent } from './student-package.ts';

/** Bytes with the name to call them by in messages. */
export interface NamedFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** What is predicted, with which model, on what. */
export interface PredictRequest {
  /** Files of the model's folder by name. */
  readonly model: ReadonlyMap<string, Uint8Array>;
  /** A CT as NIfTI, `.nii` or `.nii.gz`. */
  readonly image: NamedFile;
  /** A segmentation of the heart as NIfTI; null when none is given. */
  readonly heart: NamedFile | null;
  /** How the two are read where they can be read in more than one way; the defaults where absent. */
  readonly reading?: Partial<ReadingSettings>;
  readonly engine: EngineOptions;
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
  const { model, image, heart, reading = {}, engine, onNote, onProgress } = request;
  const student = decodeStudent(model);
  checkHeart(heartUseOf(student.spec) === 'condition', heart !== null);
  const read = (file: NamedFile, decode: typeof readCt | typeof decodeNifti): Volume => {
    const { volume, notes } = named(file.name, () => decode(file.bytes, reading));
    for (const text of notes) onNote(`${file.name}: ${text}`);
    return volume;
  };
  const ct = read(image, readCt);
  const given = heart === null ? {} : { heart: read(heart, decodeNifti) };
  await backendVariant(engine);
  const note = precisionNote(engine);
  if (note !== null) onNote(note);
  const prediction = await predictCt(student, ct, { engine, ...given, onProgress });
  const { plausibility } = prediction;
  return {
    files: predictionFiles(prediction, ct),
    lines: predictionLines(prediction),
    document: predictionDocument(prediction),
    warning: plausibility.verdict === 'plausible' ? [] : verdictLines(plausibility),
  };
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
