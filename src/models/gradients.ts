/** The loss of one batch and its gradient for every parameter it depends on. */
import type { Engine, Scalar, Tensor, Tensor5D } from '../compute/index.ts';
import type { ForwardOptions, ParameterMap } from './forward.ts';
import { headsLoss, type HeadLabels } from './loss.ts';
import type { Model } from './model.ts';

export interface LossAndGradients {
  readonly loss: number;
  /** Of the finest outputs, by head with labels. */
  readonly parts: Readonly<Record<string, { readonly ce: number; readonly dice: number }>>;
  /**
   * By parameter name, the caller's to dispose. A parameter that the loss does not depend on (the head of
   * a task without labels here) is absent.
   */
  readonly gradients: ReadonlyMap<string, Tensor>;
}

/** One forward and backward pass; `params` are not changed. */
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
  const names = [...params.keys()];
  const { value, grads } = tf.tidy(() =>
    tf.engine().gradients<Scalar>(
      () => {
        const result = headsLoss(engine, model.forward(params, x, options), labels);
        for (const [head, { ce, dice }] of Object.entries(result.parts)) {
          parts[head] = { ce: tf.keep(ce), dice: tf.keep(dice) };
        }
        return result.loss;
      },
      names.map((name) => params.get(name) as Tensor),
      undefined,
      true,
    ),
  );
  const gradients = new Map<string, Tensor>();
  // TF.js types the gradients of what the loss does not depend on as tensors; they are absent.
  (grads as (Tensor | null | undefined)[]).forEach((gradient, i) => {
    if (gradient !== null && gradient !== undefined) gradients.set(names[i] as string, gradient);
  });
  const loss = readScalar(value);
  const readParts = Object.entries(parts).map(([head, { ce, dice }]) => [
    head,
    { ce: readScalar(ce), dice: readScalar(dice) },
  ]);
  return { loss, parts: Object.fromEntries(readParts) as LossAndGradients['parts'], gradients };
}

function readScalar(scalar: Scalar): number {
  const [value] = scalar.dataSync();
  scalar.dispose();
  return value as number;
}
