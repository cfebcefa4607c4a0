import { expect } from 'chai';
import {
  phantomDefaults,
  readOwnCase,
  scannerDefaults,
  annotatorDefaults,
} from '../../src/data/index.ts';
import {
  phantomFiles,
  phantomOf,
  type MadePhantom,
  type PhantomHospital,
} from '../../src/distill/index.ts';

const hospital: PhantomHospital = {
  id: 'L1',
  cases: { hps: 2, ms: 1, calc: 1, unlabelled: 1, test: 1 },
  scanner: scannerDefaults,
  annotator: annotatorDefaults,
};
const making = {
  seed: 3,
  phantom: { ...phantomDefaults, shape: [32, 32, 32], spacingMm: [4.5, 4.5, 4.5] } as const,
};
const images = { spacingMm: [4.5, 4.5, 4.5] as const, pointRadiusMm: 7 };

function filesOf(made: MadePhantom, heart = false): Record<string, Uint8Array> {
  return Object.fromEntries(phantomFiles(made, heart));
}

describe('phantoms as files', () => {
  it('carry the files of the labels that the case has, under the names of an own folder', () => {
    const names = [0, 1, 2, 3].map((index) =>
      Object.keys(filesOf(phantomOf(hospital, index, making))),
    );
    expect(names).deep.equal([
      ['ct.nii.gz', 'hps.mrk.json', 'ms.mrk.json', 'calc.nii.gz'],
      ['ct.nii.gz', 'hps.mrk.json'],
      ['ct.nii.gz'],
      ['ct.nii.gz', 'hps.mrk.json', 'ms.mrk.json', 'calc.nii.gz'],
    ]);
    expect(phantomOf(hospital, 2, making).split).equal('train');
    expect(phantomOf(hospital, 3, making).split).equal('test');
    expect(Object.keys(filesOf(phantomOf(hospital, 2, making), true))).contains('heart.nii.gz');
  });

  it('are read back as the case that they are of: whole HU, points to a micron', () => {
    const made = phantomOf(hospital, 0, making);
    const files = filesOf(made, true);
    const { case: own } = readOwnCase(
      'L1-0000',
      {
        ...{ ct: files['ct.nii.gz']!, hps: files['hps.mrk.json']!, ms: files['ms.mrk.json']! },
        ...{ calc: files['calc.nii.gz']!, heart: files['heart.nii.gz']! },
      },
      images,
    );
    expect(own.image.shape).deep.equal([32, 32, 32]);
    const farthest = own.image.data.reduce(
      (most, hu, at) => Math.max(most, Math.abs(hu - made.image.data[at]!)),
      0,
    );
    expect(farthest).lessThanOrEqual(0.5);
    for (const [name, at] of Object.entries(made.annotation.points)) {
      const read = own.points?.[name as keyof typeof made.annotation.points] ?? null;
      if (at === null) expect(read, name).equal(null);
      else at.forEach((mm, axis) => expect(read![axis], name).closeTo(mm, 0.0006));
    }
    expect(own.labels.calc).deep.equal(made.annotation.calcium);
    expect(own.heart).deep.equal(made.truth.heart);
  });
});
