/** On what the hospitals of one process compute. */
import { backendNames, precisions, type EngineOptions } from '../compute/index.ts';
import { checkChoice, checkInteger } from '../base/index.ts';

/** On what the models of a run are computed. Of these only `precision` and `convolutions` change results, and the backend by rounding. */
export interface ComputeSettings {
  /** `auto`, or one that `annulus doctor` lists. `auto` takes the best that is there; `cpu` is plain JavaScript, for checking only. */
  readonly backend: string;
  /**
   * Workers that train side by side, 1 to 64; 0 for one per processor. The processors that fewer leave over are shared
   * out: each worker's engine has as many threads as fit.
   */
  readonly workers: number;
  /**
   * `f32`, or `bf16`: convolutions and dense products take their operands rounded to bf16 and add up in float32, and all
   * that is kept stays float32. The native backend alone has it; where it is faster says docs/compute.md.
   */
  readonly precision: string;
  /**
   * How far the threads that train and average give way to others, 0 to 19 as in nice(1): to the votes above all, which the
   * same processors check and sign. 0, as urgent as they: others' programs on the machine would hold training up. Linux only.
   */
  readonly niceness: number;
}

/** Values of `compute.backend`. */
export const backends: readonly string[] = ['auto', ...backendNames];

/** The best backend that is there, a worker for each processor, float32. */
export const computeDefaults: ComputeSettings = Object.freeze({
  backend: 'auto',
  workers: 0,
  precision: 'f32',
  niceness: 0,
});

/** @throws {SettingError} naming the key out of range. */
export function validateCompute(settings: ComputeSettings): void {
  checkChoice('backend', settings.backend, backends);
  checkInteger('workers', settings.workers, 0, 64);
  checkChoice('precision', settings.precision, precisions);
  checkInteger('niceness', settings.niceness, 0, 19);
}

/** How every worker opens its engine, the number of threads apart; the settings are valid. */
export function engineOptionsOf(settings: ComputeSettings): EngineOptions {
  const { backend, precision } = settings;
  return { backend, precision } as EngineOptions;
}
