/** How sure a median is: the bootstrap over patients, since the points of one patient are not independent. */
import type { Random } from '../base/index.ts';
import { quantile } from './metrics.ts';

/** How an interval around a median is estimated. */
export interface BootstrapSettings {
  /** Times that the patients are drawn again. */
  readonly resamples: number;
  /** Share of the resamples' medians inside the interval, 0 to 1. */
  readonly coverage: number;
}

/** The usual 95 %, by twice the 1000 resamples that Efron & Tibshirani call a rough minimum for intervals. */
export const bootstrapDefaults: BootstrapSettings = Object.freeze({
  resamples: 2000,
  coverage: 0.95,
});

/**
 * Percentile interval of the median (Efron & Tibshirani 1993, chapter 13): as many clusters as there are, drawn with
 * replacement, all values of a drawn one together. Resamples without a value are left out.
 *
 * @param clusters values of each patient; those without one may be among them
 * @returns `null` when there is no value at all
 */
export function bootstrapMedian(
  clusters: readonly (readonly number[])[],
  random: Random,
  { resamples, coverage }: BootstrapSettings = bootstrapDefaults,
): { readonly low: number; readonly high: number } | null {
  const medians: number[] = [];
  for (let n = 0; n < resamples; n++) {
    const drawn = clusters.flatMap(() => clusters[random.integer(clusters.length)] ?? []);
    const median = quantile(Float64Array.from(drawn).sort(), 0.5);
    if (median !== null) medians.push(median);
  }
  medians.sort((a, b) => a - b);
  const low = quantile(medians, (1 - coverage) / 2);
  const high = quantile(medians, (1 + coverage) / 2);
  return low === null || high === null ? null : { low, high };
}
