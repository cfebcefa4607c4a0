/**
 * nnU-Net's `PlainConvUNet` (Isensee et al. 2021): stages of convolution, instance norm and leaky ReLU
 * with strided convolutions between them; a decoder of transposed convolutions and skip connections.
 */
import { invariant } from '../base/index.ts';
import type { Engine, Ops, Tensor5D } from '../compute/index.ts';
import { blocksOf } from './block.ts';
import type { ForwardOptions, HeadOutputs, Parameters } from './forward.ts';
import type { Triple, UNetSpec } from './spec.ts';
import { unetHeadPrefix, unetOutputStages, unetStrides } from './unet-parameters.ts';

const slope = 0.01;
const eps = 1e-5;

interface Scope {
  readonly tf: Engine['tf'];
  readonly ops: Ops;
  readonly spec: UNetSpec;
  readonly parameters: Parameters;
  readonly options: ForwardOptions;
}

/** Logits by head; call inside `tf.tidy`. */
export function unetForward(
  tf: Engine['tf'],
  ops: Ops,
  spec: UNetSpec,
  parameters: Parameters,
  x: Tensor5D,
  options: ForwardOptions,
): HeadOutputs {
  const scope: Scope = { tf, ops, spec, parameters, options };
  const block = blocksOf(tf, options);
  const strides = unetStrides(spec);
  const skips: Tensor5D[] = [];
  spec.features.forEach((_, level) => {
    const stride = strides[level] as Triple;
    const run = (input: Tensor5D): Tensor5D =>
      runStage(scope, input, `encoder.stages.${level}.0`, stride, level);
    skips.push(block([skips[level - 1] ?? x], run));
  });

  const outputs: HeadOutputs = Object.fromEntries(
    Object.keys(spec.heads).map((head) => [head, []]),
  );
  const stages = unetOutputStages(spec);
  const withOutput = options.training ? stages : stages.slice(0, 1);
  let y = skips.pop();
  invariant(y !== undefined, 'a U-Net has stages');
  for (let i = 0; skips.length > 0; i++) {
    const level: [Tensor5D, Tensor5D] = [y, skips.pop() as Tensor5D];
    y = block(level, (below, skip) => decoderLevel(scope, below, skip, i));
    tf.dispose(level);
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

/** `below` upsampled, joined with `skip`, convolved; level `i` from the deepest. */
function decoderLevel(scope: Scope, below: Tensor5D, skip: Tensor5D, i: number): Tensor5D {
  const { tf, ops, spec, parameters } = scope;
  const weight = parameters.kernel(`decoder.transpconvs.${i}.weight`);
  const bias = parameters.vector(`decoder.transpconvs.${i}.bias`);
  return tf.tidy(() => {
    const joined = tf.tidy(() => ops.concat(ops.convTranspose3d(below, weight, bias), skip));
    return runStage(scope, joined, `decoder.stages.${i}`, [1, 1, 1], spec.features.length + i);
  });
}

/** [b, d, h, w, c] → [b, d/s, h/s, w/s, features]; `index` counts the stages as they run. */
function runStage(
  { tf, ops, spec, parameters, options }: Scope,
  input: Tensor5D,
  prefix: string,
  stride: Triple,
  index: number,
): Tensor5D {
  const { training, seed = 0 } = options;
  const rate = training ? spec.dropoutMilli / 1000 : 0;
  let y = input;
  for (let i = 0; i < spec.convsPerStage; i++) {
    const name = `${prefix}.convs.${i}`;
    const before = y;
    y = tf.tidy(() => {
      const weight = parameters.kernel(`${name}.conv.weight`);
      const bias = parameters.vector(`${name}.conv.bias`);
      let z = ops.conv3d(before, weight, bias, { stride: i === 0 ? stride : 1 });
      // Before the norm, as nnU-Net; each layer and step has its own mask.
      const layer = index * spec.convsPerStage + i;
      if (rate > 0) z = ops.dropout(z, rate, (seed * 1009 + layer) % 2 ** 31);
      const gamma = parameters.vector(`${name}.norm.weight`);
      const beta = parameters.vector(`${name}.norm.bias`);
      return ops.instanceNorm(z, gamma, beta, { eps, slope });
    });
    if (before !== input) before.dispose();
  }
  return y;
}
