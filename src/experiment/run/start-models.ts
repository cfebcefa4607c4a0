/** The models that a run's settings name to begin from, read before anything is written. */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { AnnulusError } from '../../base/index.ts';
import {
  modelSpecFor,
  oneTaskHeart,
  type RunSettings,
  type StartDigests,
  taughtTasks,
} from '../../config/index.ts';
import { decodeStudent, DistillError, type StudentPackage } from '../../distill/index.ts';
import { backboneDifference } from '../../models/index.ts';
import { modelFolderOf } from '../../host/index.ts';
import { safetensorsLimits } from '../../weights/index.ts';

/** By kind of stage; null begins with fresh weights. */
export interface StartModels {
  readonly teacher: StudentPackage | null;
  readonly student: StudentPackage | null;
}

/**
 * Reads both folders, where they are named.
 *
 * @throws {DistillError} 'bad_model' naming the setting: when the folder holds no model, or one of another network than
 * the stage's
 */
export async function readStartModels(settings: RunSettings): Promise<StartModels> {
  const read = async (kind: 'teacher' | 'student'): Promise<StudentPackage | null> => {
    const folder = settings.training[kind].start;
    if (folder === '') return null;
    const refuse = (reason: string, cause?: unknown): DistillError =>
      new DistillError(
        { code: 'bad_model', file: folder },
        `training.${kind}.start: ${folder}: ${reason}`,
        { cause },
      );
    const files = new Map<string, Uint8Array>();
    for (const name of ['model.json', 'model.safetensors']) {
      const path = join(modelFolderOf(folder), name);
      const facts = await stat(path).catch(() => null);
      if (facts?.isFile() !== true) throw refuse(`expected a model's folder, there is no ${name}`);
      if (facts.size > safetensorsLimits.maxBytes) throw refuse(`${name} is too large`);
      files.set(name, await readFile(path));
    }
    const model = decoded(files, refuse);
    const heart = kind === 'teacher' ? oneTaskHeart(settings) : settings.training.heart;
    const spec = modelSpecFor(settings.models[kind], taughtTasks(settings), heart);
    const difference = backboneDifference(spec, model.spec);
    if (difference === null) return model;
    throw refuse(
      `another network than models.${kind}: ${difference.path} must be ${difference.expected}`,
    );
  };
  return { teacher: await read('teacher'), student: await read('student') };
}

/** Digests for the plan; a kind without a model is absent. */
export function startDigestsOf({ teacher, student }: StartModels): StartDigests {
  return {
    ...(teacher === null ? {} : { teacher: teacher.digest }),
    ...(student === null ? {} : { student: student.digest }),
  };
}

function decoded(
  files: ReadonlyMap<string, Uint8Array>,
  refuse: (reason: string, cause: unknown) => DistillError,
): StudentPackage {
  try {
    return decodeStudent(files);
  } catch (error) {
    throw error instanceof AnnulusError ? refuse(error.message, error) : error;
  }
}
