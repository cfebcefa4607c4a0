/**
 * Fixed point: updates as 32-bit integers, whose sum does not depend on the order, so that every node gets
 * the same bytes. q = floor(clamp(x, ±C) · w/wMax · 2^s + 1/2), with n · C · 2^s < 2^31 for n members.
 */
import { invariant } from '../base/index.ts';
import { WeightsError } from './errors.ts';

/** How a real number becomes an integer. */
export interface FixedPoint {
  /** C: values beyond ±C are cut to it. */
  readonly clamp: number;
  /** s: one unit is 2^-s. */
  readonly fractionBits: number;
}

/** What one node's update counts, of at most how much. */
export interface UpdateWeight {
  /** Samples, from 1 to `weightMax`. */
  readonly weight: number;
  readonly weightMax: number;
}

const int32Limit = 2 ** 31;
const fractionBitsMax = 30;

/** The finest fixed point with which the sum of `memberCount` updates cannot overflow. */
export function fixedPointFor(memberCount: number, clamp: number): FixedPoint {
  invariant(Number.isInteger(memberCount) && memberCount >= 1, 'there is a member');
  invariant(clamp > 0 && Number.isFinite(clamp), 'the clamp is positive');
  for (let fractionBits = fractionBitsMax; fractionBits >= 0; fractionBits--) {
    // Ceiling: rounding may lift the largest value to the next integer.
    if (memberCount * Math.ceil(clamp * 2 ** fractionBits) < int32Limit) {
      return { clamp, fractionBits };
    }
  }
  invariant(false, 'the clamp times the number of members is below 2^31');
}

/**
 * The weighted integers of `delta`, and how many values were clamped.
 * @throws {WeightsError} 'not_finite' for NaN or infinity, 'bad_weight'
 */
export function quantise(
  delta: Float32Array,
  { weight, weightMax }: UpdateWeight,
  { clamp, fractionBits }: FixedPoint,
): { values: Int32Array; clampedCount: number } {
  checkWeight(weight, weightMax);
  const values = new Int32Array(delta.length);
  const scale = 2 ** fractionBits;
  let clampedCount = 0;
  for (let i = 0; i < delta.length; i++) {
    let x = delta[i] ?? 0;
    if (!Number.isFinite(x)) {
      throw new WeightsError(
        { code: 'not_finite', index: i },
        `expected finite numbers, got ${String(x)} at ${i}`,
      );
    }
    if (x > clamp || x < -clamp) {
      x = x > 0 ? clamp : -clamp;
      clampedCount++;
    }
    values[i] = Math.floor(((x * weight) / weightMax) * scale + 0.5);
  }
  return { values, clampedCount };
}

/** Largest |q| an honest node of this weight can send. */
export function valueMax(
  { weight, weightMax }: UpdateWeight,
  { clamp, fractionBits }: FixedPoint,
): number {
  return Math.floor(((clamp * weight) / weightMax) * 2 ** fractionBits + 0.5);
}

/** @throws {WeightsError} 'bad_weight' */
export function checkWeight(weight: number, weightMax: number): void {
  if (!Number.isInteger(weight) || weight < 1 || weight > weightMax) {
    throw new WeightsError(
      { code: 'bad_weight', weightMax },
      `expected a weight from 1 to ${weightMax}, got ${weight}`,
    );
  }
}
