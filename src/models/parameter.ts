/** What a trainable parameter is, before it has values. */

/**
 * How a parameter starts: `he` normal with variance 2/((1 + 0.01²)·fan-in), for leaky ReLU;
 * `trunc-normal` of deviation 0.02 cut at two deviations; all ones; all zeros.
 */
export type ParameterInit = 'he' | 'trunc-normal' | 'ones' | 'zeros';

export interface ParameterInfo {
  readonly name: string;
  /** PyTorch's layout: convolution [O, I, d, h, w], transposed [I, O, d, h, w], linear [O, I]. */
  readonly shape: readonly number[];
  readonly init: ParameterInit;
}
