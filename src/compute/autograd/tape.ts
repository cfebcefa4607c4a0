/**
 * Passes recorded for their gradients. TF.js's engine writes down each operation with what its gradient needs; a
 * recomputed block is written down with its inputs alone (gradient checkpointing: Chen et al. 2016, "Training Deep Nets
 * with Sublinear Memory Cost").
 */
import type * as tfjs from '@tensorflow/tfjs';
import type { Tensor } from '@tensorflow/tfjs';

import { invariant } from '../../base/index.ts';

type Tf = typeof tfjs;

/** One operation, as TF.js's engine writes it down. */
export interface TapeNode {
  readonly kernelName: string;
  readonly inputs: Readonly<Record<string, Tensor>>;
  readonly outputs: readonly Tensor[];
  /** Copies that the tape holds for the gradient; of a recomputed block its inputs, in order. */
  readonly saved: readonly Tensor[];
  /** Lazy gradients by input name. The outputs' gradients come in their order, null where nothing depends on one. */
  readonly gradient?: (dys: readonly (Tensor | null)[]) => Readonly<Record<string, () => Tensor>>;
  /** Of a recomputed block: makes its one output from its inputs. */
  readonly block?: (...inputs: Tensor[]) => Tensor;
}

/** In the order in which the operations ran. */
export type Tape = readonly TapeNode[];

/** The part of TF.js's engine that we stand on. */
interface TapeEngine {
  readonly state: {
    activeTape: TapeNode[] | null;
    /** Above 0 while a tape is written. */
    gradientDepth: number;
    /** Above 0 inside an operation, of which nothing is written down. */
    kernelDepth: number;
  };
  startTape(): void;
  endTape(): void;
}

/** Only our backward walk knows recomputed blocks; on a tape of TF.js's own there are none. */
const ownTapes = new WeakSet<Tape>();

function engineOf(tf: Tf): TapeEngine {
  return tf.engine() as unknown as TapeEngine;
}

/** Runs `compute` and writes it down; call outside of any other recording. The tape is the caller's to free. */
export function record<T extends Tensor>(
  tf: Tf,
  compute: () => T,
): { readonly value: T; readonly tape: Tape } {
  const engine = engineOf(tf);
  const { state } = engine;
  invariant(state.gradientDepth === 0, 'one pass is recorded at a time');
  const outer = state.activeTape;
  const tape: TapeNode[] = [];
  engine.startTape();
  state.activeTape = tape;
  ownTapes.add(tape);
  try {
    return { value: tf.tidy(compute), tape };
  } catch (error) {
    // TF.js forgets what a failed pass had saved, and memory that has run out would stay so.
    freeTape(tape);
    throw error;
  } finally {
    engine.endTape();
    state.activeTape = outer;
  }
}

/**
 * `block(...inputs)`, of which a recorded pass keeps nothing but the inputs; its backward walk runs the block again, so
 * that it must give the same each time. Elsewhere just the block.
 *
 * @param block makes one new tensor and leaves its inputs alone.
 */
export function recomputed<Inputs extends Tensor[], Output extends Tensor>(
  tf: Tf,
  inputs: readonly [...Inputs],
  block: (...inputs: Inputs) => Output,
): Output {
  const { state } = engineOf(tf);
  const { activeTape: tape } = state;
  const isRecording = state.gradientDepth > 0 && state.kernelDepth === 0;
  if (!isRecording || tape === null || !ownTapes.has(tape)) return block(...inputs);
  state.kernelDepth++;
  try {
    const output = tf.tidy(() => block(...inputs));
    tape.push({
      kernelName: 'recomputed',
      inputs: Object.fromEntries(inputs.entries()),
      outputs: [output],
      saved: inputs.map((input) => tf.keep(tf.clone(input))),
      block: block as unknown as (...inputs: Tensor[]) => Tensor,
    });
    return output;
  } finally {
    state.kernelDepth--;
  }
}

/** Frees what a node had saved. */
export function freeNode({ saved }: TapeNode): void {
  for (const tensor of saved) tensor.dispose();
}

/** As `freeNode` for each. */
export function freeTape(tape: Tape): void {
  tape.forEach(freeNode);
}
