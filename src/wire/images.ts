/**
 * What an image is to the models of a plan: the grid, the intensities, the sphere that stands for a point, and what becomes of
 * the heart's segmentation. Two hospitals that saw images differently would average models that mean different things, so
 * it is agreed in the plan. Fractions are whole millionths (`…Micro`). docs/specs/manifest.md
 */
import { arr, checked, int, literal, obj, type Reader } from './readers.ts';

/** What becomes of the heart's segmentation: nothing, a second input of all models, or a head of the student. */
export const planHeartUses = ['none', 'condition', 'head'] as const;

/** How HU become what a model sees: clipped, less the mean, over the deviation. Each in HU × 10^6. */
export interface PlanIntensity {
  /** Below `clipHighHuMicro`. */
  readonly clipLowHuMicro: number;
  readonly clipHighHuMicro: number;
  readonly meanHuMicro: number;
  /** Above 0. */
  readonly stdHuMicro: number;
}

/** See the file's header. */
export interface PlanImages {
  /** Distance between voxels along [depth, height, width], mm × 10^6; 0.3 to 6 mm. */
  readonly spacingMmMicro: readonly number[];
  /** Radius of the sphere that stands for a point in a label map, mm × 10^6; 1 to 20 mm. */
  readonly pointRadiusMmMicro: number;
  readonly heart: (typeof planHeartUses)[number];
  readonly intensity: PlanIntensity;
}

/** HU × 10^6 of what 16 bits hold. */
const hu = int(-32_768_000_000, 32_767_000_000);

const readIntensity: Reader<PlanIntensity> = checked(
  obj({
    clipLowHuMicro: hu,
    clipHighHuMicro: hu,
    meanHuMicro: hu,
    stdHuMicro: int(1, 32_767_000_000),
  }),
  ({ clipLowHuMicro, clipHighHuMicro }) =>
    clipLowHuMicro < clipHighHuMicro ? null : 'clipLowHuMicro below clipHighHuMicro',
);

/** Reads the part of a plan. @throws {WireError} 'malformed' */
export const readImages: Reader<PlanImages> = obj({
  spacingMmMicro: arr(int(300_000, 6_000_000), 3, 3),
  pointRadiusMmMicro: int(1_000_000, 20_000_000),
  heart: literal(...planHeartUses),
  intensity: readIntensity,
});
