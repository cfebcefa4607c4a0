/** The series of ../shared/data: odd but valid ones, bad ones, and a real one of a Siemens scanner in JPEG 2000. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { decodeNifti, type DicomRule } from '../../../src/data/index.ts';
import { expectAffine, onlyVolume, readFolder, sharedData, sumOf } from './folders.ts';

interface Answer {
  readonly ok: boolean;
  /** Columns, rows, slices, as nibabel has them. */
  readonly shape: readonly number[];
  readonly affine: readonly number[];
  readonly sum: number;
  /** Of the first row of pixels. */
  readonly first: readonly number[];
}

const answers = JSON.parse(
  readFileSync(join(sharedData, 'odd', 'expected.json'), 'utf8'),
) as Record<string, Answer>;
const bad: Readonly<Record<string, readonly [DicomRule, RegExp]>> = {
  missing_slices: ['missing_slices', /between 6\.dcm and 9\.dcm.*3 missing of 20/],
  duplicate_slices: ['duplicate_slices', /dup3\.dcm/],
  one_slice_other_size: ['mixed_size', /^5\.dcm: Rows, Columns: expected 22 x 24 .* got 20 x 24/],
  modality_mr: ['not_ct', /^0\.dcm: Modality: expected CT, got MR/],
  no_pixel_data: ['no_pixels', /^0\.dcm: PixelData: expected the pixels/],
  truncated_file: ['file_cut_short', /^5\.dcm: /],
};

describe('DICOM series of shared/data', () => {
  for (const [path, answer] of Object.entries(answers)) {
    const [kind, name = ''] = path.split('/');
    const folder = join(sharedData, 'odd', path);
    if (kind === 'dicom_ok') {
      it(`gives ${name} with its shape, affine and values`, async () => {
        const volume = await onlyVolume(await readFolder(folder), name);
        expect([...volume.shape].reverse()).deep.equal(answer.shape);
        // The files have positions with 4 decimals, the answers more.
        expectAffine(volume.affine, answer.affine, 1e-4, name);
        expect(sumOf(volume)).equal(answer.sum);
        expect([...volume.data.subarray(0, 4)]).deep.equal(answer.first);
      });
    }
    if (kind === 'dicom_bad') {
      it(`refuses ${name} by its rule and names the file`, async () => {
        const { series, refused } = await readFolder(folder);
        expect(series).deep.equal([]);
        expect(refused.length).equal(1);
        const [rule, words] = bad[name]!;
        expect(refused[0]!.rule).equal(rule);
        expect(refused[0]!.message).match(words);
      });
    }
  }

  it('reads a series in JPEG 2000 whose names were emptied, and its label map lies on it', async () => {
    const reading = await readFolder(join(sharedData, 'dicom_ct', 'series'));
    expect(reading.series[0]?.seriesInstanceUid).equal(null);
    const ct = await onlyVolume(reading, 'series');
    expect(ct.shape).deep.equal([20, 512, 512]);
    // PixelSpacing 0.9765625; the lowest slice of ImagePositionPatient -249.51171875, -437.51171875; slices 2 mm apart, each 3 mm thick.
    expect(ct.affine[0]).equal(-0.9765625);
    expect([ct.affine[3], ct.affine[7], ct.affine[10]]).deep.equal([249.51171875, 437.51171875, 2]);
    const labels = decodeNifti(
      new Uint8Array(readFileSync(join(sharedData, 'dicom_ct', 'labels.nii.gz'))),
    ).volume;
    expect(labels.shape).deep.equal(ct.shape);
    // Its second axis runs the other way: j becomes 511 - j.
    const [, dy, , y] = labels.affine.subarray(4, 8);
    expectAffine(
      ct.affine,
      [
        ...labels.affine.subarray(0, 4),
        0,
        -dy!,
        0,
        y! + 511 * dy!,
        ...labels.affine.subarray(8, 16),
      ],
      0.01,
      'labels',
    );
  }).timeout(120_000);
});
