/** A sealed student as files: its parameters, and everything needed to use them on a CT. */
import { foreignText, parseDigest, utf8, type Digest } from '../../base/index.ts';
import { channelCount, parseTaskId, type IntensityScale } from '../../data/index.ts';
import {
  checkInput,
  checkWeights,
  ModelsError,
  parameterList,
  readModelSpec,
  type ModelSpec,
  type Triple,
} from '../../models/index.ts';
import {
  decodeSafetensors,
  encodeCanonicalWeights,
  modelDigest,
  oddWeightOf,
  WeightsError,
  weightMax,
  type ModelWeights,
} from '../../weights/index.ts';
import { DistillError } from '../errors.ts';
import { heartChannels, heartHead } from '../heart-map.ts';

/** A trained model with all that its use on a CT needs: grid, window and intensities it was taught. */
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
  const described = readDescription(fileOf(files, description));
  const { spec, digest } = described;
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
  const odd = oddWeightOf(weights);
  if (odd !== null) {
    const came = odd.value.toPrecision(3);
    throw bad(
      parameters,
      `${odd.name}: expected numbers of at most ${weightMax}, got ${came}: no trained model has such weights`,
    );
  }
  if (tensors.length !== weights.length) {
    throw bad(parameters, 'it holds parameters of another architecture');
  }
  if (modelDigest(weights) !== digest) {
    throw bad(parameters, `its digest is not the ${digest} of ${description}`);
  }
  return { ...described, weights };
}

/** Largest side of a window: a larger one is a mistake, and would fill the memory. */
const windowMax = 512;

function readDescription(bytes: Uint8Array): Omit<StudentPackage, 'weights'> {
  const json = readJson(bytes);
  if (json.format !== format) {
    throw bad(description, `expected format ${format}, got another or none`);
  }
  const digest = parseDigest(json.digest);
  if (digest === null) throw bad(description, 'expected digest as 64 hexadecimal digits');
  const spec = guarded(description, () => readModelSpec(json.spec));
  if (spec.inChannels > 2) throw bad(description, 'expected 1 or 2 channels of input');
  for (const [head, channels] of Object.entries(spec.heads)) {
    const expected = channelsOf(head);
    if (channels !== expected) {
      throw bad(description, `expected ${expected} channels of the head ${head}`);
    }
  }
  const spacingMm = readTriple(json.spacingMm, (mm) => mm >= 0.1 && mm <= 20);
  if (spacingMm === null) throw bad(description, 'expected spacingMm of three numbers, 0.1 to 20');
  const window = readTriple(json.window, (n) => Number.isInteger(n) && n >= 1 && n <= windowMax);
  if (window === null) {
    throw bad(description, `expected window of three whole numbers, 1 to ${windowMax}`);
  }
  guarded(description, () => {
    checkInput(spec, [1, ...window, spec.inChannels]);
  });
  return { spec, digest, spacingMm, window, intensity: readIntensity(json.intensity) };
}

/** Of the head `name`, background included. */
function channelsOf(name: string): number {
  const task = parseTaskId(name);
  if (task !== null) return channelCount(task);
  if (name === heartHead) return heartChannels;
  throw bad(description, `expected heads of the tasks and of the heart, got ${name}`);
}

function readJson(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    const json: unknown = JSON.parse(foreignText(bytes));
    if (typeof json === 'object' && json !== null) return json as Record<string, unknown>;
  } catch (cause) {
    throw bad(description, 'it is not JSON', cause);
  }
  throw bad(description, 'expected a JSON object');
}

function readTriple(value: unknown, isGood: (n: number) => boolean): Triple | null {
  if (!Array.isArray(value) || value.length !== 3) return null;
  const numbers = value as unknown[];
  return numbers.every((n) => typeof n === 'number' && isGood(n))
    ? (numbers as [number, number, number])
    : null;
}

function readIntensity(value: unknown): IntensityScale {
  const fields = (value ?? {}) as Readonly<Record<string, unknown>>;
  const read = (key: keyof IntensityScale): number => {
    const number = fields[key];
    if (typeof number === 'number' && Number.isFinite(number)) return number;
    throw bad(description, `expected a number as intensity.${key}`);
  };
  const scale = {
    clipLowHu: read('clipLowHu'),
    clipHighHu: read('clipHighHu'),
    meanHu: read('meanHu'),
    stdHu: read('stdHu'),
  };
  if (!(scale.clipLowHu < scale.clipHighHu && scale.stdHu > 0)) {
    throw bad(description, 'expected intensity with clipLowHu below clipHighHu and stdHu above 0');
  }
  return scale;
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
