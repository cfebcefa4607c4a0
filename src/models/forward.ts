/** The shape of a forward pass, shared by the networks. */
import type { Tensor, Tensor1D, Tensor2D, Tensor3D, Tensor5D } from '../compute/index.ts';

/** Parameters by name, as `parameterList` names them. */
export type ParameterMap = ReadonlyMap<string, Tensor>;

/** Outputs of each head, finest first: [b, d, h, w, classes], then half the size and so on. */
export type HeadOutputs = Record<string, Tensor5D[]>;

/** How a pass runs. */
export interface ForwardOptions {
  /** Whether dropout is active and deep supervision gives its coarser outputs. */
  readonly training: boolean;
  /** Chooses the dropout masks: another seed for each step or stochastic pass. Default 0. */
  readonly seed?: number;
  /**
   * Whether a pass that is differentiated keeps the inputs of each block alone and runs it again for its gradients:
   * the same bytes, less memory, a third more time. Default false.
   */
  readonly recompute?: boolean;
}

/** Looks parameters up by name; the rank is the caller's to know, as the parameter list fixes it. */
export interface Parameters {
  vector(name: string): Tensor1D;
  matrix(name: string): Tensor2D;
  sequence(name: string): Tensor3D;
  kernel(name: string): Tensor5D;
}
