/** Intensities made comparable: percentiles, clipping, standardising. */
import { refuseField } from '../case/packed.ts';
import type { Volume } from './volume.ts';

/** Constants agreed in the consortium, so that every node sees the same input. */
export interface IntensityScale {
  readonly clipLowHu: number;
  readonly clipHighHu: number;
  readonly meanHu: number;
  /** Above 0. */
  readonly stdHu: number;
}

/** The published method's chest-wide constants (Tölle et al. 2025, code). */
export const paperScale: IntensityScale = Object.freeze({
  clipLowHu: -1024,
  clipHighHu: 696,
  meanHu: -439.6132772,
  stdHu: 520.9826361876911,
});

/**
 * Percentiles with linear interpolation between order statistics (numpy's default).
 *
 * @param shares in percent, 0 to 100.
 * @throws {DataError} 'bad_field' for no values or a share out of range.
 */
export function percentiles(values: Float32Array, shares: readonly number[]): number[] {
  if (values.length === 0) refuseField('values', 'at least one value', 'none');
  const sorted = values.slice().sort();
  return shares.map((share) => {
    if (!(share >= 0 && share <= 100)) refuseField('share', '0 to 100 percent', String(share));
    const place = (share / 100) * (sorted.length - 1);
    const below = Math.floor(place);
    const low = sorted[below] ?? 0;
    const high = sorted[Math.min(sorted.length - 1, below + 1)] ?? 0;
    return low + (high - low) * (place - below);
  });
}

/**
 * (clip(HU, low, high) - mean) / std, on a new volume.
 *
 * @throws {DataError} 'bad_field' unless clipLowHu < clipHighHu and stdHu > 0.
 */
export function normalise(volume: Volume, scale: IntensityScale): Volume {
  const { clipLowHu, clipHighHu, meanHu, stdHu } = scale;
  if (!(clipLowHu < clipHighHu)) refuseField('clipLowHu', 'less than clipHighHu', `${clipLowHu}`);
  if (!(stdHu > 0) || !Number.isFinite(meanHu)) {
    refuseField('stdHu', 'a number above 0 and a finite mean', `${stdHu}`);
  }
  const data = volume.data.map(
    (hu) => (Math.min(clipHighHu, Math.max(clipLowHu, hu)) - meanHu) / stdHu,
  );
  return { ...volume, data };
}
