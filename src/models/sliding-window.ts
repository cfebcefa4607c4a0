/**
 * Sliding-window inference as MONAI's `sliding_window_inference`: overlapping windows, their outputs
 * averaged with constant or Gaussian weights; zero padding where the volume is smaller than the window.
 */
import { invariant } from '../base/index.ts';
import { ModelsError } from './errors.ts';
import type { Triple } from './spec.ts';

/** A volume of several channels, channels last: index = ((d·height + h)·width + w)·channels + c. */
export interface ChannelVolume {
  readonly data: Float32Array;
  readonly shape: Triple;
  readonly channels: number;
}

/**
 * Predicts `count` windows at once: [count, d, h, w, channels] of the roi's size to named outputs of
 * [count, d, h, w, classes]. The input is used again for the next call.
 */
export type WindowPredictor = (
  windows: Float32Array,
  count: number,
) => Readonly<Record<string, Float32Array>> | Promise<Readonly<Record<string, Float32Array>>>;

/** How windows are laid over a volume. */
export interface SlidingWindowOptions {
  /** Size of the window; a volume smaller than it is padded with zeros on both sides. */
  readonly roi: Triple;
  /** Share of a window that the next one covers again, from 0 up to below 1. */
  readonly overlap: number;
  readonly mode: 'constant' | 'gaussian';
  /** Deviation of the Gaussian in window lengths. Default 0.125, as MONAI. */
  readonly sigmaScale?: number;
  /** Windows predicted at once. Default 1. */
  readonly batch?: number;
  /** Told after each batch how many of the windows are done. */
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * The predictor's outputs blended over the whole volume, by name.
 * @throws {ModelsError} 'bad_window' for an impossible overlap, roi or batch.
 */
export async function slidingWindow(
  predict: WindowPredictor,
  volume: ChannelVolume,
  options: SlidingWindowOptions,
): Promise<Record<string, ChannelVolume>> {
  const { roi, overlap, mode, sigmaScale = 0.125, batch = 1, onProgress } = options;
  checkOptions(volume, options, batch);
  const padBefore = mapTriple(roi, (n, axis) => Math.max(0, n - volume.shape[axis]) >> 1);
  const padded = mapTriple(roi, (n, axis) => Math.max(n, volume.shape[axis]));
  const starts = windowStarts(padded, roi, overlap);
  const weights = importanceMap(roi, mode, sigmaScale);
  const windowVoxels = roi[0] * roi[1] * roi[2];
  const windows = new Float32Array(batch * windowVoxels * volume.channels);
  const voxelCount = volume.shape[0] * volume.shape[1] * volume.shape[2];
  const weightSums = new Float32Array(voxelCount);
  const sums = new Map<string, { data: Float32Array; classes: number }>();

  for (let first = 0; first < starts.length; first += batch) {
    const places = starts
      .slice(first, first + batch)
      .map((start) => mapTriple(start, (at, axis) => at - padBefore[axis]));
    places.forEach((place, i) => {
      cutWindow(volume, place, roi, windows, i * windowVoxels * volume.channels);
    });
    const used = windows.subarray(0, places.length * windowVoxels * volume.channels);
    const outputs = await predict(used, places.length);
    for (const [name, output] of Object.entries(outputs)) {
      const classes = output.length / (places.length * windowVoxels);
      invariant(
        Number.isInteger(classes),
        'a predictor gives whole windows of the size of its input',
      );
      const sum = sums.get(name) ?? { data: new Float32Array(voxelCount * classes), classes };
      sums.set(name, sum);
      places.forEach((place, i) => {
        const at = i * windowVoxels * classes;
        const window = output.subarray(at, at + windowVoxels * classes);
        addWindow(sum.data, volume.shape, classes, window, weights, place, roi);
      });
    }
    for (const place of places) {
      addWindow(weightSums, volume.shape, 1, null, weights, place, roi);
    }
    onProgress?.(Math.min(first + batch, starts.length), starts.length);
  }

  return Object.fromEntries(
    [...sums].map(([name, { data, classes }]): [string, ChannelVolume] => {
      for (let voxel = 0, i = 0; voxel < voxelCount; voxel++) {
        const weight = weightSums[voxel] as number;
        for (let c = 0; c < classes; c++, i++) data[i] = (data[i] as number) / weight;
      }
      return [name, { data, shape: volume.shape, channels: classes }];
    }),
  );
}

/** The label of the largest value at each voxel; the first of equals. At most 256 channels. */
export function argmaxLabels({ data, shape, channels }: ChannelVolume): Uint8Array {
  const labels = new Uint8Array(shape[0] * shape[1] * shape[2]);
  for (let voxel = 0; voxel < labels.length; voxel++) {
    const at = voxel * channels;
    let best = 0;
    for (let c = 1; c < channels; c++) {
      if ((data[at + c] as number) > (data[at + best] as number)) best = c;
    }
    labels[voxel] = best;
  }
  return labels;
}

/** Corners of all windows over a volume at least as large as the window, last axis fastest. */
export function windowStarts(size: Triple, roi: Triple, overlap: number): readonly Triple[] {
  const along = mapTriple(size, (length, axis) => axisStarts(length, roi[axis], overlap));
  return along[0].flatMap((d) => along[1].flatMap((h) => along[2].map((w): Triple => [d, h, w])));
}

function axisStarts(length: number, window: number, overlap: number): readonly number[] {
  const step = length === window ? window : Math.max(1, Math.trunc(window * (1 - overlap)));
  const starts: number[] = [];
  for (let start = 0; ; start += step) {
    // The last window is moved back so that it ends where the volume ends.
    starts.push(Math.min(start, length - window));
    if (start + window >= length) return starts;
  }
}

/** Weights of one window's voxels, none below a thousandth. */
function importanceMap(
  roi: Triple,
  mode: 'constant' | 'gaussian',
  sigmaScale: number,
): Float32Array {
  const weights = new Float32Array(roi[0] * roi[1] * roi[2]).fill(1);
  if (mode === 'constant') return weights;
  const curves = mapTriple(roi, (length) =>
    Float32Array.from({ length }, (_, i) =>
      Math.exp(-((i - (length - 1) / 2) ** 2) / (2 * (sigmaScale * length) ** 2)),
    ),
  );
  let smallest = Infinity;
  for (let d = 0, i = 0; d < roi[0]; d++) {
    for (let h = 0; h < roi[1]; h++) {
      const plane = Math.fround((curves[0][d] as number) * (curves[1][h] as number));
      for (let w = 0; w < roi[2]; w++, i++) {
        weights[i] = plane * (curves[2][w] as number);
        smallest = Math.min(smallest, weights[i] as number);
      }
    }
  }
  const floor = Math.max(smallest, 1e-3);
  return weights.map((weight) => Math.max(weight, floor));
}

/** Copies a window to `at`; voxels outside the volume are zero. */
function cutWindow(
  { data, shape, channels }: ChannelVolume,
  place: Triple,
  roi: Triple,
  into: Float32Array,
  at: number,
): void {
  into.fill(0, at, at + roi[0] * roi[1] * roi[2] * channels);
  forEachRow(shape, place, roi, (inVolume, inWindow, length) => {
    const from = inVolume * channels;
    into.set(data.subarray(from, from + length * channels), at + inWindow * channels);
  });
}

/** sum += weight · window over the part of the window inside the volume; `null` is a window of ones. */
function addWindow(
  sum: Float32Array,
  shape: Triple,
  channels: number,
  window: Float32Array | null,
  weights: Float32Array,
  place: Triple,
  roi: Triple,
): void {
  forEachRow(shape, place, roi, (inVolume, inWindow, length) => {
    let to = inVolume * channels;
    let from = inWindow * channels;
    for (let i = inWindow; i < inWindow + length; i++) {
      const weight = weights[i] as number;
      for (let c = 0; c < channels; c++, to++, from++) {
        const value = window === null ? 1 : (window[from] as number);
        sum[to] = (sum[to] as number) + weight * value;
      }
    }
  });
}

/** Calls `visit` with voxel offsets for each row of the window that lies inside the volume. */
function forEachRow(
  shape: Triple,
  place: Triple,
  roi: Triple,
  visit: (inVolume: number, inWindow: number, length: number) => void,
): void {
  const [d0, h0, w0] = place;
  const begin = Math.max(0, -w0);
  const end = Math.min(roi[2], shape[2] - w0);
  for (let d = Math.max(0, -d0); d < Math.min(roi[0], shape[0] - d0); d++) {
    for (let h = Math.max(0, -h0); h < Math.min(roi[1], shape[1] - h0); h++) {
      const inVolume = ((d0 + d) * shape[1] + h0 + h) * shape[2] + w0 + begin;
      visit(inVolume, (d * roi[1] + h) * roi[2] + begin, end - begin);
    }
  }
}

function checkOptions(volume: ChannelVolume, options: SlidingWindowOptions, batch: number): void {
  const { shape, channels, data } = volume;
  invariant(
    data.length === shape[0] * shape[1] * shape[2] * channels,
    'a volume has as many values as its shape says',
  );
  const bad = (expected: string): ModelsError => new ModelsError({ code: 'bad_window', expected });
  const { overlap, roi } = options;
  if (!(overlap >= 0 && overlap < 1)) throw bad(`the overlap must be from 0 to below 1`);
  if (!roi.every((n) => Number.isInteger(n) && n >= 1)) {
    throw bad(`the window's sizes must be whole numbers from 1`);
  }
  if (!Number.isInteger(batch) || batch < 1) throw bad('the batch must be a whole number from 1');
}

function mapTriple<T>(triple: Triple, map: (n: number, axis: 0 | 1 | 2) => T): readonly [T, T, T] {
  return [map(triple[0], 0), map(triple[1], 1), map(triple[2], 2)];
}
