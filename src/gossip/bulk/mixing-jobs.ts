/**
 * The heavy work of a mixing round, over files of a store: the own contribution as numbers, a state encrypted for its
 * receivers, what was received mixed in, the model at the end, and how far two models are apart. Pure, and in pieces, as
 * `round-jobs.ts`: whoever runs them holds one number for each parameter at most.
 */
import type { Digest, Store } from '../../base/index.ts';
import {
  BulkDecryption,
  BulkEncryption,
  bulkHeaderBytes,
  CryptoError,
  HashStream,
  isBulkKey,
} from '../../crypto/index.ts';
import {
  elementCount,
  fixedPointFor,
  ModelReader,
  parameterCount,
  WeightsError,
  type ModelLayout,
  type WrittenModel,
} from '../../weights/index.ts';
import type { AveragingRule } from '../average/averaging-rule.ts';
import { segmentsOf, weightIn, type UpdateWeights } from '../average/head-weights.ts';
import { filePieces } from '../content/file-pieces.ts';
import { numberBytes, numbersIn, writeNumbers, wrongCount } from './number-file.ts';
import {
  eachValue,
  ciphertextBytes,
  firstValues,
  formOf,
  isSound,
  piecesOf,
  writeTensors,
  type UpdateFile,
} from './update-file.ts';

/** The own contribution: weight times change, as numbers. */
export interface BeginMixingJob {
  readonly layout: ModelLayout;
  /** The own update. */
  readonly update: UpdateFile;
  readonly rule: AveragingRule;
  /** Where the state is left. */
  readonly into: string;
}

/** A state to be encrypted. */
export interface EncryptStateJob {
  readonly state: string;
  /** Fresh: `bulkKeyBytes` and `bulkSaltBytes` that nobody can guess. */
  readonly key: Uint8Array;
  readonly salt: Uint8Array;
  readonly context: Uint8Array;
  /** Where the ciphertext is left. */
  readonly into: string;
}

/** A state that another member sent. */
export interface StateFile {
  readonly ciphertext: string;
  readonly digest: Digest;
  readonly key: Uint8Array;
  readonly context: Uint8Array;
  /** Its share of the new state. */
  readonly share: number;
  /** What it weighs: no number of it is larger than that allows. */
  readonly weights: UpdateWeights;
}

/** One step of one member. */
export interface MixStepJob {
  readonly layout: ModelLayout;
  readonly rule: AveragingRule;
  /** The own state and its share. */
  readonly own: { readonly state: string; readonly share: number };
  /** In the order of the CUT. */
  readonly received: readonly StateFile[];
  /** Members that mix: so many roundings may be in a number. */
  readonly memberCount: number;
  /** Where the new state is left. */
  readonly into: string;
}

/** The new state, or whose is not to be used. */
export type MixStepOutcome =
  | { readonly kind: 'mixed' }
  /** What its sender signed is no state that goes with its weight: it would be so again. */
  | { readonly kind: 'bad'; readonly digest: Digest; readonly reason: string }
  /** The file is not what its digest names any more. */
  | { readonly kind: 'damaged'; readonly digest: Digest };

/** A state that somebody says cannot be used. */
export type CheckStateJob = Pick<MixStepJob, 'layout' | 'rule' | 'memberCount'> & {
  readonly state: Omit<StateFile, 'share'>;
};

/** What is wrong with a state, if anything. */
export type CheckStateOutcome =
  | { readonly kind: 'fits' }
  /** The key is not the one that the ciphertext commits to. */
  | { readonly kind: 'wrong_key' }
  /** It is so for everybody. */
  | { readonly kind: 'bad'; readonly reason: string }
  /** The file is not the one that its digest names. */
  | { readonly kind: 'damaged' };

/** The end of a mixing. */
export interface EndMixingJob {
  readonly layout: ModelLayout;
  /** Canonical file of the model where all began. */
  readonly start: string;
  readonly state: string;
  /** What the state weighs. */
  readonly weights: UpdateWeights;
  readonly rule: AveragingRule;
  /** Where the new model is left. */
  readonly into: string;
}

/** Two models to compare. */
export interface CompareJob {
  readonly layout: ModelLayout;
  readonly own: string;
  readonly other: string;
}

/** How far they are apart in one parameter, at most; or why the other is no model of this layout. */
export type CompareOutcome =
  | { readonly kind: 'compared'; readonly apart: number }
  | { readonly kind: 'not_a_model'; readonly reason: string };

/** Numbers of float32 that were added and multiplied are off by less. */
const roundingShare = 1e-4;

/** Size of the ciphertext of a state: whoever fetches one takes no more. */
export function stateCiphertextBytes(layout: ModelLayout): number {
  return ciphertextBytes(numberBytes * parameterCount(layout));
}

/** Writes the own contribution. @throws {WeightsError} and {CryptoError} when the own update is not what it was */
export async function beginMixing(store: Store, job: BeginMixingJob): Promise<void> {
  const { rule, update } = job;
  const unit = rule.weightMax / 2 ** fixedPointFor(rule.memberCount, rule.clamp).fractionBits;
  const values = new Float32Array(parameterCount(job.layout));
  await eachValue(store, update, formOf(job), (integers, start) => {
    for (let i = 0; i < integers.length; i++) values[start + i] = (integers[i] as number) * unit;
  });
  await writeNumbers(store, job.into, values);
}

/** Encrypts a state. */
export async function encryptState(
  store: Store,
  { state, key, salt, context, into }: EncryptStateJob,
): Promise<{ readonly digest: Digest; readonly bytes: number }> {
  const encryption = new BulkEncryption(key, context, salt);
  const hash = new HashStream();
  const writer = await store.create(into);
  const add = async (ciphertext: Uint8Array): Promise<void> => {
    hash.update(ciphertext);
    await writer.write(ciphertext);
  };
  try {
    for await (const piece of filePieces(store, state)) await add(encryption.push(piece));
    await add(encryption.end());
    await writer.commit();
  } catch (error) {
    await writer.discard();
    throw error;
  }
  return { digest: hash.digest(), bytes: hash.sizeBytes };
}

/** Σ share · state, each rounded to float32. What was received is checked to its last number before any of it counts. */
export async function mixStep(store: Store, job: MixStepJob): Promise<MixStepOutcome> {
  const sum = new Float32Array(parameterCount(job.layout));
  let at = 0;
  for await (const bytes of filePieces(store, job.own.state)) {
    const values = numbersIn(bytes);
    addTo(sum, values, at, job.own.share);
    at += values.length;
  }
  if (at !== sum.length) throw wrongCount(job.own.state, sum.length);
  for (const file of job.received) {
    const refusal = await takeState(store, file, job, sum);
    if (refusal === null) continue;
    const { digest } = file;
    return (await isSound(store, file))
      ? { kind: 'bad', digest, reason: refusal }
      : { kind: 'damaged', digest };
  }
  await writeNumbers(store, job.into, sum);
  return { kind: 'mixed' };
}

/** Checks a state to its last number, and keeps nothing of it. */
export async function checkState(store: Store, job: CheckStateJob): Promise<CheckStateOutcome> {
  const { state } = job;
  const header = await store.readPart(state.ciphertext, 0, bulkHeaderBytes);
  const isKey = header !== null && isBulkKey(state.key, state.context, header);
  const refusal = isKey ? await takeState(store, { ...state, share: 0 }, job, null) : null;
  if (isKey && refusal === null) return { kind: 'fits' };
  if (!(await isSound(store, state))) return { kind: 'damaged' };
  return refusal === null ? { kind: 'wrong_key' } : { kind: 'bad', reason: refusal };
}

/** start + rate · state / weight, for each head over those that trained it; a head that nobody trained stays as it is. */
export async function endMixing(store: Store, job: EndMixingJob): Promise<WrittenModel> {
  const { layout, weights, rule } = job;
  const start = await ModelReader.open(store, job.start, layout);
  const firsts = firstValues(layout);
  const segments = segmentsOf(layout);
  return writeTensors(store, job.into, layout, async (tensor, at, count) => {
    const first = (firsts[tensor] ?? 0) + at;
    const base = await start.read(tensor, at, count);
    const bytes = await store.readPart(job.state, numberBytes * first, numberBytes * count);
    if (bytes?.byteLength !== numberBytes * count)
      throw wrongCount(job.state, parameterCount(layout));
    const numerators = numbersIn(bytes);
    const segment = segments.find(({ end }) => first < end) ?? { head: null };
    const weight = weightIn(segment, weights);
    return base.map((value, i) => {
      const mean = weight === 0 ? 0 : Math.fround((numerators[i] as number) / weight);
      return value + rule.outerRate * mean;
    });
  });
}

/** Compares two models, the other of which nobody has looked at. @throws {WeightsError} when the own is none */
export async function compareModels(store: Store, job: CompareJob): Promise<CompareOutcome> {
  const own = await ModelReader.open(store, job.own, job.layout);
  let other: ModelReader;
  try {
    other = await ModelReader.open(store, job.other, job.layout);
  } catch (error) {
    if (!(error instanceof WeightsError)) throw error;
    return { kind: 'not_a_model', reason: error.message };
  }
  let apart = 0;
  for (const [tensor, { name, shape }] of job.layout.entries()) {
    for (const [at, count] of piecesOf(elementCount(shape))) {
      const [a, b] = [await own.read(tensor, at, count), await other.read(tensor, at, count)];
      for (let i = 0; i < count; i++) {
        const value = b[i] as number;
        if (!Number.isFinite(value)) {
          return { kind: 'not_a_model', reason: `${name} holds ${String(value)}` };
        }
        apart = Math.max(apart, Math.abs(value - (a[i] as number)));
      }
    }
  }
  return { kind: 'compared', apart };
}

/** Adds a received state to `sum`, if there is one; why it is no state, or null. */
async function takeState(
  store: Store,
  file: StateFile,
  { layout, rule, memberCount }: Pick<MixStepJob, 'layout' | 'rule' | 'memberCount'>,
  sum: Float32Array | null,
): Promise<string | null> {
  const { ciphertext, key, context, share, weights } = file;
  const size = await store.size(ciphertext);
  const wanted = stateCiphertextBytes(layout);
  if (size !== wanted) return `expected ${wanted} bytes, got ${String(size)}`;
  const header = await store.readPart(ciphertext, 0, bulkHeaderBytes);
  if (header === null || !isBulkKey(key, context, header)) return 'its key does not open it';
  const unit = rule.weightMax / 2 ** fixedPointFor(rule.memberCount, rule.clamp).fractionBits;
  const bounds = segmentsOf(layout).map((segment) => {
    const weight = weightIn(segment, weights);
    return {
      ...segment,
      max: weight === 0 ? 0 : rule.clamp * weight * (1 + roundingShare) + unit * memberCount,
    };
  });
  let at = 0;
  let segment = 0;
  const decryption = new BulkDecryption(key, context, (plaintext) => {
    const values = numbersIn(plaintext);
    for (let i = 0; i < values.length; i++) {
      while (at + i >= (bounds[segment]?.end ?? Infinity)) segment += 1;
      const [value, max] = [values[i] as number, bounds[segment]?.max ?? 0];
      // Written so that NaN is refused too.
      if (!(Math.abs(value) <= max)) throw new NoState(`${value} at ${at + i}, of at most ${max}`);
    }
    if (sum !== null) addTo(sum, values, at, share);
    at += values.length;
  });
  try {
    for await (const piece of filePieces(store, ciphertext)) decryption.push(piece);
    decryption.end();
  } catch (error) {
    if (error instanceof NoState || error instanceof CryptoError) return error.message;
    throw error;
  }
  return null;
}

/** A number that no honest member sends. */
class NoState extends Error {}

function addTo(sum: Float32Array, values: Float32Array, start: number, share: number): void {
  for (let i = 0; i < values.length; i++) {
    sum[start + i] = (sum[start + i] as number) + share * (values[i] as number);
  }
}
