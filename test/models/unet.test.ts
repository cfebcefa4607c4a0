/** The U-Net against nnU-Net's own, on every backend. */
import { expect } from 'chai';

import { openEngine, type Engine, type Tensor, type Tensor5D } from '../../src/compute/index.ts';
import {
  buildModel,
  headsLoss,
  initialWeights,
  lossAndGradients,
  type Model,
  type UNetSpec,
} from '../../src/models/index.ts';
import { seededRandom } from '../../src/base/index.ts';
import {
  channelsLast,
  checkGradients,
  loadParameters,
  maxAbsDifference,
  readLabels,
  readOracle,
  relativeDifference,
} from './oracle.ts';
import { backends } from './backends.ts';

const spec: UNetSpec = {
  kind: 'unet',
  inChannels: 2,
  features: [8, 16, 32],
  strides: [1, 2, 2],
  convsPerStage: 2,
  heads: { hps: 6 },
  deepSupervision: true,
  dropoutMilli: 0,
};

for (const backend of backends) {
  /**
   * Norms that PyTorch in double precision gives (test/interop/torch_answers.py's loss on the oracle's weights): single
   * precision turns the sign of a few activations near 0, and the oracle's are off by up to 2.2e-3.
   */
  const inDouble = {
    'encoder.stages.0.0.convs.0.norm.bias': 0.005601197295344345,
    'encoder.stages.0.0.convs.1.norm.bias': 0.005828927445057609,
    'encoder.stages.2.0.convs.1.norm.bias': 0.0017572468551181242,
  };

  describe(`the U-Net on ${backend}`, function () {
    let engine: Engine;
    before(async () => {
      engine = await openEngine({ backend });
    });
    after(() => {
      engine.close();
    });

    describe("with nnU-Net's weights", () => {
      const io = readOracle('unet_8_16_32.io');
      let model: Model;
      let params: Map<string, Tensor>;
      let x: Tensor5D;
      before(() => {
        model = buildModel(engine, spec);
        params = loadParameters(engine, spec, readOracle('unet_8_16_32.weights'));
        x = channelsLast(engine, io, 'x');
      });

      it('gives its outputs at both scales', async () => {
        const outputs = model.forward(params, x, { training: true }).hps!;
        expect(outputs).to.have.length(2);
        for (const [i, output] of outputs.entries()) {
          const expected = channelsLast(engine, io, `out.${i}`);
          expect(output.shape).to.deep.equal(expected.shape);
          const difference = maxAbsDifference(await output.data(), await expected.data());
          expect(difference).to.be.at.most(2e-4);
        }
      });

      it('gives its loss, every gradient and the loss after a step', async () => {
        const labels = readLabels(io, { hps: 'target' });
        const pass = lossAndGradients(engine, model, params, x, labels, { training: true });
        await checkGradients({ value: pass.loss, gradients: pass.gradients }, io, 1e-3, inDouble);
        const stepped = new Map(
          [...params].map(([name, value]) => {
            const gradient = pass.gradients.get(name)!;
            return [
              name,
              engine.tf.tidy(() => engine.tf.sub(value, engine.tf.mul(gradient, 0.01))),
            ];
          }),
        );
        const after = headsLoss(engine, model.forward(stepped, x, { training: true }), labels);
        const want = io.data('loss_after_sgd_0.01')[0]!;
        expect(relativeDifference((await after.loss.data())[0]!, want)).to.be.at.most(1e-5);
      });

      it('gives the cross-entropy and Dice of the finest output', async () => {
        const labels = readLabels(io, { hps: 'target' });
        const outputs = model.forward(params, x, { training: false });
        expect(outputs.hps).to.have.length(1);
        const { ce, dice } = headsLoss(engine, outputs, labels).parts.hps!;
        const [gotCe, gotDice] = [await ce.data(), await dice.data()];
        expect(relativeDifference(gotCe[0]!, io.data('ce.0')[0]!)).to.be.at.most(1e-5);
        expect(relativeDifference(gotDice[0]!, io.data('dice.0')[0]!)).to.be.at.most(1e-5);
      });
    });

    it('leaves nothing behind but its outputs', () => {
      const { tf } = engine;
      const small: UNetSpec = { ...spec, heads: { hps: 6, calc: 2 }, dropoutMilli: 200 };
      const model = buildModel(engine, small);
      const weights = initialWeights(small, seededRandom(1));
      const params = new Map(weights.map((w) => [w.name, tf.tensor(w.data, [...w.shape])]));
      const x = tf.tensor5d(new Float32Array(1024).fill(1), [1, 8, 8, 8, 2]);
      const before = engine.memory().tensorCount;
      const outputs = model.forward(params, x, { training: true, seed: 3 });
      expect(engine.memory().tensorCount - before).to.equal(4);
      tf.dispose(outputs);
      expect(engine.memory().tensorCount).to.equal(before);
    });
  });
}
