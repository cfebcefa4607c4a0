/** Between what the plan says of images, whole millionths that all members agreed on, and the units of the rooms that read them. */
import type { IntensityScale, Vector3 } from '../data/index.ts';
import type { HeartUse } from '../distill/index.ts';
import type { Plan, PlanImages } from '../wire/index.ts';

/** What an image is to the models of a plan. */
export interface ImageFacts {
  /** Of the models' grid, along [depth, height, width]. */
  readonly spacingMm: Vector3;
  /** Of the sphere that stands for a point in a label map. */
  readonly pointRadiusMm: number;
  readonly heart: HeartUse;
  readonly intensity: IntensityScale;
}

const million = 1_000_000;

function micro(value: number): number {
  // Adding 0 turns -0, which canonical JSON does not know, into 0.
  return Math.round(value * million) + 0;
}

/** The plan's entries: what was set, rounded to whole millionths. */
export function planImages({ spacingMm, pointRadiusMm, heart, intensity }: ImageFacts): PlanImages {
  return {
    spacingMmMicro: spacingMm.map(micro),
    pointRadiusMmMicro: micro(pointRadiusMm),
    heart,
    intensity: {
      clipLowHuMicro: micro(intensity.clipLowHu),
      clipHighHuMicro: micro(intensity.clipHighHu),
      meanHuMicro: micro(intensity.meanHu),
      stdHuMicro: micro(intensity.stdHu),
    },
  };
}

/** In mm and HU. */
export function imagesOf({ images }: Pick<Plan, 'images'>): ImageFacts {
  const [depth = 0, height = 0, width = 0] = images.spacingMmMicro;
  const { clipLowHuMicro, clipHighHuMicro, meanHuMicro, stdHuMicro } = images.intensity;
  return {
    spacingMm: [depth / million, height / million, width / million],
    pointRadiusMm: images.pointRadiusMmMicro / million,
    heart: images.heart,
    intensity: {
      clipLowHu: clipLowHuMicro / million,
      clipHighHu: clipHighHuMicro / million,
      meanHu: meanHuMicro / million,
      stdHu: stdHuMicro / million,
    },
  };
}
