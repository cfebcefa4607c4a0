/** The transformer against MONAI's own, on whichever backend. */
import { expect } from 'chai';

import {
  openEngine,
  type BackendName,
  type Engine,
  type Scalar,
  type Tensor,
  type Tensor5D,
} from '../../src/compute/index.ts';
import {
  buildModel,
  valueAndGradients,
  type Model,
  type SwinUnetrSpec,
} from '../../src/models/index.ts';
import {
  channelsLast,
  checkGradients,
  loadParameters,
  maxAbsDifference,
  readLabels,
  readOracle,
} from './oracle.ts';

const spec: SwinUnetrSpec = {
  kind: 'swin-unetr',
  inChannels: 2,
  featureSize: 12,
  depths: [2, 2, 2, 2],
  numHeads: [3, 6, 12, 24],
  window: 7,
  heads: { hps: 6, ms: 3, calc: 2 },
};

/** Logits, loss and gradients of MONAI's random weights. */
export function swinUnetrSuite(backend: BackendName): void {
  describe(`the transformer with MONAI's weights on ${backend}`, function () {
    this.timeout(1_800_000);
    const io = readOracle('swin_fs12_32x64x32.io');
    let engine: Engine;
    let model: Model;
    let params: Map<string, Tensor>;
    let x: Tensor5D;
    before(async () => {
      engine = await openEngine({ backend });
      model = buildModel(engine, spec);
      params = loadParameters(engine, spec, readOracle('swin_fs12_32x64x32.weights'));
      x = channelsLast(engine, io, 'x');
    });
    after(() => {
      engine.close();
    });

    it('gives its logits for every head and leaves nothing else behind', async () => {
      const before = engine.memory().tensorCount;
      const outputs = model.forward(params, x, { training: false });
      expect(engine.memory().tensorCount - before).to.equal(3);
      for (const [head, [output]] of Object.entries(outputs)) {
        const expected = channelsLast(engine, io, `out.${head}`);
        expect(output!.shape).to.deep.equal(expected.shape);
        const difference = maxAbsDifference(await output!.data(), await expected.data());
        expect(difference, head).to.be.at.most(2e-4);
      }
    });

    it('gives its loss and every gradient', async () => {
      const { tf } = engine;
      const labels = readLabels(io, {
        hps: 'target.hps',
        ms: 'target.ms',
        calc: 'target.calc',
      });
      // The oracle's loss is the cross-entropy alone, here in plain TF.js.
      const result = valueAndGradients(engine, params, () => {
        const outputs = model.forward(params, x, { training: true });
        const terms = Object.entries(labels).map(([head, { values }]) => {
          const [logits] = outputs[head]!;
          const classes = logits!.shape[4];
          const flat = tf.logSoftmax(tf.reshape(logits!, [-1, classes]));
          const chosen = tf.mul(flat, tf.oneHot(tf.tensor1d(values, 'int32'), classes));
          return tf.neg<Scalar>(tf.mean(tf.sum(chosen, 1)));
        });
        return terms.reduce((sum, term) => tf.add(sum, term));
      });
      await checkGradients(result, io);
    });
  });
}
