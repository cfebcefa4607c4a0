/** The loss of one batch and its gradient for every parameter it depends on. */
import {
  differentiate,
  type Engine,
  type Scalar,
  type Tensor,
  type Tensor5D,
} from '../compute/index.ts';
import type { ForwardOptions, ParameterMap } from './forward.ts';
import { headsLoss, type HeadLabels } from './loss.ts';
import type { Model } from './model.ts';

export interface ValueAndGradients {
  /** A promise, so that work for the device can be queued behind it. */
  readonly value: Promise<number>;
  /**
   * By parameter name, the caller's to dispose. A parameter that the value does not depend on (the head of
   * a task without labels here) is absent.
   */
  readonly gradients: ReadonlyMap<string, Tensor>;
}

export interface LossAndGradients {
  readonly loss: Promise<number>;
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
  const { value, gradients } = valueAndGradients(
    engine,
    params,
    () => headsLoss(engine, model.forward(params, x, options), labels).loss,
  );
  return { loss: value, gradients };
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
  const found = differentiate(engine, compute, [...params.values()]);
  const gradients = new Map<string, Tensor>();
  [...params.keys()].forEach((name, i) => {
    const gradient = found.gradients[i];
    if (gradient !== null && gradient !== undefined) gradients.set(name, gradient);
  });
  return { value: readScalar(found.value), gradients };
}

async function readScalar(scalar: Scalar): Promise<number> {
  const [value] = await scalar.data();
  scalar.dispose();
  return value as number;
}
