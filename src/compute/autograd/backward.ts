/**
 * Gradients by a walk back over a recorded pass. TF.js's own walk holds every activation and every upstream gradient
 * until its end; this one frees them node by node.
 */
import type * as tfjs from '@tensorflow/tfjs';
import type { Tensor } from '@tensorflow/tfjs';

import { invariant } from '../../base/index.ts';
import { isOwnKernel } from '../ops/kernel-registry.ts';
import type { Ops } from '../ops/ops.ts';
import { freeNode, freeTape, record, type Tape, type TapeNode } from './tape.ts';

/** What the walk works with; an `Engine` is one. */
interface Tools {
  readonly tf: typeof tfjs;
  readonly ops: Ops;
}

/**
 * The value of `compute` and its gradient for each of `xs`, null where it does not depend on one; all the caller's to
 * dispose. Recomputed blocks are run again. Frees whatever else was made, also when it throws.
 */
export function differentiate<T extends Tensor>(
  tools: Tools,
  compute: () => T,
  xs: readonly Tensor[],
): { readonly value: T; readonly gradients: readonly (Tensor | null)[] } {
  const { tf } = tools;
  return tf.tidy(() => {
    const { value, tape } = record(tf, compute);
    const walk = new BackwardWalk(tools, xs);
    walk.back(tape, value, tf.onesLike(value));
    // TF.js's types know no null in what a tidy returns.
    return { value, gradients: xs.map((x) => walk.gradientOf(x)) as Tensor[] };
  });
}

/** A node, and the names of those of its inputs that depend on what gradients are wanted for. */
interface Step {
  readonly node: TapeNode;
  readonly names: readonly string[];
}

class BackwardWalk {
  readonly #tools: Tools;
  /** Ids of what gradients are wanted for, and of all that depends on it. */
  readonly #dependent: Set<number>;
  /** Gradients by tensor id, as far as they are summed. */
  readonly #sums = new Map<number, Tensor>();
  /** By the id of a recomputed block's copy of an input: the input's. Their gradients are one sum, in the tape's order. */
  readonly #originals = new Map<number, number>();

  constructor(tools: Tools, xs: readonly Tensor[]) {
    this.#tools = tools;
    this.#dependent = new Set(xs.map(({ id }) => id));
  }

  gradientOf(x: Tensor): Tensor | null {
    return this.#sums.get(x.id) ?? null;
  }

  /** Adds the gradients of all that `y` was made of, given `dy`, its own; takes `dy` and frees the tape. */
  back(tape: Tape, y: Tensor, dy: Tensor): void {
    try {
      this.#add(y, dy);
      const steps = this.#stepsTo(tape, y);
      const needed = new Set(steps.map(({ node }) => node));
      for (const node of tape) if (!needed.has(node)) freeNode(node);
      for (let step = steps.pop(); step !== undefined; step = steps.pop()) {
        if (step.node.block === undefined) this.#differentiate(step);
        else this.#runAgain(step.node, step.node.block);
      }
    } finally {
      freeTape(tape);
    }
  }

  /** The nodes between what gradients are wanted for and `y`, in the order of the tape. */
  #stepsTo(tape: Tape, y: Tensor): Step[] {
    const steps: Step[] = [];
    for (const node of tape) {
      const names = Object.keys(node.inputs).filter((name) =>
        this.#dependent.has((node.inputs[name] as Tensor).id),
      );
      // What a block depends on beside its inputs shows when it is run again.
      if (names.length === 0 && node.block === undefined) continue;
      for (const { id } of node.outputs) this.#dependent.add(id);
      steps.push({ node, names });
    }
    const leading = new Set([y.id]);
    return steps
      .reverse()
      .filter(({ node, names }) => {
        if (!node.outputs.some(({ id }) => leading.has(id))) return false;
        for (const name of names) leading.add((node.inputs[name] as Tensor).id);
        return true;
      })
      .reverse();
  }

  #differentiate({ node, names }: Step): void {
    const { tf } = this.#tools;
    const { gradient, inputs, kernelName } = node;
    invariant(gradient !== undefined, `${kernelName} has a gradient`);
    const given = node.outputs.map((output) => this.#take(output));
    // Of an output that nothing depends on TF.js makes zeros; our kernels look at their first output's alone.
    const dys = isOwnKernel(kernelName) ? given.map((dy) => dy ?? given[0] ?? null) : given;
    const found = tf.tidy(() => {
      const lazy = gradient(dys);
      return names.map((name) => {
        const make = lazy[name];
        invariant(make !== undefined, `${kernelName} has a gradient for its input ${name}`);
        // A copy, which shares the memory: what comes may be the upstream gradient itself.
        return tf.clone(make());
      });
    });
    freeNode(node);
    tf.dispose(given.filter((dy) => dy !== null));
    names.forEach((name, i) => {
      this.#add(inputs[name] as Tensor, found[i] as Tensor);
    });
  }

  #runAgain(node: TapeNode, block: NonNullable<TapeNode['block']>): void {
    const dy = this.#take(node.outputs[0] as Tensor);
    invariant(dy !== null, 'something depends on the block');
    const { value, tape } = record(this.#tools.tf, () => block(...node.saved));
    node.saved.forEach((copy, i) => {
      const { id } = node.inputs[i] as Tensor;
      this.#originals.set(copy.id, this.#originals.get(id) ?? id);
      if (this.#dependent.has(id)) this.#dependent.add(copy.id);
    });
    freeNode(node);
    value.dispose();
    this.back(tape, value, dy);
  }

  /** The gradient of an output, to which nothing more is added: all that uses it came later on the tape. */
  #take({ id }: Tensor): Tensor | null {
    const sum = this.#sums.get(id) ?? null;
    this.#sums.delete(id);
    return sum;
  }

  /** Takes `gradient`. */
  #add(x: Tensor, gradient: Tensor): void {
    const id = this.#originals.get(x.id) ?? x.id;
    const sum = this.#sums.get(id);
    const isLike = gradient.dtype === 'float32' && gradient.shape.join() === x.shape.join();
    invariant(isLike, 'a gradient is of the shape of what it is for');
    if (sum === undefined) {
      this.#sums.set(id, gradient);
      return;
    }
    this.#sums.set(id, this.#tools.ops.accumulate(sum, gradient));
    gradient.dispose();
  }
}
