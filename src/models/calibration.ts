/**
 * Whether a model is as sure as it is right: the expected calibration error of its voxels' probabilities (Naeini et al.
 * 2015, Guo et al. 2017).
 */
import { argmaxLabels, type ChannelVolume } from './sliding-window.ts';

/** Voxels by the confidence of their label, in equal bins over 0 to 1. Sums, so that cases can be added up. */
export interface CalibrationBins {
  readonly counts: readonly number[];
  /** Sum of the confidences in each bin. */
  readonly confidences: readonly number[];
  /** Voxels in each bin whose label is the true one. */
  readonly hits: readonly number[];
}

const binCount = 10;

/**
 * Bins of the voxels that are predicted as something or truly are something: of the background elsewhere every model is
 * sure, and it would hide the rest. Confidence is the softmax probability of the likeliest class.
 *
 * @param logits one channel per class, background first
 * @param truth label map on the same grid
 */
export function calibrationBins(logits: ChannelVolume, truth: Uint8Array): CalibrationBins {
  const { data, channels } = logits;
  const labels = argmaxLabels(logits);
  const bins = {
    counts: zeros(),
    confidences: zeros(),
    hits: zeros(),
  };
  labels.forEach((label, voxel) => {
    if (label === 0 && truth[voxel] === 0) return;
    const highest = data[voxel * channels + label] ?? 0;
    let sum = 0;
    for (let c = 0; c < channels; c++) sum += Math.exp((data[voxel * channels + c] ?? 0) - highest);
    const confidence = 1 / sum;
    const bin = Math.min(binCount - 1, Math.floor(confidence * binCount));
    add(bins.counts, bin, 1);
    add(bins.confidences, bin, confidence);
    if (label === truth[voxel]) add(bins.hits, bin, 1);
  });
  return bins;
}

/** Σ over bins of share of voxels · |accuracy − mean confidence|, of all `cases` together; `null` without a voxel. */
export function expectedCalibrationError(cases: readonly CalibrationBins[]): number | null {
  const sumOf = (values: (one: CalibrationBins) => readonly number[], bin: number): number =>
    cases.reduce((sum, one) => sum + (values(one)[bin] ?? 0), 0);
  let total = 0;
  let gap = 0;
  for (let bin = 0; bin < binCount; bin++) {
    total += sumOf(({ counts }) => counts, bin);
    gap += Math.abs(sumOf(({ hits }) => hits, bin) - sumOf(({ confidences }) => confidences, bin));
  }
  return total === 0 ? null : gap / total;
}

function zeros(): number[] {
  return Array<number>(binCount).fill(0);
}

function add(bins: number[], bin: number, value: number): void {
  bins[bin] = (bins[bin] ?? 0) + value;
}
