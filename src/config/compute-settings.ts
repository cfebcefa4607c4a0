/** On what the hospitals of one process compute. */
import { checkChoice, checkInteger } from './check.ts';

export interface ComputeSettings {
  /**
   * `auto`, `native`, `wasm` or `cpu`. `auto` takes the fastest that is there: `native` where a C++ compiler was, else
   * `wasm`; `cpu` is plain JavaScript, for checking only.
   */
  readonly backend: string;
  /** Worker threads that train, 1 to 64; 0 for one per processor. */
  readonly workers: number;
}

export const backends: readonly string[] = ['auto', 'native', 'wasm', 'cpu'];

export const computeDefaults: ComputeSettings = Object.freeze({ backend: 'auto', workers: 0 });

/** @throws {SettingError} naming the key out of range. */
export function validateCompute(settings: ComputeSettings): void {
  checkChoice('backend', settings.backend, backends);
  checkInteger('workers', settings.workers, 0, 64);
}
