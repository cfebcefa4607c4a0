/** What TF.js keeps for a backward pass. */
import type * as tfjs from '@tensorflow/tfjs';
import type { Tensor } from '@tensorflow/tfjs';

/** The part of TF.js's engine that we stand on. */
interface TapeState {
  activeTape: { readonly saved: readonly Tensor[] }[] | null;
}

/**
 * Frees what the forward pass of a gradient that failed had saved: TF.js forgets it, and memory that has run out would
 * stay so. Call outside of any other gradient.
 */
export function discardTape(tf: typeof tfjs): void {
  const { state } = tf.engine() as unknown as { readonly state: TapeState };
  for (const { saved } of state.activeTape ?? []) for (const tensor of saved) tensor.dispose();
  state.activeTape = null;
}
