/**
 * Which room answers a command. Loaded late, so that `annulus --help` does not wait for TF.js and libp2p.
 */
import { availableParallelism } from 'node:os';
import type { Volume } from '../data/index.ts';
import { usageError } from './errors.ts';
import type { RunMainJob, RunPredict, RunReproduce } from './main-job.ts';

/** `simulate` runs the main job. */
export async function loadMainJob(): Promise<RunMainJob> {
  return (await import('../experiment/index.ts')).runMainJob;
}

/** `reproduce` trains and compares the six arms. */
export async function loadReproduce(): Promise<RunReproduce> {
  return (await import('../experiment/index.ts')).reproduce;
}

/** `distill` finds points and calcium in a CT. */
export async function loadPredict(): Promise<RunPredict> {
  const distill = await import('../distill/index.ts');
  const { decodeStudent, heartUseOf, predictCt } = distill;
  const { DataError, decodeNifti, readCt } = await import('../data/index.ts');
  const named = <T>(name: string, read: () => T): T => {
    try {
      return read();
    } catch (error) {
      // The room knows bytes, the person at the terminal knows files.
      if (!(error instanceof DataError)) throw error;
      throw new DataError(error.facts, `${name}: ${error.message}`, { cause: error });
    }
  };
  const { backendVariant, precisionNote } = await import('../compute/index.ts');
  return async ({
    model,
    image,
    imageName,
    heart,
    reading = {},
    backend,
    precision,
    onNote,
    onProgress,
  }) => {
    const engine = {
      ...{ backend: backend as 'auto', precision: precision as 'f32' },
      threads: availableParallelism(),
    };
    const student = decodeStudent(model);
    const isConditioned = heartUseOf(student.spec) === 'condition';
    if (isConditioned && heart === null) {
      throw usageError('this model needs a segmentation of the heart too: give it as --heart FILE');
    }
    if (heart !== null && !isConditioned) {
      throw usageError(
        '--heart: this model does not see a segmentation of the heart: leave it out',
      );
    }
    const { volume, notes } = named(imageName, () => readCt(image, reading));
    for (const text of notes) onNote(`${imageName}: ${text}`);
    const readHeart = ({ bytes, name }: { bytes: Uint8Array; name: string }): Volume => {
      const read = named(name, () => decodeNifti(bytes, reading));
      for (const text of read.notes) onNote(`${name}: ${text}`);
      return read.volume;
    };
    const given = heart === null ? {} : { heart: readHeart(heart) };
    await backendVariant(engine);
    const note = precisionNote(engine);
    if (note !== null) onNote(note);
    const prediction = await predictCt(student, volume, { engine, ...given, onProgress });
    const { plausibility } = prediction;
    return {
      files: distill.predictionFiles(prediction, volume),
      lines: distill.predictionLines(prediction),
      document: distill.predictionDocument(prediction),
      warning: plausibility.verdict === 'plausible' ? [] : distill.verdictLines(plausibility),
    };
  };
}
