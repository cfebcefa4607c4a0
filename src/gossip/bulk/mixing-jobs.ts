/**
 * The heavy work of a mixing round, over files of a store: the own contribution as numbers, a state encrypted for its
 * receivers, what was received mixed in, and the model at the end. Pure, and in pieces, as
 * `round-jobs.ts`: whoever runs them holds one number for each parameter at most, two where states are compressed.
 */
import type { Digest, Store } from '../../base/index.ts';
import {
  BulkDecryption,
  BulkEncryption,
  bulkHeaderBytes,
  HashStream,
  isBulkKey,
} from '../../crypto/index.ts';
import {
  fixedPointFor,
  ModelReader,
  parameterCount,
  pieceValues,
  type ModelLayout,
  type WrittenModel,
} from '../../weights/index.ts';
import type { AveragingRule } from '../average/averaging-rule.ts';
import {
  compressedBytes,
  CompressedPacker,
  CompressedUnpacker,
} from '../average/compressed-values.ts';
import type { TravelCompression } from '../../wire/index.ts';
import { NoState, NumberReader, StateBounds } from './state-numbers.ts';
import { segmentsOf, weightIn, type UpdateWeights } from '../average/head-weights.ts';
import { filePieces } from '../content/file-pieces.ts';
import { numberBytes, numbersIn, readNumbers, writeNumbers, wrongCount } from './number-file.ts';
import {
  eachValue,
  ciphertextBytes,
  firstValues,
  formOf,
  isRefusal,
  isSound,
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
  /** Absent where states travel as they are. */
  readonly compressed?: SentCompressed;
  /** Fresh: `bulkKeyBytes` and `bulkSaltBytes` that nobody can guess. */
  readonly key: Uint8Array;
  readonly salt: Uint8Array;
  readonly context: Uint8Array;
  /** Where the ciphertext is left. */
  readonly into: string;
}

/** How a state is rounded: its change since an earlier one that all receivers have. docs/specs/mixing-round.md, 3 */
export interface Compressed {
  readonly kind: TravelCompression;
  /** What all took that earlier state for; null when there is none. */
  readonly reference: string | null;
  /** Where what all take this one for is left. */
  readonly public: string;
}

/** What the sender needs beside it: no number of a state is larger than its weight allows. */
export interface SentCompressed extends Compressed, Pick<MixStepJob, 'layout' | 'rule'> {
  readonly memberCount: number;
  readonly weights: UpdateWeights;
}

/** A state that another member sent. */
export interface StateFile {
  /** Absent where states travel as they are. */
  readonly compressed?: Compressed;
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
  /** The own state and its share; what all others take it for, where states are compressed. */
  readonly own: { readonly state: string; readonly share: number; readonly public?: string };
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
  readonly state: Omit<StateFile, 'share' | 'compressed'>;
  /** How states are rounded; absent for not at all. */
  readonly compression?: TravelCompression;
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

/** Size of the ciphertext of a state: whoever fetches one takes no more. */
export function stateCiphertextBytes(layout: ModelLayout, compression?: TravelCompression): number {
  const count = parameterCount(layout);
  const plain =
    compression === undefined ? numberBytes * count : compressedBytes(compression, count);
  return ciphertextBytes(plain);
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

/** Encrypts a state, or what has changed since an earlier one. */
export async function encryptState(
  store: Store,
  { state, compressed, key, salt, context, into }: EncryptStateJob,
): Promise<{ readonly digest: Digest; readonly bytes: number }> {
  const encryption = new BulkEncryption(key, context, salt);
  const hash = new HashStream();
  const writer = await store.create(into);
  const add = async (ciphertext: Uint8Array): Promise<void> => {
    hash.update(ciphertext);
    await writer.write(ciphertext);
  };
  const plaintext =
    compressed === undefined ? filePieces(store, state) : changePieces(store, state, compressed);
  try {
    for await (const piece of plaintext) await add(encryption.push(piece));
    await add(encryption.end());
    await writer.commit();
  } catch (error) {
    await writer.discard();
    throw error;
  }
  return { digest: hash.digest(), bytes: hash.sizeBytes };
}

/** The compressed change of a state; at the end what all take the state for is on the disk. */
async function* changePieces(
  store: Store,
  state: string,
  job: SentCompressed,
): AsyncGenerator<Uint8Array, void, undefined> {
  const count = parameterCount(job.layout);
  const shown = await referenceOf(store, job, count);
  const values = await readNumbers(store, state, count);
  if (values === null) throw wrongCount(state, count);
  for (let i = 0; i < count; i++) values[i] = (values[i] as number) - (shown[i] as number);
  const bounds = new StateBounds(job.layout, job.rule, job);
  const packer = new CompressedPacker(job.kind, (numbers, start) => {
    bounds.addWithin(shown, numbers, start);
  });
  for (let at = 0; at < count; at += pieceValues) {
    yield packer.push(values.subarray(at, at + pieceValues));
  }
  yield packer.end();
  await writeNumbers(store, job.public, shown);
}

/** What an earlier state was taken for; zeros where there is none. */
async function referenceOf(
  store: Store,
  { reference }: Pick<Compressed, 'reference'>,
  count: number,
): Promise<Float32Array> {
  if (reference === null) return new Float32Array(count);
  const values = await readNumbers(store, reference, count);
  if (values === null) throw wrongCount(reference, count);
  return values;
}

/**
 * Σ share · state, each rounded to float32. What was received is checked to its last number before any of it counts. Where
 * states are compressed, all count as what everybody takes them for, and this node keeps what its own differs from that: no
 * part of a contribution is lost.
 */
export async function mixStep(store: Store, job: MixStepJob): Promise<MixStepOutcome> {
  const count = parameterCount(job.layout);
  const sum = new Float32Array(count);
  const { state, share, public: shown } = job.own;
  if (shown === undefined) await addFile(store, state, sum, share);
  else {
    await addFile(store, state, sum, 1);
    await addFile(store, shown, sum, share - 1);
  }
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

async function addFile(
  store: Store,
  name: string,
  sum: Float32Array,
  share: number,
): Promise<void> {
  let at = 0;
  for await (const bytes of filePieces(store, name)) {
    const values = numbersIn(bytes);
    addTo(sum, values, at, share);
    at += values.length;
  }
  if (at !== sum.length) throw wrongCount(name, sum.length);
}

/** Checks a state to its last number, and keeps nothing of it. */
export async function checkState(store: Store, job: CheckStateJob): Promise<CheckStateOutcome> {
  const { state } = job;
  const header = await store.readPart(state.ciphertext, 0, bulkHeaderBytes);
  const isKey = header !== null && isBulkKey(state.key, state.context, header);
  const refusal = isKey ? await refusalOf(store, job) : null;
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

/** Why a state that somebody blames is none; null when it is one. */
async function refusalOf(store: Store, job: CheckStateJob): Promise<string | null> {
  const { state, compression: kind } = job;
  if (kind === undefined) return takeState(store, { ...state, share: 0 }, job, null);
  // What its change is added to is known to its listeners alone; whatever it is, they cut the sum to what its weight allows.
  return readState(store, state, job.layout, kind, () => undefined);
}

/** Adds a received state to `sum`, if there is one; why it is no state, or null. */
async function takeState(
  store: Store,
  file: StateFile,
  { layout, rule, memberCount }: Pick<MixStepJob, 'layout' | 'rule' | 'memberCount'>,
  sum: Float32Array | null,
): Promise<string | null> {
  const { share, weights, compressed } = file;
  const bounds = new StateBounds(layout, rule, { weights, memberCount });
  if (compressed === undefined) {
    return readState(store, file, layout, undefined, (values, at) => {
      bounds.check(values, at);
      if (sum !== null) addTo(sum, values, at, share);
    });
  }
  const shown = await referenceOf(store, compressed, parameterCount(layout));
  const refusal = await readState(store, file, layout, compressed.kind, (numbers, at) => {
    bounds.addWithin(shown, numbers, at);
  });
  if (refusal !== null) return refusal;
  await writeNumbers(store, compressed.public, shown);
  if (sum !== null) addTo(sum, shown, 0, share);
  return null;
}

/** Hands on the numbers of a state; why it is none, or null. */
async function readState(
  store: Store,
  { ciphertext, key, context }: Pick<StateFile, 'ciphertext' | 'key' | 'context'>,
  layout: ModelLayout,
  kind: TravelCompression | undefined,
  take: (values: Float32Array | Float64Array, start: number) => void,
): Promise<string | null> {
  const size = await store.size(ciphertext);
  const wanted = stateCiphertextBytes(layout, kind);
  if (size !== wanted) return `expected ${wanted} bytes, got ${String(size)}`;
  const header = await store.readPart(ciphertext, 0, bulkHeaderBytes);
  if (header === null || !isBulkKey(key, context, header)) return 'its key does not open it';
  const reader =
    kind === undefined
      ? new NumberReader(take)
      : new CompressedUnpacker(kind, parameterCount(layout), take);
  const decryption = new BulkDecryption(key, context, (plaintext) => {
    reader.push(plaintext);
  });
  try {
    for await (const piece of filePieces(store, ciphertext)) decryption.push(piece);
    decryption.end();
    reader.end();
  } catch (error) {
    if (error instanceof NoState || isRefusal(error)) return error.message;
    throw error;
  }
  return null;
}

function addTo(
  sum: Float32Array,
  values: Float32Array | Float64Array,
  start: number,
  share: number,
): void {
  for (let i = 0; i < values.length; i++) {
    sum[start + i] = (sum[start + i] as number) + share * (values[i] as number);
  }
}
