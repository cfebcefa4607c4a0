/** The numbers of a state of a mixing: as they come, and how large they may be. docs/specs/mixing-round.md, 3 */
import { fixedPointFor, type ModelLayout } from '../../weights/index.ts';
import type { AveragingRule } from '../average/averaging-rule.ts';
import { segmentsOf, weightIn, type UpdateWeights } from '../average/head-weights.ts';
import { numberBytes, numbersIn } from './number-file.ts';

/** A number that no honest member sends. */
export class NoState extends Error {}

/** Numbers of float32 that were added and multiplied are off by less. */
const roundingShare = 1e-4;

/** The largest numbers of a state of some weight. */
export class StateBounds {
  readonly #parts: readonly {
    readonly start: number;
    readonly end: number;
    readonly max: number;
  }[];

  /** @param memberCount that mix: so many roundings may be in a number */
  constructor(
    layout: ModelLayout,
    rule: AveragingRule,
    { weights, memberCount }: { readonly weights: UpdateWeights; readonly memberCount: number },
  ) {
    const unit = rule.weightMax / 2 ** fixedPointFor(rule.memberCount, rule.clamp).fractionBits;
    this.#parts = segmentsOf(layout).map((segment) => {
      const weight = weightIn(segment, weights);
      const max = rule.clamp * weight * (1 + roundingShare) + unit * memberCount;
      return { start: segment.start, end: segment.end, max: weight === 0 ? 0 : max };
    });
  }

  /** Checks numbers from `start` of the flat vector on. @throws {NoState} */
  check(values: Float32Array | Float64Array, start: number): void {
    for (const { from, to, max } of this.#partsOf(start, values.length)) {
      for (let i = from; i < to; i++) {
        const value = values[i] as number;
        // Written so that NaN is refused too.
        if (!(Math.abs(value) <= max)) {
          throw new NoState(`${value} at ${start + i}, of at most ${max}`);
        }
      }
    }
  }

  /** Adds numbers to those of `state` from `start` on, each sum rounded to float32 and cut to what is allowed. */
  addWithin(state: Float32Array, numbers: Float32Array | Float64Array, start: number): void {
    for (const { from, to, max } of this.#partsOf(start, numbers.length)) {
      for (let i = from; i < to; i++) {
        const sum = (state[start + i] as number) + (numbers[i] as number);
        state[start + i] = sum > max ? max : sum < -max ? -max : sum;
      }
    }
  }

  #partsOf(start: number, count: number): { from: number; to: number; max: number }[] {
    return this.#parts.flatMap(({ start: first, end, max }) => {
      const [from, to] = [Math.max(first - start, 0), Math.min(end - start, count)];
      return from < to ? [{ from, to, max }] : [];
    });
  }
}

/** Float32 numbers out of bytes that come in pieces. Each piece has whole numbers: chunks of a ciphertext do. */
export class NumberReader {
  readonly #take: (values: Float32Array, start: number) => void;
  #at = 0;

  constructor(take: (values: Float32Array, start: number) => void) {
    this.#take = take;
  }

  push(bytes: Uint8Array): void {
    const values = numbersIn(bytes);
    this.#take(values, this.#at);
    this.#at += bytes.byteLength / numberBytes;
  }

  /** Its size was checked before. */
  end(): void {
    // Nothing waits.
  }
}
