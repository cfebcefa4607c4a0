/** Sliding windows against MONAI's own. */
import { expect } from 'chai';

import {
  argmaxLabels,
  ModelsError,
  slidingWindow,
  windowStarts,
  type ChannelVolume,
  type SlidingWindowOptions,
  type Triple,
} from '../../src/models/index.ts';
import { maxAbsDifference, readOracle } from './oracle.ts';

/** The oracle's predictor: z = (w - mean)/(deviation + 1e-5) per window; channels z, z², tanh z. */
function oraclePredictor(windows: Float32Array, count: number): Record<string, Float32Array> {
  const voxels = windows.length / count;
  const out = new Float32Array(windows.length * 3);
  for (let i = 0; i < count; i++) {
    const window = windows.subarray(i * voxels, (i + 1) * voxels);
    const mean = window.reduce((sum, value) => sum + value, 0) / voxels;
    const variance = window.reduce((sum, value) => sum + (value - mean) ** 2, 0) / voxels;
    window.forEach((value, voxel) => {
      const z = (value - mean) / (Math.sqrt(variance) + 1e-5);
      out.set([z, z * z, Math.tanh(z)], (i * voxels + voxel) * 3);
    });
  }
  return { y: out };
}

function readTriple(text: string): Triple {
  return JSON.parse(text.replace('(', '[').replace(')', ']')) as [number, number, number];
}

describe('sliding windows', () => {
  for (const file of ['slide_a', 'slide_b']) {
    for (const batch of [1, 3]) {
      it(`blend ${file} as MONAI, ${batch} at a time`, async () => {
        const oracle = readOracle(file);
        const [, , d, h, w] = oracle.shape('x') as [number, number, number, number, number];
        const volume = { data: oracle.data('x'), shape: [d, h, w], channels: 1 } as const;
        const { y } = await slidingWindow(oraclePredictor, volume, {
          roi: readTriple(oracle.metadata.roi!),
          overlap: Number(oracle.metadata.overlap),
          mode: oracle.metadata.mode as 'constant' | 'gaussian',
          batch,
        });
        // [3, d, h, w] → [d, h, w, 3]
        const voxels = d * h * w;
        const expected = Float32Array.from(
          { length: voxels * 3 },
          (_, i) => oracle.data('y')[(i % 3) * voxels + Math.floor(i / 3)]!,
        );
        expect(maxAbsDifference(y!.data, expected)).to.be.at.most(1e-4);
      });
    }
  }

  it('give every output and channel of the predictor back, whatever the padding', async () => {
    // The identity on two channels and their sum on one: blending equal values changes nothing.
    const shape: Triple = [3, 9, 6];
    const data = Float32Array.from({ length: 3 * 9 * 6 * 2 }, (_, i) => Math.sin(i));
    const identity = (windows: Float32Array): Record<string, Float32Array> => ({
      same: windows.slice(),
      sum: windows.filter((_, i) => i % 2 === 0).map((v, i) => v + windows[2 * i + 1]!),
    });
    for (const mode of ['constant', 'gaussian'] as const) {
      const outputs = await slidingWindow(
        identity,
        { data, shape, channels: 2 },
        { roi: [4, 4, 6], overlap: 0.3, mode, batch: 2 },
      );
      expect(outputs.same!.channels, mode).to.equal(2);
      expect(outputs.sum!.channels, mode).to.equal(1);
      expect(maxAbsDifference(outputs.same!.data, data), mode).to.be.below(1e-6);
    }
  });

  it('start where MONAI starts them', () => {
    // Length 30, window 16, overlap 0.5: steps of 8, the last moved back to 14.
    const starts = windowStarts([30, 16, 5], [16, 16, 5], 0.5);
    expect(starts).to.deep.equal([
      [0, 0, 0],
      [8, 0, 0],
      [14, 0, 0],
    ]);
  });

  it('tell how far they are', async () => {
    const told: [number, number][] = [];
    const volume: ChannelVolume = { data: new Float32Array(40), shape: [10, 2, 2], channels: 1 };
    await slidingWindow((windows) => ({ y: windows.slice() }), volume, {
      roi: [4, 2, 2],
      overlap: 0,
      mode: 'constant',
      batch: 2,
      onProgress: (done, total) => told.push([done, total]),
    });
    expect(told).to.deep.equal([
      [2, 3],
      [3, 3],
    ]);
  });

  it('refuse an impossible overlap, window or batch', async () => {
    const volume: ChannelVolume = { data: new Float32Array(8), shape: [2, 2, 2], channels: 1 };
    const good: SlidingWindowOptions = { roi: [2, 2, 2], overlap: 0, mode: 'constant' };
    const predict = (windows: Float32Array): Record<string, Float32Array> => ({ y: windows });
    for (const wrong of [
      { overlap: 1 },
      { overlap: -0.1 },
      { overlap: NaN },
      { roi: [2, 0, 2] as const },
      { roi: [2, 1.5, 2] as const },
      { batch: 0 },
    ]) {
      const caught: unknown = await slidingWindow(predict, volume, { ...good, ...wrong }).then(
        () => null,
        (error: unknown) => error,
      );
      expect(caught, JSON.stringify(wrong)).to.be.instanceOf(ModelsError);
      expect((caught as ModelsError).code, JSON.stringify(wrong)).to.equal('bad_window');
    }
  });
});

describe('the label map of logits', () => {
  it('takes the largest channel and the first of equals', () => {
    const data = Float32Array.of(0, 2, 1, 3, 3, 1, -1, -2, -0.5);
    const labels = argmaxLabels({ data, shape: [1, 1, 3], channels: 3 });
    expect([...labels]).to.deep.equal([1, 0, 2]);
  });
});
