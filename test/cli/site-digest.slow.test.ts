/** A phantom hospital as DICOM and Slicer files, imported through the command, trains to what the same phantoms give directly. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { loadMainJob } from '../../src/cli/wiring.ts';
import { encodeNifti, pointNames, tasks } from '../../src/data/index.ts';
import { caseCount, phantomOf } from '../../src/distill/index.ts';
import type { RunRecord } from '../../src/report/index.ts';
import { dicomCt } from '../data/dicom-ct.ts';
import { tinyPreset, tinySettings } from '../experiment/paper/tiny-preset.ts';
import { runTyped } from './typed.ts';

const canary = 'Mustermann^Erika';

async function annulus(...args: string[]): Promise<string> {
  const { code, out, err } = await runTyped(args, { mainJob: loadMainJob });
  expect(code, `${args.join(' ')}: ${out}${err}`).equal(0);
  return out;
}

describe('a phantom hospital as DICOM and Slicer files', function () {
  this.timeout(600_000);
  let folder = '';
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'annulus-site-digest-'));
  });
  after(async () => rm(folder, { recursive: true }));

  const write = async (name: string, bytes: Uint8Array | string): Promise<void> => {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), bytes);
  };

  it('trains to the same digest as the phantoms fed directly', async () => {
    const settings = tinySettings();
    const [hospital] = settings.consortium.hospitals;
    if (hospital === undefined) throw new Error('a preset has hospitals');
    for (let index = 0; index < caseCount(hospital); index++) {
      const made = phantomOf(hospital, index, settings);
      const at = `pacs/${made.split}/${canary} ${index}`;
      const uid = `1.2.826.0.1.3680043.10.${index + 1}`;
      for (const [n, bytes] of dicomCt(made.image, { uid, patient: canary }).entries()) {
        await write(`${at}/DICOM/IM${String((n * 7) % 100).padStart(4, '0')}`, bytes);
      }
      const wanted = made.labelled.flatMap((task) => tasks[task].labels);
      const rows = pointNames.flatMap((name) => {
        const place = made.annotation.points[name];
        if (place === null || !wanted.includes(name)) return [];
        const [x, y, z] = place;
        return [`1,${-x},${-y},${z},0,0,0,1,1,1,0,hinge ${name},,`];
      });
      const head = '# Markups fiducial file version = 4.11\n# CoordinateSystem = LPS\n';
      if (rows.length > 0) await write(`${at}/F.fcsv`, `${head}${rows.join('\n')}\n`);
      if (made.labelled.includes('calc')) {
        const { shape, affine } = made.image;
        const map = encodeNifti({ shape, affine, data: made.annotation.calcium });
        await write(`${at}/calc.nii.gz`, map);
      }
    }
    const store = join(folder, 'store');
    const names = pointNames.flatMap((name) => ['--name', `hinge ${name} = ${name}`]);
    const flags = ['--keep-implausible', '--into', store];
    await annulus('data', 'import', join(folder, 'pacs'), ...flags, ...names);
    const entries = await readdir(store, { recursive: true, withFileTypes: true });
    for (const entry of entries.filter((one) => one.isFile())) {
      const bytes = await readFile(join(entry.parentPath, entry.name));
      for (const secret of ['Mustermann', '1.2.826']) {
        expect(bytes.includes(secret), `${entry.name}: ${secret}`).equal(false);
      }
    }
    const digestOf = async (name: string, preset: string): Promise<string | null> => {
      await write(`${name}.yaml`, preset);
      await annulus('simulate', join(folder, `${name}.yaml`), '--out', join(folder, name));
      const record = await readFile(join(folder, name, 'record.json'), 'utf8');
      return (JSON.parse(record) as RunRecord).sealedDigest;
    };
    const counts = 'cases: { hps: 2, ms: 2, calc: 2, test: 2 }';
    expect(tinyPreset).contain(counts);
    const direct = await digestOf('direct', tinyPreset);
    expect(direct).match(/^[0-9a-f]{64}$/);
    expect(await digestOf('imported', tinyPreset.replace(counts, 'folder: store'))).equal(direct);
  });
});
