/** The heart's segmentation as models meet it. */
import {
  heartLabels,
  isSameGrid,
  offGridMmMax,
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
  if (!isSameGrid(heart, ct, offGridMmMax)) {
    const came = heart.shape.join() === ct.shape.join() ? 'another place' : heart.shape.join(' x ');
    throw bad(`on the CT's grid of ${ct.shape.join(' x ')} voxels, got ${came}`);
  }
  const highest = heartLabels.length;
  for (const value of heart.data) {
    if (Number.isInteger(value) && value >= 0 && value <= highest) continue;
    throw bad(`with labels from 0 to ${highest}, got ${value}`);
  }
  return resampleLabelsOnto(Uint8Array.from(heart.data), ct, grid);
}

function bad(expected: string): DistillError {
  return new DistillError(
    { code: 'bad_heart' },
    `expected a segmentation of the heart ${expected}`,
  );
}
