/**
 * Another program's weights file as the first weights of one of our networks: what fits by name and shape is taken, the
 * rest is said. Files come from the Internet: they are read as safetensors only, and every number is looked at.
 */
import { AnnulusError, printableLine, seededRandom } from '../base/index.ts';
import {
  initialWeights,
  parameterList,
  type ModelSpec,
  type ParameterInfo,
} from '../models/index.ts';
import {
  elementCount,
  floatsOf,
  oddWeightIn,
  readSafetensors,
  weightMax,
  type ModelWeights,
  type StoredTensor,
} from '../weights/index.ts';
import { modernName, namePrefix, type NamePrefix } from './parameter-names.ts';
import { InteropError } from './errors.ts';
import { fitted } from './fitted-kernel.ts';

/** What of a weights file became parameters of the model, what did not and why, and what the model has from elsewhere. */
export interface ImportReport {
  readonly prefix: NamePrefix;
  /** Parameters of the model that come from the file. */
  readonly loaded: readonly {
    readonly name: string;
    readonly from: string;
    readonly dtype: string;
    /** What was done to make it fit; null when nothing. */
    readonly change: string | null;
  }[];
  readonly skipped: readonly {
    readonly from: string;
    readonly dtype: string;
    readonly shape: readonly number[];
    readonly reason: string;
  }[];
  /** Parameters that the file lacks: they begin as in any new model. */
  readonly missing: readonly { readonly name: string; readonly shape: readonly number[] }[];
  /** Numbers that come from the file, of all. */
  readonly share: number;
}

/** How the parameters are made that are not taken from the file. */
export interface ImportOptions {
  /** Heads begin anew even where the file has one of the same name and shape. */
  readonly freshHeads: boolean;
  /** Fixes what the file lacks. */
  readonly seed: number;
}

/**
 * The weights of `spec` that `bytes`, a safetensors file called `file` in messages, gives.
 * @throws {InteropError} 'pickle', 'bad_weights', 'bad_tensor', 'other_model': in one line
 */
export function importWeights(
  bytes: Uint8Array,
  file: string,
  spec: ModelSpec,
  { freshHeads, seed }: ImportOptions,
): { readonly weights: ModelWeights; readonly report: ImportReport } {
  const tensors = tensorsOf(bytes, file);
  const names = tensors.map(({ name }) => modernName(name));
  const prefix = namePrefix(spec, names) ?? refuseOther(tensors, file, spec);
  const wanted = new Map(parameterList(spec).map((info) => [info.name, info]));
  const found = new Map<string, Float32Array>();
  const loaded: ImportReport['loaded'][number][] = [];
  const skipped: ImportReport['skipped'][number][] = [];

  /** Why the tensor is not taken; null when it is. */
  const take = (tensor: StoredTensor, modern: string): string | null => {
    const isInside = modern.startsWith(prefix.theirs);
    const name = prefix.ours + modern.slice(prefix.theirs.length);
    const info = isInside ? wanted.get(name) : undefined;
    if (info === undefined) return reasonFor(tensor.name);
    if (freshHeads && isHead(name)) return 'heads begin anew';
    if (found.has(name)) return `a second copy of ${name}`;
    const fit = fitted(tensor.shape, info, spec.inChannels);
    if (typeof fit === 'string') return isHead(name) ? `a head of another task: ${fit}` : fit;
    found.set(name, fit.make(finiteFloats(tensor, file)));
    loaded.push({ name, from: tensor.name, dtype: tensor.dtype, change: fit.change });
    return null;
  };
  tensors.forEach((tensor, index) => {
    const reason = take(tensor, names[index] as string);
    if (reason === null) return;
    skipped.push({ from: tensor.name, dtype: tensor.dtype, shape: tensor.shape, reason });
  });
  if ([...found.keys()].every(isHead)) refuseOther(tensors, file, spec, skipped);

  const weights = initialWeights(spec, seededRandom(seed).fork('import')).map((fresh) => {
    const data = found.get(fresh.name);
    return data === undefined ? fresh : { ...fresh, data };
  });
  const missing = [...wanted.values()]
    .filter(({ name }) => !found.has(name))
    .map(({ name, shape }) => ({ name, shape }));
  return { weights, report: { prefix, loaded, skipped, missing, share: shareOf(found, wanted) } };
}

function tensorsOf(bytes: Uint8Array, file: string): readonly StoredTensor[] {
  if (isPickle(bytes)) {
    throw new InteropError(
      { code: 'pickle', file },
      `${file}: this is a PyTorch pickle, which runs code when it is opened: convert it to safetensors where you trust it, as "annulus import --help" shows`,
    );
  }
  try {
    return readSafetensors(bytes).tensors;
  } catch (error) {
    if (!(error instanceof AnnulusError)) throw error;
    const facts = { code: 'bad_weights', file } as const;
    throw new InteropError(facts, `${file}: ${error.message}`, { cause: error });
  }
}

/** A zip since PyTorch 1.6, before that a bare pickle; neither can be the length of a safetensors header. */
function isPickle(bytes: Uint8Array): boolean {
  const [a = 0, b = 0, c = 0, d = 0] = bytes;
  const isZip = a === 0x50 && b === 0x4b && c === 0x03 && d === 0x04;
  return isZip || (a === 0x80 && b >= 2 && b <= 5 && (bytes[7] ?? 0) !== 0);
}

/** Looked at only when a parameter is to be made of it: buffers of whole numbers are common and harmless. */
function finiteFloats(tensor: StoredTensor, file: string): Float32Array {
  const { name, dtype } = tensor;
  const refuse = (what: string): never => {
    throw new InteropError(
      { code: 'bad_tensor', file, tensor: name },
      `${file}: ${printable(name)}: ${what}`,
    );
  };
  const data = floatsOf(tensor) ?? refuse(`expected F64, F32, F16 or BF16, got ${dtype}`);
  const odd = oddWeightIn(data);
  if (odd >= 0) {
    const came = (data[odd] ?? NaN).toPrecision(3);
    refuse(
      `expected float32 numbers of at most ${weightMax}, got ${came} at ${odd}: no trained model has such weights`,
    );
  }
  return data;
}

/** Names come from outside, and may end up on a terminal. */
export function printable(name: string): string {
  return printableLine(name.slice(0, 120));
}

function isHead(name: string): boolean {
  return /(^|\.)(outs?|seg_layers|seg_outputs|\w*head)\./.test(name);
}

function reasonFor(name: string): string {
  if (isHead(name)) return 'a head of another task';
  if (name.endsWith('relative_position_index')) return 'a table that follows from the window';
  if (name.includes('cross_attn.')) return 'never run: MONAI 1.4 stores it all the same';
  return 'this model has no such parameter';
}

function shareOf(
  found: ReadonlyMap<string, Float32Array>,
  wanted: ReadonlyMap<string, ParameterInfo>,
): number {
  const sum = (counts: Iterable<number>): number => [...counts].reduce((a, b) => a + b, 0);
  const total = sum([...wanted.values()].map(({ shape }) => elementCount(shape)));
  return sum([...found.values()].map(({ length }) => length)) / total;
}

function refuseOther(
  tensors: readonly StoredTensor[],
  file: string,
  spec: ModelSpec,
  skipped: ImportReport['skipped'] = [],
): never {
  const near = skipped.find(({ reason }) => reason.startsWith('its shape')) ?? skipped[0];
  const name = near?.from ?? tensors[0]?.name ?? null;
  const example =
    name === null ? '' : ` (${printable(name)}${near === undefined ? '' : `: ${near.reason}`})`;
  throw new InteropError(
    { code: 'other_model', file },
    `${file}: none of its ${tensors.length} tensors${example} is a parameter of this ${spec.kind}, such as ${parameterList(spec)[0]?.name ?? ''}`,
  );
}
