/** The student that comes along: it is the one that its preset makes, its log says so, and `predict` takes it. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { readModelFolder } from '../../src/cli/files.ts';
import { loadPreset } from '../../src/config/index.ts';
import { loadPredict } from '../../src/cli/wiring.ts';
import { distanceBetween, type Vector3 } from '../../src/data/index.ts';
import { decodeStudent } from '../../src/distill/index.ts';
import { projectRoot } from '../project-root.ts';
import { runTyped } from './typed.ts';

const sample = join(projectRoot, 'config', 'sample');
const student = join(sample, 'student');

interface Point {
  readonly label: string;
  readonly position: Vector3;
}

/** Control points of a Slicer file in RAS; its positions are LPS. */
function pointsIn(file: string): Point[] {
  const { markups } = JSON.parse(readFileSync(file, 'utf8')) as {
    readonly markups: readonly [{ readonly controlPoints: readonly Point[] }];
  };
  return markups[0].controlPoints.map(({ label, position: [x, y, z] }) => ({
    label,
    position: [-x, -y, z],
  }));
}

describe('the student that comes along', () => {
  let folder: string;
  before(() => { folder = mkdtempSync(join(tmpdir(), 'annulus-sample-')); }); // prettier-ignore
  after(() => { rmSync(folder, { recursive: true }); }); // prettier-ignore

  it('was made by the preset chests as it stands in this repository', () => {
    const record = JSON.parse(readFileSync(join(student, 'record.json'), 'utf8')) as {
      readonly preset: string;
      readonly seed: number;
      readonly sealedDigest: string;
      readonly settings: unknown;
    };
    const model = JSON.parse(readFileSync(join(student, 'model', 'model.json'), 'utf8')) as {
      readonly digest: string;
    };
    const preset = readFileSync(join(projectRoot, 'config', 'chests.yaml'), 'utf8');
    const settings = loadPreset(preset, 'chests.yaml', []);
    expect(record).include({ preset: 'chests', seed: settings.seed, sealedDigest: model.digest });
    expect(record.settings).deep.equal(JSON.parse(JSON.stringify(settings)));
  });

  it('has a log that verifies, and is the last model that it seals', async () => {
    const { code, out } = await runTyped(['audit', 'verify', join(student, 'L1', 'log')]);
    expect(code, out).equal(0);
    const sealed = out.match(/^\d+ +student .*$/gm)?.at(-1) ?? '';
    const { digest } = decodeStudent(await readModelFolder(student));
    expect(sealed.endsWith(` ${digest}`), sealed).equal(true);
  });

  it('takes no more than 8 MB', () => {
    const files = readdirSync(student, { recursive: true, encoding: 'utf8' });
    const bytes = files.reduce((sum, name) => sum + statSync(join(student, name)).size, 0);
    expect(bytes).below(8_000_000);
  });

  it('answers about the CT that comes along before anything was trained, near its root', async () => {
    const output = join(folder, 'prediction');
    const input = join(sample, 'cardiac_ct_1.5mm.nii.gz');
    const args = ['predict', '--input', input, '--output', output];
    const { code, out, err } = await runTyped(args, { predict: loadPredict });
    expect(code, err).equal(0);
    expect(out).contain('the student that comes along');
    expect(out)
      .contain('points.mrk.json')
      .and.match(/^plausible/m);
    expect(existsSync(join(output, 'report.html'))).equal(true);
    // Landmarks of the CT are a machine's: they prove the place.
    const centre = pointsIn(join(sample, 'landmarks.mrk.json')).find(
      ({ label }) => label === 'aortic_annulus_centre',
    );
    const found = pointsIn(join(output, 'points.mrk.json'));
    expect(found.length).greaterThan(0);
    for (const { label, position } of found) {
      expect(distanceBetween(position, centre?.position ?? [NaN, NaN, NaN]), label).below(40);
    }
  });
});
