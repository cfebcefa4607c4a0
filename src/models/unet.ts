/**
 * nnU-Net's `PlainConvUNet` (Isensee et al. 2021): stages of convolution, instance norm and leaky ReLU
 * with strided convolutions between them; a decoder of transposed convolutions and skip connections.
 */
import { invariant } from '../base/index.ts';
import type { Engine, Ops, Tensor5D } from '../compute/index.ts';
import type { ForwardOptions, HeadOutputs, Parameters } from './forward.ts';
import type { Triple, UNetSpec } from './spec.ts';
import { unetHeadPrefix, unetOutputStages, unetStrides } from './unet-parameters.ts';

const slope = 0.01;
const eps = 1e-5;

/** Logits by head; call inside `tf.tidy`. */
export function unetForward(
  tf: Engine['tf'],
  ops: Ops,
  spec: UNetSpec,
  parameters: Parameters,
  x: Tensor5D,
  { training, seed = 0 }: ForwardOptions,
): HeadOutputs {
  const rate = training ? spec.dropoutMilli / 1000 : 0;
  let dropouts = 0;

  /** [b, d, h, w, c] → [b, d/s, h/s, w/s, features] */
  const stage = (input: Tensor5D, prefix: string, stride: Triple): Tensor5D =>
    tf.tidy(() => {
      let y = input;
      for (let i = 0; i < spec.convsPerStage; i++) {
        const name = `${prefix}.convs.${i}`;
        y = tf.tidy(() => {
          const weight = parameters.kernel(`${name}.conv.weight`);
          const bias = parameters.vector(`${name}.conv.bias`);
          let z = ops.conv3d(y, weight, bias, { stride: i === 0 ? stride : 1 });
          // Before the norm, as nnU-Net; each layer and step has its own mask.
          if (rate > 0) z = ops.dropout(z, rate, (seed * 1009 + dropouts++) % 2 ** 31);
          const gamma = parameters.vector(`${name}.norm.weight`);
          const beta = parameters.vector(`${name}.norm.bias`);
          return ops.instanceNorm(z, gamma, beta, { eps, slope });
        });
      }
      return y;
    });

  const strides = unetStrides(spec);
  const skips: Tensor5D[] = [];
  spec.features.forEach((_, level) => {
    const input = skips[level - 1] ?? x;
    skips.push(stage(input, `encoder.stages.${level}.0`, strides[level] as Triple));
  });

  const outputs: HeadOutputs = Object.fromEntries(
    Object.keys(spec.heads).map((head) => [head, []]),
  );
  const withOutput = training ? unetOutputStages(spec) : unetOutputStages(spec).slice(0, 1);
  let y = skips.pop();
  invariant(y !== undefined, 'a U-Net has stages');
  for (let i = 0; skips.length > 0; i++) {
    const below = y;
    const skip = skips.pop() as Tensor5D;
    y = tf.tidy(() => {
      const weight = parameters.kernel(`decoder.transpconvs.${i}.weight`);
      const bias = parameters.vector(`decoder.transpconvs.${i}.bias`);
      const joined = ops.concat(ops.convTranspose3d(below, weight, bias), skip);
      return stage(joined, `decoder.stages.${i}`, [1, 1, 1]);
    });
    tf.dispose([below, skip]);
    if (!withOutput.includes(i)) continue;
    for (const [head, list] of Object.entries(outputs)) {
      const prefix = unetHeadPrefix(spec, head, i);
      const weight = parameters.kernel(`${prefix}.weight`);
      const bias = parameters.vector(`${prefix}.bias`);
      list.unshift(ops.conv3d(y, weight, bias, { stride: 1 }));
    }
  }
  return outputs;
}
