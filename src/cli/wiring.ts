/**
 * Which room answers a command. Loaded late, so that `annulus --help` does not wait for TF.js and libp2p.
 */
import type { RunMainJob, RunPredict } from './main-job.ts';

/** `simulate` runs the main job. */
export async function loadMainJob(): Promise<RunMainJob> {
  return (await import('../simulate/index.ts')).runMainJob;
}

/** `distill` finds points and calcium in a CT. */
export async function loadPredict(): Promise<RunPredict> {
  const { decodeStudent, predictCt, predictionFiles, predictionLines } =
    await import('../distill/index.ts');
  const { decodeNifti } = await import('../data/index.ts');
  return async ({ model, image, backend, onProgress }) => {
    const student = decodeStudent(model);
    const { volume } = decodeNifti(image);
    const prediction = await predictCt(student, volume, { backend: backend as 'auto', onProgress });
    return { files: predictionFiles(prediction, volume), lines: predictionLines(prediction) };
  };
}
