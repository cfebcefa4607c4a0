/**
 * The heavy work of a round, over files of a store: where the round starts, the own update encrypted, an update of another
 * member checked, the average. Pure, and in pieces: whoever runs them holds one integer for each parameter at most. A node
 * runs them on a thread of their own (`hospital`), simulations and tests where they are.
 */
import { type Digest, type Store } from '../../base/index.ts';
import { bulkHeaderBytes, isBulkKey } from '../../crypto/index.ts';
import {
  difference,
  fixedPointFor,
  ModelReader,
  type ModelLayout,
  type WrittenModel,
} from '../../weights/index.ts';
import { segmentsOf, UpdateBounds, type UpdateWeights } from '../average/head-weights.ts';
import { steppedOn } from '../average/outer-step.ts';
import {
  updateWeights,
  type AveragingRule,
  type TrainedSamples,
} from '../average/averaging-rule.ts';
import { RoundSum } from '../average/round-sum.ts';
import { isRobust, RobustMean, type RobustAveraging } from '../rules/robust-mean.ts';
import { ownChange, type ChangeJob } from './own-change.ts';
import { PackedFile } from './packed-file.ts';
import { eachTogether } from './side-by-side.ts';
import {
  eachValue,
  firstValues,
  formOf,
  isRefusal,
  isSound,
  rangeOf,
  updateBytesOf,
  writeTensors,
  type UpdateFile,
} from './update-file.ts';

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

/** What a participant encrypts after its training: files of canonical models. */
export interface EncryptJob extends ChangeJob {
  readonly trained: TrainedSamples;
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
  const weights = updateWeights(segmentsOf(job.layout), job.trained, job.rule);
  const change = await ownChange(store, job, weights);
  const file = await PackedFile.create(store, job.into, change.packerAt(0), job);
  try {
    for await (const values of change.values) await file.push(values);
    const { digest: update, bytes: updateBytes } = await file.commit();
    await change.end();
    return { update, updateBytes, weights, ...change.counts };
  } catch (error) {
    await file.discard();
    throw error;
  }
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
  const form = formOf({ layout, rule });
  const range = rangeOf(job, form);
  const expected = updateBytesOf(rule, range.end - range.start);
  if (expected !== null && size !== expected) {
    const reason = `expected ${expected} bytes of ${rule.compression ?? ''}, got ${size}`;
    return verdictOn(store, job, { kind: 'bad', reason });
  }
  const fixedPoint = fixedPointFor(rule.memberCount, rule.clamp);
  try {
    // A value beyond what its weight allows would pull harder than the author says.
    const bounds = new UpdateBounds(form.segments, job.weights, { ...rule, fixedPoint });
    await eachValue(store, job, form, (values, start) => {
      bounds.check(values, range.start + start);
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
  const form = formOf({ layout, rule });
  const sum = new RoundSum(form.segments, rule);
  for (const update of updates) {
    const underWay = sum.begin(update.weights);
    await eachValue(store, update, form, (values) => {
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
  const form = formOf({ layout, rule });
  const mean = new RobustMean(
    form.segments,
    updates.map(({ weights }) => weights),
    rule,
  );
  if (mean.looks) {
    await eachTogether(store, updates, form, (values) => {
      mean.look(values);
    });
  }
  await eachTogether(store, updates, form, (values) => {
    mean.combine(values);
  });
  mean.end();
  return mean;
}

/** `verdict`, unless the file is not what its digest names: then a disk is at fault and not the author. */
async function verdictOn(
  store: Store,
  update: UpdateFile,
  verdict: CheckOutcome,
): Promise<CheckOutcome> {
  return (await isSound(store, update)) ? verdict : { kind: 'damaged' };
}
