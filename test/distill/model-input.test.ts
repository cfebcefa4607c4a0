import { expect } from 'chai';

import { seededRandom } from '../../src/base/index.ts';
import { openEngine, type Engine } from '../../src/compute/index.ts';
import { DistillError, modelInput } from '../../src/distill/index.ts';
import { patchTensor, transformedInput } from '../../src/distill/model-input.ts';
import { drawTransform } from '../../src/distill/spatial-transform.ts';
import { tinySpec } from './training-cases.ts';

const conditioned = { ...tinySpec, inChannels: 2 };
const shape = [1, 1, 3] as const;

function codeOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    return (error as DistillError).code;
  }
  return 'nothing thrown';
}

describe('what a model sees', () => {
  const image = Float32Array.of(-1, 0.5, 2);
  const heart = Uint8Array.of(0, 7, 3);

  it('is the image alone, whether or not somebody segmented the heart', () => {
    for (const map of [heart, null]) {
      const { data, channels } = modelInput(tinySpec, image, shape, map);
      expect([data, channels]).deep.equal([image, 1]);
    }
  });

  it('is the image and the heart side by side where the model is conditioned on it', () => {
    const { data, channels } = modelInput(conditioned, image, shape, heart);
    // Seven structures: label n is n/7.
    expect([...data]).deep.equal([...Float32Array.of(-1, 0, 0.5, 1, 2, 3 / 7)]);
    expect(channels).equal(2);
  });

  describe('of a patch', () => {
    let engine: Engine;
    let tensorCount = 0;
    beforeEach(async () => {
      engine = await openEngine({ backend: 'cpu' });
      tensorCount = engine.memory().tensorCount;
    });
    afterEach(() => {
      engine.close();
    });

    it('is refused without the heart that the model needs', () => {
      expect(codeOf(() => modelInput(conditioned, image, shape, null))).equal('no_heart');
      const patch = { size: shape, image, labels: new Map<string, Int32Array>() };
      expect(codeOf(() => patchTensor(engine, conditioned, patch))).equal('no_heart');
      expect(engine.memory().tensorCount).equal(tensorCount);
    });

    it('is the same', () => {
      const patch = {
        ...{ size: shape, image, labels: new Map<string, Int32Array>() },
        heart: Float32Array.of(0, 1, 0.25),
      };
      const both = patchTensor(engine, conditioned, patch);
      const alone = patchTensor(engine, tinySpec, patch);
      expect(both.shape).deep.equal([1, 1, 1, 3, 2]);
      expect([...both.dataSync()]).deep.equal([-1, 0, 0.5, 1, 2, 0.25]);
      expect([...alone.dataSync()]).deep.equal([...image]);
      engine.tf.dispose([both, alone]);
      expect(engine.memory().tensorCount).equal(tensorCount);
    });
  });
});

describe('a rotated and scaled input', () => {
  const input = { data: Float32Array.of(0, 0, 10, 0.5, 40, 1), shape, channels: 2 };

  it('mixes intensities and moves labels', () => {
    // Places 0.2, 1 and 1.8 of 0, 10, 40; the nearest voxels are 0, 1 and 2.
    const closer = Float64Array.of(0.8, 0, 0, 0, 0.8, 0, 0, 0, 0.8);
    const { data, channels } = transformedInput(input, closer, -5);
    const wanted = [2, 0, 10, 0.5, 34, 1];
    expect(channels).equal(2);
    data.forEach((value, n) => expect(value, String(n)).closeTo(wanted[n]!, 1e-5));
  });

  it('has the darkest value and no heart beyond the volume', () => {
    const wider = Float64Array.of(2, 0, 0, 0, 2, 0, 0, 0, 2);
    expect([...transformedInput(input, wider, -5).data]).deep.equal([-5, 0, 10, 0.5, -5, 0]);
  });

  it('never holds a label that its source has not', () => {
    const random = seededRandom('labels');
    const heart = Uint8Array.from({ length: 216 }, () => (random.uniform() < 0.5 ? 0 : 7));
    const held = modelInput(conditioned, new Float32Array(216), [6, 6, 6], heart);
    for (let n = 0; n < 10; n++) {
      const matrix = drawTransform(random, { rotationDegMax: 30, scaleShareMax: 0.3 });
      const { data } = transformedInput(held, matrix, 0);
      const labels = new Set(data.filter((_, at) => at % 2 === 1));
      expect([...labels].sort(), `draw ${n}`).deep.equal([0, 1]);
    }
  });

  it('of one channel stays one', () => {
    const line = { data: Float32Array.of(0, 10, 40), shape, channels: 1 };
    const wider = Float64Array.of(2, 0, 0, 0, 2, 0, 0, 0, 2);
    expect(transformedInput(line, wider, -5)).deep.equal({
      ...{ data: Float32Array.of(-5, 10, -5), shape, channels: 1 },
    });
  });
});
