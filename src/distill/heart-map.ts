/** The heart's segmentation as models meet it. */
import {
  DataError,
  heartLabels,
  labelsOn,
  resampleLabelsOnto,
  type Geometry,
  type Volume,
} from '../data/index.ts';
import type { ModelSpec } from '../models/index.ts';
import { DistillError } from './errors.ts';

/** Name of the head that is taught the heart's structures. */
export const heartHead = 'heart';

/** Channels of that head: the structures and background. */
export const heartChannels: number = heartLabels.length + 1;

/** What becomes of the segmentation: nothing, a second input, or a head of its own. */
export const heartUses = ['none', 'condition', 'head'] as const;

/** One of `heartUses`. */
export type HeartUse = (typeof heartUses)[number];

/** What a model of `spec` does with it. */
export function heartUseOf({
  inChannels,
  heads,
}: Pick<ModelSpec, 'inChannels' | 'heads'>): HeartUse {
  if (inChannels === 2) return 'condition';
  return heartHead in heads ? 'head' : 'none';
}

/** A label of the heart map as a second input: from 0 for none to 1. */
export function heartValue(label: number): number {
  return label / heartLabels.length;
}

/**
 * A segmentation of `ct`, from whatever program, on the grid that a model sees.
 * @throws {DistillError} 'bad_heart' unless it lies on the CT's own grid and its values are those of `heartLabels`
 */
export function heartOnto(heart: Volume, ct: Geometry, grid: Geometry): Uint8Array {
  try {
    return resampleLabelsOnto(labelsOn(heart, ct, heartLabels.length), ct, grid);
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    const message = `the segmentation of the heart: ${error.message}`;
    throw new DistillError({ code: 'bad_heart' }, message, { cause: error });
  }
}
