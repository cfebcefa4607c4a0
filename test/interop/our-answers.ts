/** What our networks say to a case, under the names that PyTorch's answers have; and how far the two are apart. */
import { expect } from 'chai';

import type { Engine, Rank, Tensor, Tensor5D } from '../../src/compute/index.ts';
import {
  buildModel,
  headLabel,
  headsLoss,
  lossAndGradients,
  type HeadLabels,
  type HeadOutputs,
} from '../../src/models/index.ts';
import type { NamedTensor } from '../../src/weights/index.ts';
import type { TorchCase } from './torch.ts';

export type Answers = ReadonlyMap<string, NamedTensor>;

/** Everything `torch_answers.py` answers; without gradients, the logits of evaluation mode alone. */
export async function ourAnswers(
  engine: Engine,
  { spec, size, weights, x, targets }: TorchCase,
  { withGradients }: { readonly withGradients: boolean },
): Promise<Answers> {
  const { tf } = engine;
  const model = buildModel(engine, spec);
  const params = new Map<string, Tensor>(
    weights.map(({ name, shape, data }) => [name, tf.tensor(data, [...shape])]),
  );
  const input = tf.tidy(() =>
    tf.transpose(tf.tensor<Rank.R5>(x.data, x.shape as Tensor5D['shape']), lastAxes),
  );
  const labels: HeadLabels = Object.fromEntries(
    targets.map(({ name, data }) => [
      name.slice('target.'.length),
      headLabel(Int32Array.from(data), [...size]),
    ]),
  );
  const answers = new Map<string, NamedTensor>();
  const tell = async (name: string, tensor: Tensor): Promise<void> => {
    const data = new Float32Array(await tensor.data<'float32'>());
    answers.set(name, { name, shape: tensor.shape, data });
  };
  const tellOutputs = async (outputs: HeadOutputs, training: boolean): Promise<void> => {
    for (const [head, scales] of Object.entries(outputs)) {
      for (const [i, logits] of scales.entries()) {
        const name = training ? `out.${head}.${i}` : `out.${head}`;
        await tell(name, tf.transpose(logits, firstAxes));
      }
    }
  };
  await tellOutputs(model.forward(params, input, { training: false }), false);
  if (!withGradients) return answers;

  await tellOutputs(model.forward(params, input, { training: true }), true);
  const pass = lossAndGradients(engine, model, params, input, labels, { training: true });
  await tell('loss', tf.scalar(await pass.loss));
  const stepped = new Map<string, Tensor>();
  for (const [name, parameter] of params) {
    const gradient = pass.gradients.get(name)!;
    await tell(`gradnorm.${name}`, tf.norm(gradient));
    stepped.set(name, tf.sub(parameter, tf.mul(gradient, 0.01)));
  }
  const after = headsLoss(engine, model.forward(stepped, input, { training: true }), labels);
  await tell('loss_after_sgd', after.loss);
  return answers;
}

const lastAxes = [0, 2, 3, 4, 1];
const firstAxes = [0, 4, 1, 2, 3];

/** Logits to 1e-4, losses to 1e-5 of themselves, gradient norms to 1e-3 of themselves. */
export function compareAnswers(ours: Answers, torchs: Answers): void {
  expect([...ours.keys()].sort()).deep.equal([...torchs.keys()].sort());
  const norms = [...torchs.values()].filter(({ name }) => name.startsWith('gradnorm.'));
  const largest = Math.max(...norms.map(({ data }) => data[0]!));
  for (const [name, { shape, data }] of torchs) {
    const got = ours.get(name)!;
    expect(got.shape, name).deep.equal(shape);
    const [value, expected] = [got.data[0]!, data[0]!];
    if (name.startsWith('out.')) {
      expect(maxAbsDifference(got.data, data), name).at.most(1e-4);
    } else if (name.startsWith('gradnorm.')) {
      // A bias before an instance norm has no gradient but rounding.
      const scale = expected < 1e-5 * largest ? largest : expected;
      expect(Math.abs(value - expected) / scale, `${name}: ${value} for ${expected}`).at.most(1e-3);
    } else {
      expect(Math.abs(value - expected) / Math.abs(expected), name).at.most(1e-5);
    }
  }
}

/** NaN anywhere is NaN. */
export function maxAbsDifference(a: Float32Array, b: Float32Array): number {
  expect(a.length).equal(b.length);
  let max = 0;
  for (const [i, value] of a.entries()) {
    const difference = Math.abs(value - (b[i] as number));
    if (!(difference <= max)) max = difference;
  }
  return max;
}
