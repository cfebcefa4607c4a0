/** What a trainable parameter is, before it has values. */

/**
 * How a parameter starts: `he` normal with variance 2/((1 + 0.01²)·fan-in), for leaky ReLU;
 * `trunc-normal` of deviation 0.02 cut at two deviations; all ones; all zeros; `background` is zeros but 5 for
 * class 0, so that training does not begin by unlearning that most voxels are nothing (Lin et al. 2017, focal loss).
 *
 * For U-Nets this is nnU-Net's `InitWeights_He(1e-2)` but for `background`. The transformers begin as Swin's own code for
 * their linear layers, tables and embeddings of places, and with He for their convolutions; MONAI leaves linear layers and
 * convolutions to PyTorch's uniform default, of variance 1/(3·fan-in).
 */
export type ParameterInit = 'he' | 'trunc-normal' | 'ones' | 'zeros' | 'background';

/** A parameter's name, layout and how it begins. */
export interface ParameterInfo {
  readonly name: string;
  /** PyTorch's layout: convolution [O, I, d, h, w], transposed [I, O, d, h, w], linear [O, I]. */
  readonly shape: readonly number[];
  readonly init: ParameterInit;
}
