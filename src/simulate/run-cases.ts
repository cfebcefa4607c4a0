/** The phantoms of a run, as jobs for the workers. */
import type { NodeId } from '../base/index.ts';
import type { RunSettings } from '../config/index.ts';
import { caseCount, intensityDefaults, type MakeCasesArgs } from '../distill/index.ts';
import { expertGeneration } from '../node/index.ts';

/** A job for a few cases at a time, so that all workers stay busy to the end. */
const casesPerJob = 4;

/** Jobs `makeCases` for all hospitals, in any order. @param folderOf folder of a hospital's cases */
export function caseJobs(
  { seed, phantom, training, consortium }: RunSettings,
  folderOf: (id: NodeId) => string,
): MakeCasesArgs[] {
  return consortium.hospitals.flatMap((hospital) => {
    const count = caseCount(hospital);
    return Array.from({ length: Math.ceil(count / casesPerJob) }, (_, part) => ({
      folder: folderOf(hospital.id as NodeId),
      intensity: intensityDefaults,
      generation: expertGeneration,
      hospital,
      from: part * casesPerJob,
      to: Math.min(count, (part + 1) * casesPerJob),
      seed,
      phantom,
      pointRadiusMm: training.pointRadiusMm,
      heart: training.heart !== 'none',
    }));
  });
}
