/** What keeps updates that lie far from the others from moving the average. docs/specs/robust-rules.md */
import { checkChoice, checkInteger, checkNumber } from '../base/index.ts';
import { robustKinds, type RobustRule } from '../wire/index.ts';

/** All hospitals agree on it in the manifest. What a kind does not use means nothing to it. */
export interface RobustSettings {
  /** `none` for the weighted mean, or one of `robustKinds`. */
  readonly kind: 'none' | RobustRule['kind'];
  /** Largest share of all weight that one hospital may have, 0.01 to 1. */
  readonly weightCap: number;
  /** Of `centred-clip` and `norm-clip`: the radius in median distances or norms, 0.01 to 1000. */
  readonly radius: number;
  /** Of `centred-clip` and `geometric-median`: steps, 1 to 64. */
  readonly iterations: number;
  /** Of `trimmed-mean`: share of the weight left out at each end, 0.01 to 0.49. */
  readonly trim: number;
  /** Of `multi-krum` and `nnm`: how many hospitals may lie, 0 to 128; 0 for as many as an agreement bears, floor((n - 1) / 3). */
  readonly tolerated: number;
  /** Whether each update is first replaced by the mean of its nearest. */
  readonly nnm: boolean;
}

/** Plain averaging; the rest is for centred clipping after NNM, which is what stood best in docs/specs/robust-rules.md. */
export const robustDefaults: RobustSettings = Object.freeze({
  kind: 'none',
  weightCap: 0.35,
  radius: 1,
  iterations: 8,
  trim: 0.3,
  tolerated: 0,
  nnm: true,
});

/** @throws {SettingError} naming the key out of range. */
export function validateRobust(settings: RobustSettings): void {
  checkChoice('kind', settings.kind, ['none', ...robustKinds]);
  checkNumber('weightCap', settings.weightCap, 0.01, 1);
  checkNumber('radius', settings.radius, 0.01, 1_000);
  checkInteger('iterations', settings.iterations, 1, 64);
  checkNumber('trim', settings.trim, 0.01, 0.49);
  checkInteger('tolerated', settings.tolerated, 0, 128);
}
