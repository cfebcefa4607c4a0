/**
 * What a participant's training has changed, as the numbers of its update: integers, or where the rule compresses, the change
 * itself with what was rounded away in earlier rounds.
 */
import type { Store } from '../../base/index.ts';
import {
  difference,
  elementCount,
  fixedPointFor,
  IntegerPacker,
  ModelReader,
  parameterCount,
  quantise,
  WeightsError,
  type ModelLayout,
} from '../../weights/index.ts';
import type { AveragingRule } from '../average/averaging-rule.ts';
import { CompressedIntegers, CompressedPacker } from '../average/compressed-values.ts';
import { segmentsOf, headOf, weightIn, type UpdateWeights } from '../average/head-weights.ts';
import type { Packer } from './packed-file.ts';
import { readNumbers, writeNumbers } from './number-file.ts';
import { firstValues, piecesOf } from './update-file.ts';

/** A change to make an update of: files of canonical models. */
export interface ChangeJob {
  readonly layout: ModelLayout;
  readonly start: string;
  readonly after: string;
  readonly rule: AveragingRule;
  /** What is rounded away, where the rule compresses: of earlier rounds, none where there is no such file, and after this one. */
  readonly residual?: { readonly from: string; readonly into: string };
}

/** The numbers of an update as they come, and what makes bytes of them. `end` comes after the last was packed. */
export interface OwnChange<Values extends Int32Array | Float32Array = Int32Array | Float32Array> {
  readonly values: AsyncIterable<Values>;
  /** Of the place in the flat vector where it starts. */
  readonly packerAt: (start: number) => Packer<Values>;
  readonly end: () => Promise<void>;
  /** How many were clamped. */
  readonly counts: { readonly clampedCount: number };
}

/**
 * The numbers in the order of the flat vector, in pieces; those of heads that were not trained are 0. While they come, errors:
 * {WeightsError} 'shape_mismatch', or 'not_finite' when a weight is.
 */
export async function ownChange(
  store: Store,
  job: ChangeJob,
  weights: UpdateWeights,
): Promise<OwnChange> {
  const { compression } = job.rule;
  if (compression !== undefined) return compressedChange(store, job, weights, compression);
  const counts = { clampedCount: 0 };
  return {
    values: integersOf(store, job, weights, counts),
    packerAt: () => new IntegerPacker(),
    end: () => Promise.resolve(),
    counts,
  };
}

async function* integersOf(
  store: Store,
  job: ChangeJob,
  weights: UpdateWeights,
  counts: { clampedCount: number },
): AsyncGenerator<Int32Array, void, undefined> {
  const { memberCount, clamp, weightMax } = job.rule;
  const fixedPoint = fixedPointFor(memberCount, clamp);
  for await (const { change, count, weight } of piecesOfChange(store, job, weights)) {
    if (change === null) {
      yield new Int32Array(count);
      continue;
    }
    const quantised = quantise(change, { weight, weightMax }, fixedPoint);
    counts.clampedCount += quantised.clampedCount;
    yield quantised.values;
  }
}

/** Holds one number for each parameter: what is wanted, and in the end what is left of it. */
async function compressedChange(
  store: Store,
  job: ChangeJob,
  weights: UpdateWeights,
  compression: NonNullable<AveragingRule['compression']>,
): Promise<OwnChange<Float32Array>> {
  const { layout, rule, residual } = job;
  const size = parameterCount(layout);
  const wanted =
    residual === undefined ? new Float32Array(size) : await residualIn(store, residual.from, size);
  const integers = new CompressedIntegers(segmentsOf(layout), weights, rule, compression);
  const counts = { clampedCount: 0 };
  return {
    values: wantedOf(store, job, weights, wanted, counts),
    packerAt: (start) =>
      new CompressedPacker(compression, (numbers, at) => {
        integers.takeFrom(wanted, integers.of(numbers, start + at), start + at);
      }),
    end: async () => {
      if (residual !== undefined) await writeNumbers(store, residual.into, wanted);
    },
    counts,
  };
}

/** Zeros where there is none, or where a disk has damaged it: what was rounded away is worth less than a round. */
async function residualIn(store: Store, name: string, size: number): Promise<Float32Array> {
  try {
    const left = await readNumbers(store, name, size);
    if (left?.every(Number.isFinite) === true) return left;
  } catch (error) {
    if (!(error instanceof WeightsError)) throw error;
  }
  return new Float32Array(size);
}

/** Change and residual, within the clamp; a residual of a head that was not trained stays for a round in which it is. */
async function* wantedOf(
  store: Store,
  job: ChangeJob,
  weights: UpdateWeights,
  wanted: Float32Array,
  counts: { clampedCount: number },
): AsyncGenerator<Float32Array, void, undefined> {
  const { clamp } = job.rule;
  for await (const { change, count, start } of piecesOfChange(store, job, weights)) {
    if (change === null) {
      yield new Float32Array(count);
      continue;
    }
    counts.clampedCount += addWithin(wanted, change, start, clamp);
    yield wanted.slice(start, start + count);
  }
}

/** Adds `change` to `wanted` from `start` on, cut to ±clamp. @returns how many were cut */
export function addWithin(
  wanted: Float32Array,
  change: Float32Array,
  start: number,
  clamp: number,
): number {
  let cut = 0;
  for (let i = 0; i < change.length; i++) {
    const sum = (wanted[start + i] as number) + (change[i] as number);
    if (sum > clamp || sum < -clamp) cut++;
    wanted[start + i] = sum > clamp ? clamp : sum < -clamp ? -clamp : sum;
  }
  return cut;
}

/** A piece of a tensor: null for the change of a head that was not trained. */
interface ChangePiece {
  readonly change: Float32Array | null;
  readonly count: number;
  /** Place of its first number in the flat vector. */
  readonly start: number;
  readonly weight: number;
}

async function* piecesOfChange(
  store: Store,
  { layout, ...files }: ChangeJob,
  weights: UpdateWeights,
): AsyncGenerator<ChangePiece, void, undefined> {
  const after = await ModelReader.open(store, files.after, layout);
  const start = await ModelReader.open(store, files.start, layout);
  const firsts = firstValues(layout);
  for (const [tensor, { name, shape }] of layout.entries()) {
    const weight = weightIn({ head: headOf(name) }, weights);
    for (const [at, count] of piecesOf(elementCount(shape))) {
      const place = { count, start: (firsts[tensor] ?? 0) + at, weight };
      if (weight === 0) {
        yield { change: null, ...place };
        continue;
      }
      const [from, to] = [await start.read(tensor, at, count), await after.read(tensor, at, count)];
      yield { change: difference(to, from), ...place };
    }
  }
}
