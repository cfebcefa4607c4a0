/** On what the hospitals of one process compute. */
import { backendNames } from '../compute/index.ts';
import { checkChoice, checkInteger } from './check.ts';

export interface ComputeSettings {
  /** `auto`, or one that `annulus doctor` lists. `auto` takes the best that is there; `cpu` is plain JavaScript, for checking only. */
  readonly backend: string;
  /**
   * Workers that train side by side, 1 to 64; 0 for one per processor. The processors that fewer leave over are shared
   * out: each worker's engine has as many threads as fit.
   */
  readonly workers: number;
}

export const backends: readonly string[] = ['auto', ...backendNames];

export const computeDefaults: ComputeSettings = Object.freeze({ backend: 'auto', workers: 0 });

/** @throws {SettingError} naming the key out of range. */
export function validateCompute(settings: ComputeSettings): void {
  checkChoice('backend', settings.backend, backends);
  checkInteger('workers', settings.workers, 0, 64);
}
