/** An exported student out of its folder, and what must stand beside every figure of it: its digest, preset and seed. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import type { EngineOptions } from '../../src/compute/index.ts';
import { pointNames, tasks, taskIds, type PointName } from '../../src/data/index.ts';
import {
  decodeStudent,
  predictCt,
  type CtPrediction,
  type StudentPackage,
} from '../../src/distill/index.ts';
import type { Volume } from '../../src/data/index.ts';

/** What a trial of a student is recorded with. */
export interface Trial {
  /** When it was tried, ISO 8601. */
  readonly date: string;
  readonly digest: string;
  /** Of the run that made it; null where no record.json lies in its folder or the one above. */
  readonly preset: string | null;
  readonly seed: number | null;
}

/** A student with what its trial is recorded with. */
export interface TriedStudent {
  readonly student: StudentPackage;
  readonly trial: Trial;
  /** Points that it has heads for. */
  readonly sought: readonly PointName[];
}

/** What computes: the best that is there, on all processors. */
export const engine: EngineOptions = { backend: 'auto', threads: availableParallelism() };

/** The student in a folder `model/` of a run, or in the run's own folder. @throws {DistillError} 'bad_model' */
export function readStudent(folder: string): TriedStudent {
  const inner = join(folder, 'model');
  const own = existsSync(join(inner, 'model.json')) ? inner : folder;
  const files = new Map(
    readdirSync(own, { withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.startsWith('model.'))
      .map(({ name }) => [name, new Uint8Array(readFileSync(join(own, name)))]),
  );
  const student = decodeStudent(files);
  const heads = Object.keys(student.spec.heads);
  const names = taskIds.filter((id) => heads.includes(id)).flatMap((id) => tasks[id].labels);
  return {
    student,
    trial: {
      date: new Date().toISOString(),
      digest: student.digest,
      ...recordOf(own, student.digest),
    },
    sought: pointNames.filter((name) => names.includes(name)),
  };
}

/** Preset and seed of the run that sealed this very student. */
function recordOf(folder: string, digest: string): Pick<Trial, 'preset' | 'seed'> {
  for (const place of [folder, dirname(resolve(folder))]) {
    const file = join(place, 'record.json');
    if (!existsSync(file)) continue;
    const { sealedDigest, preset, seed } = JSON.parse(readFileSync(file, 'utf8')) as {
      readonly sealedDigest?: unknown;
      readonly preset?: unknown;
      readonly seed?: unknown;
    };
    if (sealedDigest !== digest || typeof preset !== 'string') continue;
    return { preset, seed: typeof seed === 'number' ? seed : null };
  }
  return { preset: null, seed: null };
}

/** One line. */
export function trialText({ date, digest, preset, seed }: Trial): string {
  const from =
    preset === null ? 'no record.json beside it' : `preset ${preset}, seed ${seed ?? '?'}`;
  return `${date.slice(0, 16).replace('T', ' ')}  student ${digest}  (${from})`;
}

/** What the student says of a CT. */
export async function askStudent({ student }: TriedStudent, ct: Volume): Promise<CtPrediction> {
  return predictCt(student, ct, { engine, onProgress: () => undefined });
}
