/**
 * The heavy work of a round, over files of a store: where the round starts, the own update encrypted, an update of another
 * member checked, the average. Pure, and in pieces: whoever runs them holds one integer for each parameter at most. A node
 * runs them on a thread of their own (`hospital`), simulations and tests where they are.
 */
import { AnnulusError, type Digest, type Store } from '../../base/index.ts';
import {
  BulkDecryption,
  BulkEncryption,
  bulkHeaderBytes,
  CryptoError,
  HashStream,
  isBulkKey,
} from '../../crypto/index.ts';
import {
  difference,
  elementCount,
  fileOrder,
  fixedPointFor,
  IntegerPacker,
  IntegerUnpacker,
  ModelReader,
  ModelWriter,
  pieceValues,
  quantise,
  WeightsError,
  type ModelLayout,
  type WrittenModel,
} from '../../weights/index.ts';
import {
  headOf,
  segmentsOf,
  UpdateBounds,
  weightIn,
  type UpdateWeights,
} from '../average/head-weights.ts';
import { steppedOn } from '../average/outer-step.ts';
import {
  updateWeights,
  type AveragingRule,
  type TrainedSamples,
} from '../average/averaging-rule.ts';
import { RoundSum } from '../average/round-sum.ts';
import { isRobust, RobustMean, type RobustAveraging } from '../rules/robust-mean.ts';
import { eachTogether } from './side-by-side.ts';
import { fileDigest, filePieces } from '../content/file-pieces.ts';

/** Where a round starts when the outer step has momentum: files of canonical models. */
export interface StartJob {
  readonly layout: ModelLayout;
  /** The agreed model. */
  readonly base: string;
  /** The one it came from. */
  readonly before: string;
  readonly momentum: number;
  /** Where the start is left. */
  readonly into: string;
}

/** Where a member starts that adds what it learnt in an earlier round: files of canonical models. */
export interface CarryJob {
  readonly layout: ModelLayout;
  /** Where all begin this round. */
  readonly start: string;
  /** Where all began in the earlier one, and what the member came to. */
  readonly earlier: string;
  readonly after: string;
  /** Where the sum is left. */
  readonly into: string;
}

/** A ciphertext of an update: which it must be, and what it is under. */
export interface UpdateFile {
  readonly ciphertext: string;
  readonly digest: Digest;
  /** 32 bytes. */
  readonly key: Uint8Array;
  /** What the ciphertext is bound to (`updateContext`). */
  readonly context: Uint8Array;
  readonly weights: UpdateWeights;
}

/** What a participant encrypts after its training: files of canonical models. */
export interface EncryptJob {
  readonly layout: ModelLayout;
  readonly start: string;
  readonly after: string;
  readonly trained: TrainedSamples;
  readonly rule: AveragingRule;
  /** Fresh: `bulkKeyBytes` and `bulkSaltBytes` that nobody can guess. */
  readonly key: Uint8Array;
  readonly salt: Uint8Array;
  readonly context: Uint8Array;
  /** Where the ciphertext is left. */
  readonly into: string;
}

/** What a statement says of the own ciphertext. */
export interface EncryptedBulk {
  readonly update: Digest;
  readonly updateBytes: number;
  readonly weights: UpdateWeights;
  /** Parameters whose change was cut to the clamp. */
  readonly clampedCount: number;
}

/** A member's update to check. */
export interface CheckJob extends UpdateFile {
  readonly layout: ModelLayout;
  /** What its statement says. */
  readonly updateBytes: number;
  readonly rule: AveragingRule;
}

/** What is wrong with an update's bulk, or nothing. */
export type CheckOutcome =
  /** An integer for each parameter of the stage's model, none larger than its weight allows. */
  | { readonly kind: 'fits' }
  /** The key is not the one that the ciphertext commits to. */
  | { readonly kind: 'wrong_key' }
  /** It is so for every member. */
  | { readonly kind: 'bad'; readonly reason: string }
  /** The file is not the one that its digest names. */
  | { readonly kind: 'damaged' };

/** A cut to average. */
export interface AverageJob {
  readonly layout: ModelLayout;
  /** Canonical file of the model where all began. */
  readonly start: string;
  /** At least one. */
  readonly updates: readonly UpdateFile[];
  readonly rule: AveragingRule;
  /** Where the new model is left. */
  readonly into: string;
}

/** The new model, or the update whose file is not what its digest names any more. */
export type AverageOutcome =
  | { readonly kind: 'averaged'; readonly model: WrittenModel }
  | { readonly kind: 'damaged'; readonly digest: Digest };

/** Writes `base` + momentum · (`base` - `before`), as `roundStart`. @throws {WeightsError} 'shape_mismatch' */
export async function startRound(store: Store, job: StartJob): Promise<WrittenModel> {
  const base = await ModelReader.open(store, job.base, job.layout);
  const before = await ModelReader.open(store, job.before, job.layout);
  return writeTensors(store, job.into, job.layout, async (tensor, start, count) => {
    const [from, earlier] = [
      await base.read(tensor, start, count),
      await before.read(tensor, start, count),
    ];
    return steppedOn(from, earlier, job.momentum);
  });
}

/** Writes `start` + (`after` - `earlier`). @throws {WeightsError} 'shape_mismatch' */
export async function carryRound(store: Store, job: CarryJob): Promise<WrittenModel> {
  const { layout } = job;
  const start = await ModelReader.open(store, job.start, layout);
  const after = await ModelReader.open(store, job.after, layout);
  const earlier = await ModelReader.open(store, job.earlier, layout);
  return writeTensors(store, job.into, layout, async (tensor, at, count) => {
    const from = await start.read(tensor, at, count);
    const change = difference(
      await after.read(tensor, at, count),
      await earlier.read(tensor, at, count),
    );
    return from.map((value, index) => value + (change[index] ?? 0));
  });
}

/**
 * The update of a participant that trained `start` into `after`, as `roundUpdate`, packed and encrypted.
 * @throws {WeightsError} 'shape_mismatch', or 'not_finite' when a weight is
 */
export async function encryptRoundUpdate(store: Store, job: EncryptJob): Promise<EncryptedBulk> {
  const { layout, rule } = job;
  const segments = segmentsOf(layout);
  const weights = updateWeights(segments, job.trained, rule);
  const fixedPoint = fixedPointFor(rule.memberCount, rule.clamp);
  const after = await ModelReader.open(store, job.after, layout);
  const start = await ModelReader.open(store, job.start, layout);
  const packer = new IntegerPacker();
  const encryption = new BulkEncryption(job.key, job.context, job.salt);
  const hash = new HashStream();
  let clampedCount = 0;
  const writer = await store.create(job.into);
  const add = async (ciphertext: Uint8Array): Promise<void> => {
    hash.update(ciphertext);
    await writer.write(ciphertext);
  };
  try {
    for (const [tensor, { name, shape }] of layout.entries()) {
      const weight = weightIn({ head: headOf(name) }, weights);
      for (const [at, count] of piecesOf(elementCount(shape))) {
        let values: Int32Array = new Int32Array(count);
        if (weight > 0) {
          const [from, to] = [
            await start.read(tensor, at, count),
            await after.read(tensor, at, count),
          ];
          const share = { weight, weightMax: rule.weightMax };
          const quantised = quantise(difference(to, from), share, fixedPoint);
          values = quantised.values;
          clampedCount += quantised.clampedCount;
        }
        await add(encryption.push(packer.push(values)));
      }
    }
    await add(encryption.push(packer.end()));
    await add(encryption.end());
    await writer.commit();
  } catch (error) {
    await writer.discard();
    throw error;
  }
  return { update: hash.digest(), updateBytes: hash.sizeBytes, weights, clampedCount };
}

/** Checks an update's bulk to its last value, and keeps nothing of it. */
export async function checkRoundUpdate(store: Store, job: CheckJob): Promise<CheckOutcome> {
  const { layout, rule, updateBytes, ciphertext, key, context } = job;
  const size = await store.size(ciphertext);
  if (size !== updateBytes) {
    const reason = `its statement says ${updateBytes} bytes, ${String(size)} came`;
    return verdictOn(store, job, { kind: 'bad', reason });
  }
  const header = await store.readPart(ciphertext, 0, bulkHeaderBytes);
  if (header === null || !isBulkKey(key, context, header)) {
    return verdictOn(store, job, { kind: 'wrong_key' });
  }
  const segments = segmentsOf(layout);
  const fixedPoint = fixedPointFor(rule.memberCount, rule.clamp);
  try {
    // A value beyond what its weight allows would pull harder than the author says.
    const bounds = new UpdateBounds(segments, job.weights, { ...rule, fixedPoint });
    await eachValue(store, job, segments.at(-1)?.end ?? 0, (values, start) => {
      bounds.check(values, start);
    });
    return { kind: 'fits' };
  } catch (error) {
    if (!isRefusal(error)) throw error;
    return verdictOn(store, job, { kind: 'bad', reason: error.message });
  }
}

/**
 * The average of a cut, as `roundAverage`.
 * @throws {WeightsError} and {CryptoError} when an update is not one that `checkRoundUpdate` lets pass
 */
export async function averageRound(store: Store, job: AverageJob): Promise<AverageOutcome> {
  const { layout, rule } = job;
  let mean: Pick<RoundSum, 'applyTo'>;
  try {
    mean = await (isRobust(rule) ? robustMean(store, job, rule) : plainMean(store, job));
  } catch (error) {
    if (!isRefusal(error)) throw error;
    for (const update of job.updates) {
      if (!(await isSound(store, update))) return { kind: 'damaged', digest: update.digest };
    }
    throw error;
  }
  const start = await ModelReader.open(store, job.start, layout);
  const firsts = firstValues(layout);
  const model = await writeTensors(store, job.into, layout, async (tensor, at, count) => {
    return mean.applyTo(await start.read(tensor, at, count), (firsts[tensor] ?? 0) + at);
  });
  return { kind: 'averaged', model };
}

async function plainMean(store: Store, { layout, rule, updates }: AverageJob): Promise<RoundSum> {
  const segments = segmentsOf(layout);
  const sum = new RoundSum(segments, rule);
  for (const update of updates) {
    const underWay = sum.begin(update.weights);
    await eachValue(store, update, segments.at(-1)?.end ?? 0, (values) => {
      underWay.add(values);
    });
    underWay.end();
  }
  return sum;
}

async function robustMean(
  store: Store,
  { layout, updates }: AverageJob,
  rule: RobustAveraging,
): Promise<RobustMean> {
  const segments = segmentsOf(layout);
  const count = segments.at(-1)?.end ?? 0;
  const mean = new RobustMean(
    segments,
    updates.map(({ weights }) => weights),
    rule,
  );
  if (mean.looks) {
    await eachTogether(store, updates, count, (values) => {
      mean.look(values);
    });
  }
  await eachTogether(store, updates, count, (values) => {
    mean.combine(values);
  });
  mean.end();
  return mean;
}

/** Decrypts and unpacks a ciphertext, handing its values on in order. */
export async function eachValue(
  store: Store,
  { ciphertext, key, context }: Pick<UpdateFile, 'ciphertext' | 'key' | 'context'>,
  count: number,
  take: (values: Int32Array, start: number) => void,
): Promise<void> {
  const unpacker = new IntegerUnpacker(count, take);
  const decryption = new BulkDecryption(key, context, (plaintext) => {
    unpacker.push(plaintext);
  });
  for await (const piece of filePieces(store, ciphertext)) decryption.push(piece);
  decryption.end();
  unpacker.end();
}

/** Writes a model whose numbers `make` gives: count of them from `start` on of the tensor at a place of the layout. */
export async function writeTensors(
  store: Store,
  into: string,
  layout: ModelLayout,
  make: (tensor: number, start: number, count: number) => Promise<Float32Array>,
): Promise<WrittenModel> {
  const writer = await ModelWriter.create(store, into, layout);
  try {
    for (const tensor of fileOrder(layout)) {
      for (const [at, count] of piecesOf(elementCount(layout[tensor]?.shape ?? []))) {
        await writer.write(await make(tensor, at, count));
      }
    }
    return await writer.commit();
  } catch (error) {
    await writer.discard();
    throw error;
  }
}

/** `verdict`, unless the file is not what its digest names: then a disk is at fault and not the author. */
async function verdictOn(
  store: Store,
  update: UpdateFile,
  verdict: CheckOutcome,
): Promise<CheckOutcome> {
  return (await isSound(store, update)) ? verdict : { kind: 'damaged' };
}

/** Whether a file is the one that its digest names. */
export async function isSound(
  store: Store,
  { ciphertext, digest }: Pick<UpdateFile, 'ciphertext' | 'digest'>,
): Promise<boolean> {
  return (await fileDigest(store, ciphertext)) === digest;
}

/** Where the numbers of each tensor begin in the flat vector. */
export function firstValues(layout: ModelLayout): number[] {
  let next = 0;
  return layout.map(({ shape }) => {
    const first = next;
    next += elementCount(shape);
    return first;
  });
}

/** Stretches of so many values. */
export function* piecesOf(
  count: number,
): Generator<[start: number, count: number], void, undefined> {
  for (let at = 0; at < count; at += pieceValues) yield [at, Math.min(pieceValues, count - at)];
}

function isRefusal(error: unknown): error is AnnulusError {
  return error instanceof WeightsError || error instanceof CryptoError;
}
