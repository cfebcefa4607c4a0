/** The student that comes along: it is the one that its preset makes, its log says so, and `predict` takes it. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { readModelFolder } from '../../src/cli/files.ts';
import { loadPreset } from '../../src/config/index.ts';
import { loadPredict } from '../../src/cli/wiring.ts';
import { distanceBetween, pointNames, readCt, type Vector3 } from '../../src/data/index.ts';
import { decodeStudent, predictCt } from '../../src/distill/index.ts';
import { unitVector } from '../../src/data/volume/vector.ts';
import { imageMiddle, turnBack, turned } from '../../bench/real/variations.ts';
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

  describe('asked about the CT that comes along, before anything was trained', () => {
    const input = join(sample, 'cardiac_ct_1.5mm.nii.gz');
    let output: string;
    let answer: Awaited<ReturnType<typeof runTyped>>;
    before(async () => {
      output = join(folder, 'prediction');
      answer = await runTyped(['predict', '--input', input, '--output', output], {
        predict: loadPredict,
      });
    });

    it('answers with points near its root', () => {
      const { code, out, err } = answer;
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
      for (const { label, position } of pointsIn(join(output, 'points.mrk.json'))) {
        expect(distanceBetween(position, centre?.position ?? [NaN, NaN, NaN]), label).below(40);
      }
    });

    it('finds all points, and the same ones where the patient lies turned', async () => {
      const found = new Map(
        pointsIn(join(output, 'points.mrk.json')).map(({ label, position }) => [label, position]),
      );
      const ct = readCt(readFileSync(input)).volume;
      const axis = unitVector([-0.17, -0.48, 0.86]);
      const turn = { centre: imageMiddle(ct), axis, angleRad: (16 * Math.PI) / 180 };
      const { points } = await predictCt(
        decodeStudent(await readModelFolder(student)),
        turned(ct, turn),
        { engine: { backend: 'auto', threads: 2 }, onProgress: () => undefined },
      );
      expect(points.map(({ label }) => label)).members(pointNames);
      for (const { label, position } of points) {
        const straight = found.get(label) ?? [NaN, NaN, NaN];
        expect(distanceBetween(turnBack(turn, position), straight), label).below(3);
      }
    });
  });
});
