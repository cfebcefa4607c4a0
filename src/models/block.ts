/** Parts of a network that a training pass may run twice, to hold less in between. */
import { recomputed, type Engine, type Tensor } from '../compute/index.ts';
import type { ForwardOptions } from './forward.ts';

/** Runs a part of a network on its inputs, which it leaves alone; it must give the same when it is run again. */
export type Block = <Inputs extends Tensor[], Output extends Tensor>(
  inputs: readonly [...Inputs],
  run: (...inputs: Inputs) => Output,
) => Output;

/** Blocks as the options ask for: recomputed, or nothing out of the ordinary. */
export function blocksOf(tf: Engine['tf'], { recompute = false }: ForwardOptions): Block {
  return (inputs, run) => (recompute ? recomputed(tf, inputs, run) : run(...inputs));
}
