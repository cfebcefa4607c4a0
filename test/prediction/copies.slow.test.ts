/** A student that was really trained, on copies of the sample CT that differ in every way a file can: one answer in the patient. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import {
  decodeMarkups,
  decodeNifti,
  encodeNifti,
  resample,
  type Markup,
} from '../../src/data/index.ts';
import { turned } from '../data/volume/orientations.ts';
import { projectRoot } from '../project-root.ts';

describe('a trained student on copies of the sample CT', function () {
  this.timeout(1_800_000);
  const folder = mkdtempSync(join(tmpdir(), 'annulus-copies-'));
  after(() => {
    rmSync(folder, { recursive: true });
  });

  it('finds each point within one voxel of its own grid of where it finds it in the original', () => {
    annulus(['simulate', 'smoke', '--out', join(folder, 'run')]);
    const sample = join(projectRoot, 'config', 'sample', 'cardiac_ct_1.5mm.nii.gz');
    const original = found(sample, 'original');
    expect(original.length).above(0);
    const ct = decodeNifti(readFileSync(sample)).volume;
    const permuted = turned(ct, { from: [1, 2, 0], flip: [true, true, false] });
    const copy = join(folder, 'copy.nii');
    writeFileSync(copy, encodeNifti(resample(permuted, [1.2, 1.4, 1.3], 'smooth')));
    const again = found(copy, 'copy');
    const { spacingMm } = JSON.parse(
      readFileSync(join(folder, 'run', 'model', 'model.json'), 'utf8'),
    ) as { readonly spacingMm: readonly number[] };
    expect(again.map(({ label }) => label)).deep.equal(original.map(({ label }) => label));
    again.forEach(({ label, position }, n) => {
      const there = original[n]?.position ?? [NaN, NaN, NaN];
      const mm = Math.hypot(...position.map((part, axis) => part - (there[axis] ?? NaN)));
      expect(mm, `${label}, mm`).below(Math.min(...spacingMm));
    });
  });

  function found(ct: string, name: string): Markup[] {
    const output = join(folder, name);
    annulus(['predict', '--model', join(folder, 'run'), '--input', ct, '--output', output]);
    return decodeMarkups(readFileSync(join(output, 'points.mrk.json')));
  }

  function annulus(args: readonly string[]): void {
    const program = join(projectRoot, 'bin', 'annulus.js');
    const done = spawnSync(process.execPath, [program, ...args], { encoding: 'utf8' });
    expect(done.status, done.stderr).equal(0);
  }
});
