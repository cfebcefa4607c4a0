/** Training steps of both nets natively: the same bytes on any number of threads. */
import { expect } from 'chai';

import { seededRandom } from '../../src/base/index.ts';
import {
  openEngine,
  precisions,
  type Precision,
  type Tensor,
  type Tensor5D,
  type Variable,
} from '../../src/compute/index.ts';
import {
  buildModel,
  headLabel,
  initialWeights,
  lossAndGradients,
  type ModelSpec,
} from '../../src/models/index.ts';
import { backends } from './backends.ts';

const specs: readonly ModelSpec[] = [
  {
    ...{ kind: 'unet', inChannels: 1, features: [5, 8, 16], strides: [1, 2, 2], convsPerStage: 1 },
    ...{ heads: { hps: 3 }, deepSupervision: true, dropoutMilli: 0 },
  },
  {
    ...{ kind: 'swin-unetr', inChannels: 1, featureSize: 6, depths: [2, 1], numHeads: [1, 2] },
    ...{ window: 3, heads: { hps: 3 } },
  },
];

/** The parameters after three steps of AdamW, one after the other. */
async function trained(spec: ModelSpec, precision: Precision, threads: number): Promise<Buffer> {
  const engine = await openEngine({
    ...({ backend: 'native' } as const),
    ...{ precision, threads },
  });
  const { tf, ops, close } = engine;
  try {
    const model = buildModel(engine, spec);
    const random = seededRandom('threads');
    const x: Tensor5D = tf.tensor(
      Float32Array.from({ length: 24 * 16 * 16 }, () => random.normal()),
      [1, 24, 16, 16, 1],
    );
    const values = Int32Array.from(x.dataSync(), (value) => (value > 1 ? 1 : 0));
    const labels = headLabel(values, [1, 24, 16, 16]);
    const params = new Map<string, Variable>(
      initialWeights(spec, random).map(({ name, data, shape }) => [
        name,
        tf.variable(tf.tensor(data, [...shape])),
      ]),
    );
    const zeros = (): Variable[] => [...params.values()].map((p) => tf.variable(tf.zerosLike(p)));
    const [m, v] = [zeros(), zeros()];
    for (let step = 1; step <= 3; step++) {
      const tensors: ReadonlyMap<string, Tensor> = params;
      const pass = lossAndGradients(engine, model, tensors, x, { hps: labels }, { training: true });
      const gradients = [...params.keys()].map((name) => pass.gradients.get(name)!);
      const settings = { lr: 0.01, beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0.01, step };
      ops.adamW([...params.values()], gradients, m, v, settings);
      await pass.loss;
    }
    const bytes = [...params.values()].map((p) => Buffer.from(p.dataSync().slice().buffer));
    return Buffer.concat(bytes);
  } finally {
    close();
  }
}

if (backends.includes('native')) {
  describe('native training', () => {
    for (const spec of specs) {
      for (const precision of precisions) {
        it(`of a ${spec.kind} in ${precision} gives the same bytes on 1, 2 and 3 threads`, async () => {
          const alone = await trained(spec, precision, 1);
          expect(alone.length).greaterThan(1000);
          for (const threads of [2, 3]) {
            const bytes = await trained(spec, precision, threads);
            expect(bytes.equals(alone), `${String(threads)} threads`).true;
          }
        });
      }
    }
  });
}
