/** A pass that is run again and again with other values in the same shapes, as a training step is. */
import type { Tensor } from '@tensorflow/tfjs';

/** One pass of many that do the same work: see `Repeat`. */
export interface RepeatedPass {
  /** Says all that the work depends on besides the shapes and values of `inputs` and the values of `parameters`. */
  readonly key: string;
  /** Just made of arrays, so that a device can take the values of the next ones into the same memory. */
  readonly inputs: readonly Tensor[];
  /** What else it reads; in place, as variables are. */
  readonly parameters: readonly Tensor[];
  /** Uses the inputs it is given, which need not be `inputs` themselves; draws no random numbers and reads no values back. */
  readonly compute: (inputs: readonly Tensor[]) => (Tensor | null)[];
}

/** What `pass.compute` gives, the caller's to dispose. It may hold only until the next call. */
export type Repeat = (pass: RepeatedPass) => (Tensor | null)[];

/** Runs `compute` each time: for backends that work on the processor, where nothing is gained by recording. */
export const computeAnew: Repeat = ({ inputs, compute }) => compute(inputs);
