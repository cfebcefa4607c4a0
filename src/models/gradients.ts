/** The loss of one batch and its gradient for every parameter it depends on. */
import {
  differentiate,
  type Engine,
  type Scalar,
  type Tensor,
  type Tensor5D,
} from '../compute/index.ts';
import type { ForwardOptions, ParameterMap } from './forward.ts';
import { outputTargets, targetsLoss, type HeadLabels, type OutputTarget } from './loss.ts';
import { outputShapes, type Model } from './model.ts';

/** A pass's value and what it says of each parameter. */
export interface ValueAndGradients {
  /** A promise, so that work for the device can be queued behind it. */
  readonly value: Promise<number>;
  /**
   * By parameter name, the caller's to dispose. A parameter that the value does not depend on (the head of
   * a task without labels here) is absent.
   */
  readonly gradients: ReadonlyMap<string, Tensor>;
}

/** As `ValueAndGradients`, of the heads' loss. */
export interface LossAndGradients {
  readonly loss: Promise<number>;
  /** As in `ValueAndGradients`. */
  readonly gradients: ReadonlyMap<string, Tensor>;
}

/**
 * One forward and backward pass with the heads' loss; `params` are not changed. The gradients may hold only until the
 * next pass.
 */
export function lossAndGradients(
  engine: Engine,
  model: Model,
  params: ParameterMap,
  x: Tensor5D,
  labels: HeadLabels,
  options: ForwardOptions,
): LossAndGradients {
  const { spec } = model;
  const isDrawn = spec.kind === 'unet' && spec.dropoutMilli > 0;
  const parameters = [...params.values()];
  const [value, ...gradients] = engine.tf.tidy(() => {
    const targets = outputTargets(engine, labels, outputShapes(spec, x.shape));
    const inputs = [x, ...targets.flatMap(({ tensors }) => tensors)];
    const compute = ([image, ...tensors]: readonly Tensor[]): (Tensor | null)[] => {
      const held = withTensors(targets, tensors);
      const loss = (): Scalar =>
        targetsLoss(engine, model.forward(params, image as Tensor5D, options), held).loss;
      const found = differentiate(engine, loss, parameters);
      return [found.value, ...found.gradients];
    };
    const kinds = targets.map(({ head, scale, smooth }) => [head, scale, smooth]);
    const key = JSON.stringify([spec, kinds, options.recompute]);
    const all = isDrawn ? compute(inputs) : engine.repeat({ key, inputs, parameters, compute });
    // TF.js's types know no null in what a tidy returns.
    return all as Tensor[];
  });
  return { loss: readScalar(value as Scalar), gradients: byName(params, gradients) };
}

function withTensors(targets: readonly OutputTarget[], tensors: readonly Tensor[]): OutputTarget[] {
  let at = 0;
  return targets.map((target) => {
    const own = tensors.slice(at, at + target.tensors.length);
    at += own.length;
    return { ...target, tensors: own as unknown as OutputTarget['tensors'] };
  });
}

function byName(
  params: ParameterMap,
  gradients: readonly (Tensor | null)[],
): ReadonlyMap<string, Tensor> {
  const found = new Map<string, Tensor>();
  [...params.keys()].forEach((name, i) => {
    const gradient = gradients[i] ?? null;
    if (gradient !== null) found.set(name, gradient);
  });
  return found;
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
  return { value: readScalar(found.value), gradients: byName(params, found.gradients) };
}

async function readScalar(scalar: Scalar): Promise<number> {
  const [value] = await scalar.data();
  scalar.dispose();
  return value as number;
}
