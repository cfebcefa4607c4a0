import { expect } from 'chai';

import { calibrationBins, expectedCalibrationError } from '../../src/models/index.ts';

/** Logits whose softmax is `shares` at each voxel. */
function volume(...shares: (readonly number[])[]): {
  data: Float32Array;
  shape: [number, number, number];
  channels: number;
} {
  const data = Float32Array.from(shares.flat().map((share) => Math.log(share)));
  return { data, shape: [1, 1, shares.length], channels: shares[0]?.length ?? 0 };
}

describe('calibration', () => {
  it('compares how often a label is right with how sure the model is of it', () => {
    // Four voxels called 1 with 0.75, three of them right: sure as it is right. One called 1 with 0.9, wrong.
    const sure = [0.25, 0.75];
    const logits = volume(sure, sure, sure, sure, [0.1, 0.9]);
    const bins = calibrationBins(logits, Uint8Array.of(1, 1, 1, 0, 0));
    expect(bins.counts).to.deep.equal([0, 0, 0, 0, 0, 0, 0, 4, 0, 1]);
    expect(bins.hits).to.deep.equal([0, 0, 0, 0, 0, 0, 0, 3, 0, 0]);
    // 4/5 · |3/4 − 3/4| + 1/5 · |0 − 0.9| = 0.18
    expect(expectedCalibrationError([bins])).to.be.closeTo(0.18, 1e-6);
  });

  it('looks at voxels that are or are said to be something, not at the background around', () => {
    const background = [0.99, 0.005, 0.005];
    // Missed with 0.6 for the background; found with 0.8 as class 2 and right.
    const logits = volume(background, [0.6, 0.3, 0.1], [0.1, 0.1, 0.8], background);
    const bins = calibrationBins(logits, Uint8Array.of(0, 1, 2, 0));
    expect(bins.counts.reduce((sum, count) => sum + count, 0)).to.equal(2);
    // (|0 − 0.6| + |1 − 0.8|) / 2 = 0.4
    expect(expectedCalibrationError([bins])).to.be.closeTo(0.4, 1e-6);
  });

  it('adds cases up before it compares: what one says too often another may say too rarely', () => {
    // Once right and once wrong, both with 0.55, in one bin: |1 − 1.1| / 2 = 0.05.
    const once = (truth: number): ReturnType<typeof calibrationBins> =>
      calibrationBins(volume([0.45, 0.55]), Uint8Array.of(truth));
    expect(expectedCalibrationError([once(1), once(0)])).to.be.closeTo(0.05, 1e-6);
  });

  it('keeps a certain voxel in the last bin, and says nothing of nothing', () => {
    const certain = calibrationBins(volume([0, 1]), Uint8Array.of(1));
    expect(certain.counts[9]).to.equal(1);
    expect(expectedCalibrationError([certain])).to.equal(0);
    expect(expectedCalibrationError([])).to.equal(null);
    expect(
      expectedCalibrationError([calibrationBins(volume([0.9, 0.1]), Uint8Array.of(0))]),
    ).to.equal(null);
  });
});
