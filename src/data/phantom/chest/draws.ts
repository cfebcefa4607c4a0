/** Two ways to draw a number, from a patient's chance. */
import type { Random } from '../../../base/index.ts';

/** Draws numbers between two ends, evenly. */
export function evenly(random: Random): (low: number, high: number) => number {
  return (low, high) => low + (high - low) * random.uniform();
}

/** Draws normal numbers, two and a half deviations at most from the mean. */
export function normally(random: Random): (mean: number, stdDev: number) => number {
  return (mean, stdDev) => mean + stdDev * Math.max(-2.5, Math.min(2.5, random.normal()));
}
