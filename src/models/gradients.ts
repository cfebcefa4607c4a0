/** The loss of one batch and its gradient for every parameter it depends on. */
import {
  discardTape,
  type Engine,
  type Scalar,
  type Tensor,
  type Tensor5D,
} from '../compute/index.ts';
import type { ForwardOptions, ParameterMap } from './forward.ts';
import { headsLoss, type HeadLabels } from './loss.ts';
import type { Model } from './model.ts';

export interface ValueAndGradients {
  readonly value: number;
  /**
   * By parameter name, the caller's to dispose. A parameter that the value does not depend on (the head of
   * a task without labels here) is absent.
   */
  readonly gradients: ReadonlyMap<string, Tensor>;
}

export interface LossAndGradients {
  readonly loss: number;
  /** Of the finest outputs, by head with labels. */
  readonly parts: Readonly<Record<string, { readonly ce: number; readonly dice: number }>>;
  /** As in `ValueAndGradients`. */
  readonly gradients: ReadonlyMap<string, Tensor>;
}

/** One forward and backward pass with the heads' loss; `params` are not changed. */
export function lossAndGradients(
  engine: Engine,
  model: Model,
  params: ParameterMap,
  x: Tensor5D,
  labels: HeadLabels,
  options: ForwardOptions,
): LossAndGradients {
  const { tf } = engine;
  const parts: Record<string, { ce: Scalar; dice: Scalar }> = {};
  const compute = (): Scalar => {
    const result = headsLoss(engine, model.forward(params, x, options), labels);
    for (const [head, { ce, dice }] of Object.entries(result.parts)) {
      parts[head] = { ce: tf.keep(ce), dice: tf.keep(dice) };
    }
    return result.loss;
  };
  const { value, gradients } = orDispose(
    () => valueAndGradients(engine, params, compute),
    () => {
      tf.dispose(parts);
    },
  );
  const readParts = Object.entries(parts).map(([head, { ce, dice }]) => [
    head,
    { ce: readScalar(ce), dice: readScalar(dice) },
  ]);
  return {
    loss: value,
    parts: Object.fromEntries(readParts) as LossAndGradients['parts'],
    gradients,
  };
}

/**
 * The value of `compute` and its gradient with respect to `params`. Frees what `compute` made, also when it throws: the
 * patch may have been too large.
 */
export function valueAndGradients(
  engine: Engine,
  params: ParameterMap,
  compute: () => Scalar,
): ValueAndGradients {
  const { tf } = engine;
  const names = [...params.keys()];
  const { value, grads } = orDispose(
    () => tf.tidy(() => tf.engine().gradients(compute, [...params.values()], undefined, true)),
    () => {
      discardTape(tf);
    },
  );
  const gradients = new Map<string, Tensor>();
  // Typed as tensors; of what the value does not depend on there is none.
  (grads as (Tensor | null | undefined)[]).forEach((gradient, i) => {
    if (gradient !== null && gradient !== undefined) gradients.set(names[i] as string, gradient);
  });
  return { value: readScalar(value), gradients };
}

/** What `run` gives; `dispose` runs only when it throws. */
function orDispose<T>(run: () => T, dispose: () => void): T {
  try {
    return run();
  } catch (error) {
    dispose();
    throw error;
  }
}

function readScalar(scalar: Scalar): number {
  const [value] = scalar.dataSync();
  scalar.dispose();
  return value as number;
}
