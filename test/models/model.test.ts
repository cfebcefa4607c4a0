/** Models as a whole: input sizes, several heads, part labels, windows. Small enough for every backend. */
import { expect } from 'chai';

import { seededRandom } from '../../src/base/index.ts';
import { openEngine, type Engine, type Tensor, type Tensor5D } from '../../src/compute/index.ts';
import {
  buildModel,
  divisorOf,
  headLabel,
  headsLoss,
  initialWeights,
  lossAndGradients,
  modelPredictor,
  ModelsError,
  slidingWindow,
  type HeadLabel,
  type ModelSpec,
  type SwinUnetrSpec,
  type UNetSpec,
  type UnetrSpec,
} from '../../src/models/index.ts';
import { outputShapes } from '../../src/models/model.ts';
import { backends } from './backends.ts';

const unet: UNetSpec = {
  kind: 'unet',
  inChannels: 1,
  features: [4, 6],
  strides: [1, [2, 2, 1]],
  convsPerStage: 1,
  heads: { hps: 3, calc: 2 },
  deepSupervision: true,
  dropoutMilli: 300,
};
const swin: SwinUnetrSpec = {
  kind: 'swin-unetr',
  inChannels: 1,
  featureSize: 4,
  depths: [2, 1],
  numHeads: [1, 2],
  window: 3,
  heads: { hps: 3, calc: 2 },
};
const unetr: UnetrSpec = {
  kind: 'unetr',
  inChannels: 1,
  imageSize: [16, 32, 16],
  featureSize: 2,
  hiddenSize: 6,
  mlpDim: 8,
  numHeads: 2,
  numLayers: 4,
  heads: { hps: 3, calc: 2 },
};

describe('the divisor of a model', () => {
  it('is the product of its strides, two for the patch and each stage, or the side of a cube', () => {
    expect(divisorOf(unetr)).to.deep.equal([16, 16, 16]);
    expect(divisorOf(unet)).to.deep.equal([2, 2, 1]);
    expect(divisorOf(swin)).to.deep.equal([8, 8, 8]);
    expect(divisorOf({ ...swin, depths: [2, 2, 2, 2], numHeads: [1, 1, 1, 1] })[0]).to.equal(32);
  });
});

for (const backend of backends) {
  describe(`a model on ${backend}`, () => {
    let engine: Engine;
    before(async () => {
      engine = await openEngine({ backend });
    });
    after(() => {
      engine.close();
    });

    const parametersOf = (spec: ModelSpec): Map<string, Tensor> =>
      new Map(
        initialWeights(spec, seededRandom(7)).map(({ name, shape, data }) => [
          name,
          engine.tf.tensor(data, [...shape]),
        ]),
      );
    const input = (shape: readonly number[]): Tensor =>
      engine.tf.tensor(
        Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => Math.sin(i * i)),
        [...shape],
      );
    const labelsOf = (shape: [number, number, number, number], classes: number): HeadLabel => {
      const values = Int32Array.from(
        { length: shape.reduce((a, b) => a * b) },
        (_, i) => (i * 7) % classes,
      );
      return headLabel(values, shape);
    };

    it('has outputs of the shapes that are told before', () => {
      const three: ModelSpec = {
        ...{ kind: 'unet', inChannels: 1, features: [2, 2, 2, 2], convsPerStage: 1 },
        ...{ strides: [1, [1, 2, 2], 2, 2], deepSupervision: true, dropoutMilli: 0 },
        heads: { hps: 3, calc: 2 },
      };
      const cases: [ModelSpec, Tensor5D['shape']][] = [
        [three, [2, 4, 16, 8, 1]],
        [{ ...three, deepSupervision: false }, [1, 4, 8, 16, 1]],
        [swin, [1, 16, 8, 24, 1]],
      ];
      for (const [spec, shape] of cases) {
        const outputs = buildModel(engine, spec).forward(
          ...([parametersOf(spec), input(shape) as Tensor5D, { training: true }] as const),
        );
        const shapes = Object.entries(outputs).map(([head, scales]) => [
          head,
          scales.map((scale) => scale.shape),
        ]);
        expect(outputShapes(spec, shape)).to.deep.equal(Object.fromEntries(shapes));
      }
      expect(outputShapes(three, [2, 4, 16, 8, 1]).calc).to.deep.equal([
        [2, 4, 16, 8, 2],
        [2, 4, 8, 4, 2],
        [2, 2, 4, 2, 2],
      ]);
    });

    it('refuses an input that does not fit', () => {
      const cases: [ModelSpec, number[], string][] = [
        [unet, [1, 4, 4, 4], 'five axes'],
        [unet, [1, 4, 4, 4, 2], '1 channels'],
        [unet, [1, 4, 5, 4, 1], 'multiples of 2, 2, 1'],
        [unet, [1, 2, 2, 1, 1], 'larger than its divisor'],
        [swin, [1, 16, 8, 12, 1], 'multiples of 8, 8, 8'],
        [swin, [1, 8, 8, 8, 1], 'larger than its divisor'],
        [unetr, [1, 16, 16, 32, 1], '16, 32, 16, its imageSize'],
        [unetr, [1, 32, 64, 32, 1], '16, 32, 16, its imageSize'],
        [unetr, [1, 16, 32, 16, 2], '1 channels'],
      ];
      for (const [spec, shape, message] of cases) {
        const x = input(shape) as never;
        expect(() => buildModel(engine, spec).forward(new Map(), x, { training: false }))
          .to.throw(ModelsError, message)
          .with.property('code', 'bad_input');
      }
    });

    it('names the parameter that is absent', () => {
      const params = parametersOf(unet);
      params.delete('decoder.stages.0.convs.0.norm.bias');
      const x = input([1, 4, 4, 4, 1]) as never;
      expect(() => buildModel(engine, unet).forward(params, x, { training: false })).to.throw(
        ModelsError,
        'decoder.stages.0.convs.0.norm.bias',
      );
    });

    for (const [name, spec, shape] of [
      ['U-Net', unet, [2, 4, 6, 4, 1]],
      ['transformer', swin, [2, 16, 8, 8, 1]],
      ['plain transformer', unetr, [2, 16, 32, 16, 1]],
    ] as const) {
      it(`of the ${name} kind has every head's logits on the input's grid, and leaks nothing`, () => {
        const params = parametersOf(spec);
        const x = input(shape) as never;
        const before = engine.memory().tensorCount;
        const outputs = buildModel(engine, spec).forward(params, x, { training: true, seed: 1 });
        const shapes = Object.entries(outputs).map(([head, list]) => [head, list[0]!.shape]);
        expect(Object.fromEntries(shapes)).to.deep.equal({
          hps: [...shape.slice(0, 4), 3],
          calc: [...shape.slice(0, 4), 2],
        });
        engine.tf.dispose(outputs);
        expect(engine.memory().tensorCount).to.equal(before);
      });

      it(`of the ${name} kind trains the heads that have labels, and leaks nothing`, async () => {
        const params = parametersOf(spec);
        const x = input(shape) as never;
        const labels = { hps: labelsOf([...shape.slice(0, 4)] as never, 3) };
        const before = engine.memory().tensorCount;
        const model = buildModel(engine, spec);
        const options = { training: true, seed: 5 };
        const result = lossAndGradients(engine, model, params, x, labels, options);
        const absent = [...params.keys()].filter((key) => !result.gradients.has(key));
        expect(absent.length).to.be.greaterThan(0);
        expect(absent.every((key) => key.includes('calc'))).to.equal(true);
        await result.loss;
        engine.tf.dispose([...result.gradients.values()]);
        expect(engine.memory().tensorCount).to.equal(before);
      });
    }

    for (const [name, spec, shape] of [
      ['U-Net', unet, [1, 4, 6, 4, 1]],
      ['transformer', swin, [1, 16, 8, 8, 1]],
      ['plain transformer', unetr, [1, 16, 32, 16, 1]],
    ] as const) {
      it(`of the ${name} kind has the same loss and gradients to the byte when its blocks run twice`, async () => {
        const params = parametersOf(spec);
        const x = input(shape) as never;
        const labels = { hps: labelsOf([...shape.slice(0, 4)] as never, 3) };
        const model = buildModel(engine, spec);
        const pass = async (recompute: boolean): Promise<Record<string, Buffer>> => {
          // Dropout is on: a block run again must drop the same.
          const options = { training: true, seed: 5, recompute };
          const before = engine.memory().tensorCount;
          const result = lossAndGradients(engine, model, params, x, labels, options);
          const found: Record<string, Buffer> = {
            loss: Buffer.from(Float32Array.of(await result.loss).buffer),
          };
          for (const [parameter, gradient] of result.gradients) {
            found[parameter] = Buffer.from(gradient.dataSync().slice().buffer);
          }
          engine.tf.dispose([...result.gradients.values()]);
          expect(engine.memory().tensorCount).to.equal(before);
          return found;
        };
        const expected = await pass(false);
        expect(Object.keys(expected).length).to.be.greaterThan(10);
        expect(await pass(true)).to.deep.equal(expected);
      });
    }

    it('learns: a small step against the gradient lowers the loss as predicted', async () => {
      const { tf } = engine;
      const model = buildModel(engine, swin);
      const params = parametersOf(swin);
      const x = input([1, 16, 8, 8, 1]) as never;
      const labels = { hps: labelsOf([1, 16, 8, 8], 3), calc: labelsOf([1, 16, 8, 8], 2) };
      const options = { training: true };
      const { loss, gradients } = lossAndGradients(engine, model, params, x, labels, options);
      let squares = 0;
      for (const gradient of gradients.values()) {
        squares += (await gradient.square().sum().data<'float32'>())[0]!;
      }
      // loss(p - t·g) ≈ loss - t·|g|²
      const rate = 1e-3 / squares;
      const stepped = new Map(
        [...params].map(([name, value]) => [name, tf.sub(value, gradients.get(name)!.mul(rate))]),
      );
      const after = headsLoss(engine, model.forward(stepped, x, options), labels).loss;
      const fall = (await loss) - (await after.data<'float32'>())[0]!;
      expect(fall / 1e-3).to.be.within(0.9, 1.1);
    });

    it('drops out in training only, by the seed', () => {
      const model = buildModel(engine, unet);
      const params = parametersOf(unet);
      const x = input([1, 4, 4, 4, 1]) as never;
      const run = (training: boolean, seed: number): number[] => [
        ...model.forward(params, x, { training, seed }).calc![0]!.dataSync(),
      ];
      expect(run(true, 1)).to.deep.equal(run(true, 1));
      expect(run(true, 1)).to.not.deep.equal(run(true, 2));
      expect(run(false, 1)).to.deep.equal(run(false, 2));
    });

    it('draws a mask for each layer and step, after each convolution, in training only', () => {
      const seeds: number[] = [];
      const spied: Engine = {
        ...engine,
        ops: {
          ...engine.ops,
          dropout: (x, rate, seed) => {
            expect(rate).to.equal(0.3);
            seeds.push(seed);
            return engine.ops.dropout(x, rate, seed);
          },
        },
      };
      const params = parametersOf(unet);
      const x = input([1, 4, 4, 4, 1]) as never;
      const model = buildModel(spied, unet);
      const run = (training: boolean, seed: number): void => {
        engine.tf.dispose(model.forward(params, x, { training, seed }));
      };
      run(false, 1);
      expect(seeds).to.deep.equal([]);
      // One convolution in each stage of encoder and decoder; output layers and upsampling have none.
      const layers = 2 * unet.features.length - 1;
      for (const seed of [1, 2, 2 ** 30]) run(true, seed);
      expect(seeds.length).to.equal(3 * layers);
      expect(new Set(seeds).size, 'different masks').to.equal(3 * layers);
      expect(seeds.every((seed) => Number.isInteger(seed) && seed >= 0 && seed < 2 ** 31)).to.equal(
        true,
      );
    });

    it('predicts windows in batches as one by one, and leaks nothing', async () => {
      const model = buildModel(engine, unet);
      const params = parametersOf(unet);
      const roi = [4, 4, 4] as const;
      const data = input([6, 4, 7]).dataSync<'float32'>();
      const volume = { data: new Float32Array(data), shape: [6, 4, 7] as const, channels: 1 };
      const before = engine.memory().tensorCount;
      const predict = modelPredictor(engine, model, params, { roi });
      const options = { roi, overlap: 0.5, mode: 'gaussian' as const };
      const one = await slidingWindow(predict, volume, { ...options, batch: 1 });
      const four = await slidingWindow(predict, volume, { ...options, batch: 4 });
      expect(engine.memory().tensorCount).to.equal(before);
      expect(Object.keys(one)).to.have.members(['hps', 'calc']);
      one.hps!.data.forEach((value, i) => {
        expect(four.hps!.data[i]).to.be.closeTo(value, 1e-5);
      });
      // A volume of one window has the model's own logits.
      const single = { data: volume.data.slice(0, 64), shape: roi, channels: 1 };
      const alone = await slidingWindow(predict, single, { ...options, batch: 1 });
      const logits = engine.tf.tidy(() => {
        const x = engine.tf.tensor5d(single.data, [1, ...roi, 1]);
        return model.forward(params, x, { training: false }).hps![0]!.dataSync<'float32'>();
      });
      alone.hps!.data.forEach((value, i) => {
        expect(value).to.be.closeTo(logits[i]!, 1e-5);
      });
    });
  });
}
