/** A sealed student as files: its parameters, and everything needed to use them on a CT. */
import { fromUtf8, utf8, type Digest } from '../base/index.ts';
import type { IntensityScale } from '../data/index.ts';
import {
  checkWeights,
  parameterList,
  readModelSpec,
  type ModelSpec,
  type Triple,
} from '../models/index.ts';
import {
  decodeSafetensors,
  encodeCanonicalWeights,
  modelDigest,
  WeightsError,
  type ModelWeights,
} from '../weights/index.ts';
import { ModelsError } from '../models/index.ts';
import { DistillError } from './errors.ts';

export interface StudentPackage {
  readonly spec: ModelSpec;
  readonly weights: ModelWeights;
  readonly intensity: IntensityScale;
  /** Grid the model was trained on, mm along [depth, height, width]. */
  readonly spacingMm: Triple;
  /** Voxels of a window. */
  readonly window: Triple;
  /** SHA-256 of the parameters, as in the log's SEAL. */
  readonly digest: Digest;
}

const description = 'model.json';
const parameters = 'model.safetensors';
const format = 'annulus-student/1';

/** Files by name. */
export function encodeStudent(student: Omit<StudentPackage, 'digest'>): Map<string, Uint8Array> {
  const { spec, weights, intensity, spacingMm, window } = student;
  const digest = modelDigest(weights);
  const json = { format, digest, spec, intensity, spacingMm, window };
  return new Map([
    [description, utf8(`${JSON.stringify(json, null, 2)}\n`)],
    [parameters, encodeCanonicalWeights(weights)],
  ]);
}

/** @throws {DistillError} 'bad_model' saying which file is not what it should be */
export function decodeStudent(files: ReadonlyMap<string, Uint8Array>): StudentPackage {
  const json = readDescription(fileOf(files, description));
  const spec = guarded(description, () => readModelSpec(json.spec));
  const { tensors } = guarded(parameters, () => decodeSafetensors(fileOf(files, parameters)));
  const byName = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  const weights = parameterList(spec).map(({ name }) => {
    const found = byName.get(name);
    if (!(found?.data instanceof Float32Array)) {
      throw bad(
        parameters,
        `the architecture of ${description} needs the parameter ${name}, which is not there`,
      );
    }
    return { name, shape: found.shape, data: found.data };
  });
  guarded(parameters, () => {
    checkWeights(spec, weights);
  });
  if (tensors.length !== weights.length)
    throw bad(parameters, 'it holds parameters of another architecture');
  if (modelDigest(weights) !== json.digest)
    throw bad(parameters, `its digest is not the ${String(json.digest)} of ${description}`);
  const { intensity, spacingMm, window } = json;
  return { spec, weights, intensity, spacingMm, window, digest: json.digest };
}

interface Description {
  readonly digest: Digest;
  readonly spec: unknown;
  readonly intensity: IntensityScale;
  readonly spacingMm: Triple;
  readonly window: Triple;
}

function readDescription(bytes: Uint8Array): Description {
  let json: Partial<Record<keyof Description | 'format', unknown>>;
  try {
    json = JSON.parse(fromUtf8(bytes)) as typeof json;
  } catch (cause) {
    throw bad(description, 'it is not JSON', cause);
  }
  if (json.format !== format)
    throw bad(description, `expected format ${format}, got ${String(json.format)}`);
  const isTriple = (value: unknown): boolean =>
    Array.isArray(value) &&
    value.length === 3 &&
    value.every((n) => typeof n === 'number' && n > 0);
  if (!isTriple(json.spacingMm) || !isTriple(json.window)) {
    throw bad(description, 'expected spacingMm and window of three positive numbers');
  }
  const scale = json.intensity as Partial<Record<keyof IntensityScale, unknown>> | null | undefined;
  const keys = ['clipLowHu', 'clipHighHu', 'meanHu', 'stdHu'] as const;
  if (!keys.every((key) => Number.isFinite(scale?.[key]))) {
    throw bad(description, `expected intensity with ${keys.join(', ')}`);
  }
  return json as unknown as Description;
}

function fileOf(files: ReadonlyMap<string, Uint8Array>, name: string): Uint8Array {
  const bytes = files.get(name);
  if (bytes === undefined) throw bad(name, 'it is missing; give the model/ folder of a run');
  return bytes;
}

function guarded<T>(file: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof ModelsError || error instanceof WeightsError)
      throw bad(file, error.message, error);
    throw error;
  }
}

function bad(file: string, reason: string, cause?: unknown): DistillError {
  return new DistillError({ code: 'bad_model', file }, `${file}: ${reason}`, { cause });
}
