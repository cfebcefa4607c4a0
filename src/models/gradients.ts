/** The loss of one batch and its gradient for every parameter it depends on. */
import type { Engine, Scalar, Tensor, Tensor5D } from '../compute/index.ts';
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
  /** Of the finest outputs, by head with labels. */
  readonly parts: Promise<Readonly<Record<string, { readonly ce: number; readonly dice: number }>>>;
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
  const { value, gradients } = valueAndGradients(engine, params, () => {
    const result = headsLoss(engine, model.forward(params, x, options), labels);
    for (const [head, { ce, dice }] of Object.entries(result.parts)) {
      parts[head] = { ce: tf.keep(ce), dice: tf.keep(dice) };
    }
    return result.loss;
  });
  const readParts = Object.entries(parts).map(async ([head, { ce, dice }]) => [
    head,
    { ce: await readScalar(ce), dice: await readScalar(dice) },
  ]);
  return {
    loss: value,
    parts: Promise.all(readParts).then(
      (entries) => Object.fromEntries(entries) as Awaited<LossAndGradients['parts']>,
    ),
    gradients,
  };
}

/** The value of `compute` and its gradient with respect to `params`. Frees what `compute` made. */
export function valueAndGradients(
  engine: Engine,
  params: ParameterMap,
  compute: () => Scalar,
): ValueAndGradients {
  const { tf } = engine;
  const names = [...params.keys()];
  const { value, grads } = tf.tidy(() =>
    tf.engine().gradients(compute, [...params.values()], undefined, true),
  );
  const gradients = new Map<string, Tensor>();
  // Typed as tensors; of what the value does not depend on there is none.
  (grads as (Tensor | null | undefined)[]).forEach((gradient, i) => {
    if (gradient !== null && gradient !== undefined) gradients.set(names[i] as string, gradient);
  });
  return { value: readScalar(value), gradients };
}

async function readScalar(scalar: Scalar): Promise<number> {
  const [value] = await scalar.data();
  scalar.dispose();
  return value as number;
}
