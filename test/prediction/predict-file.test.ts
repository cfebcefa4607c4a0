/** A prediction of a model that is conditioned on the heart, from files to files. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';

import { AnnulusError } from '../../src/base/index.ts';
import { encodeNifti, rasAffine, type Vector3 } from '../../src/data/index.ts';
import { encodeStudent, intensityDefaults } from '../../src/distill/index.ts';
import {
  predictFile,
  type NamedFile,
  type PredictRequest,
  type PredictResult,
} from '../../src/prediction/index.ts';
import type { UNetSpec } from '../../src/models/index.ts';
import { projectRoot } from '../project-root.ts';
import { tinySize, tinySpec, tinyWeights } from '../distill/training-cases.ts';

const spacingMm: Vector3 = [3, 3, 3];

function modelOf(spec: UNetSpec): Map<string, Uint8Array> {
  const parts = { spec, weights: tinyWeights(spec), intensity: intensityDefaults };
  return encodeStudent({ ...parts, spacingMm, window: tinySize });
}

/** A file of 8 x 8 x 8 voxels, the first at `corner`. */
function fileOf(data: Uint8Array, corner: Vector3 = [0, 0, 0]): Uint8Array {
  return encodeNifti({ shape: tinySize, affine: rasAffine(spacingMm, corner), data });
}

describe('a prediction with a segmentation of the heart', () => {
  const conditioned = modelOf({ ...tinySpec, inChannels: 2 });
  const ctOf = (bytes: Uint8Array): NamedFile => ({ name: 'ct.nii', bytes });
  const heart = { bytes: fileOf(new Uint8Array(512).fill(7)), name: 'heart.nii' };
  const notes: string[] = [];
  const predict = (changes: Partial<PredictRequest>): Promise<PredictResult> => {
    notes.length = 0;
    return predictFile({
      ...{ model: conditioned, image: ctOf(fileOf(new Uint8Array(512))), heart },
      ...{ engine: { backend: 'wasm' }, onProgress: () => undefined },
      made: { date: '20260102', time: '030405', version: '0.0.0' },
      onNote: (text) => notes.push(text),
      ...changes,
    });
  };

  it('writes what it writes of any model', async () => {
    const { files, warning } = await predict({});
    expect([...files.keys()]).deep.equal(['labels.nii.gz', 'labels.json', 'points.mrk.json', 'calc.nii.gz', 'measures.json', 'measures.csv', 'report.html']); // prettier-ignore
    expect(notes).deep.equal([]);
    expect(warning.join()).contain('every voxel is 0');
  });

  it('says what there is to say of the CT, and reads it as it is told', async () => {
    const tried = (name: string): Uint8Array =>
      new Uint8Array(readFileSync(join(projectRoot, '..', 'shared', 'tried', name)));
    const model = modelOf(tinySpec);
    const of = (name: string): Partial<PredictRequest> => ({
      ...{ model, image: ctOf(tried(name)), heart: null },
    });
    await predict(of('sq_disagree.nii.gz'));
    // 6i - 60 mm at i = 23, see test/data/own/tried.test.ts.
    expect(notes.join()).match(/^ct\.nii: sform and qform place the image up to 78\.0 mm apart/);
    const { warning } = await predict(of('u16_noint.nii.gz'));
    expect(warning.join()).match(/no lung .*was an intercept of -1024 lost/);
    const open = of('dead-end-questions/nocodes.nii.gz');
    let refusal: unknown;
    await predict(open).catch((error: unknown) => (refusal = error));
    expect((refusal as Error).message)
      .contain('ct.nii: ')
      .and.contain('axes');
    const { files } = await predict({ ...open, reading: { axes: 'LAS' } });
    expect(files.size).equal(7);
  });

  const table: readonly (readonly [string, Partial<PredictRequest>, string, string | null])[] = [
    [
      'no segmentation',
      { heart: null },
      'this model needs a segmentation of the heart too',
      'heart_missing',
    ],
    [
      'a model that does not see one',
      { model: modelOf(tinySpec) },
      'this model does not see a segmentation of the heart: leave it out',
      'heart_unused',
    ],
    [
      'a file of another kind',
      { heart: { ...heart, bytes: new Uint8Array(9) } },
      'heart.nii: ',
      null,
    ],
    [
      'a segmentation of another place',
      { heart: { ...heart, bytes: fileOf(new Uint8Array(512), [1, 0, 0]) } },
      "on the CT's grid of 8 x 8 x 8 voxels, got another place",
      'bad_heart',
    ],
    [
      'labels of another program',
      { heart: { ...heart, bytes: fileOf(new Uint8Array(512).fill(8)) } },
      'labels from 0 to 7, got 8',
      'bad_heart',
    ],
  ];
  for (const [what, changes, words, code] of table) {
    it(`is refused in one line with ${what}`, async () => {
      let refusal: unknown;
      await predict(changes).catch((error: unknown) => (refusal = error));
      expect(refusal).instanceOf(AnnulusError);
      const { code: got, message } = refusal as AnnulusError;
      expect(message).contain(words).and.not.match(/\n/);
      if (code !== null) expect(got).equal(code);
    });
  }
});
