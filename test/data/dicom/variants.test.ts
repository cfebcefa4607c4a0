/** One volume as other programs write it: pydicom, DCMTK, GDCM. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { expectAffine, onlyVolume, readFolder, sumOf } from './folders.ts';
import { projectRoot } from '../../project-root.ts';

interface Answer {
  readonly shape: readonly number[];
  readonly affine: readonly number[];
  readonly sum: number;
  /** Depth, height, width, value. */
  readonly voxels: readonly (readonly [number, number, number, number])[];
}

describe('DICOM of other programs', () => {
  let folder = '';
  before(function () {
    this.timeout(300_000);
    folder = mkdtempSync(join(tmpdir(), 'annulus-dicom-'));
    const script = join(projectRoot, 'test', 'data', 'dicom', 'variants.py');
    execFileSync('/usr/bin/python3', ['-W', 'ignore', script, folder]);
  });
  after(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  it('gives the same volume in every encoding', async () => {
    const answers = JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8')) as Record<
      string,
      Answer
    >;
    expect(Object.keys(answers).length).greaterThan(28);
    for (const [name, answer] of Object.entries(answers)) {
      const reading = await readFolder(join(folder, name));
      const volume = await onlyVolume(reading, name);
      expect(volume.shape, name).deep.equal(answer.shape);
      // Of `rounded`, positions are off by 0.001 mm.
      expectAffine(volume.affine, answer.affine, 1.1e-3, name);
      expect(sumOf(volume), name).equal(answer.sum);
      const [, height, width] = volume.shape;
      for (const [k, j, i, value] of answer.voxels) {
        expect(volume.data[(k * height + j) * width + i], `${name} ${k} ${j} ${i}`).equal(value);
      }
      expect(reading.series[0]!.slices.length, name).equal(answer.shape[0]);
    }
  }).timeout(300_000);

  it('carries names over in their character set, and keeps them out of notes', async () => {
    const [one] = (await readFolder(join(folder, 'japanese'))).series;
    expect(one?.carried.PatientName).equal('Yamada^Tarou=山田^太郎=やまだ^たろう');
    expect(one?.carried.PatientID).equal('SECRET42');
    const { carried, ...rest } = one!;
    expect(carried.PatientID).not.equal('');
    expect(JSON.stringify(rest)).not.match(/Yamada|SECRET42/);
  });

  it('says that slices are sheared, and that overlay bits were left out', async () => {
    const tilted = (await readFolder(join(folder, 'tilted'))).series[0]!;
    expect(tilted.notes.join()).match(/sheared by 20\.0 degrees/);
    const { notes } = await (await readFolder(join(folder, 'overlay-bits'))).series[0]!.readCt();
    expect(notes.join()).match(/5760 of 17280 voxels have bits set/);
  });
});
