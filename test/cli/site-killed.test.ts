/** An import that is killed in its midst, more than once: the same command ends with the same folder as if nothing had been. */
import { spawnSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { encodeNifti, voxelCount, type Shape3 } from '../../src/data/index.ts';
import { runTyped } from './typed.ts';

// Beside this file, built or not.
const program = fileURLToPath(import.meta.url.replace('site-killed.test.', 'killed-import.'));
/** More than are begun between two notes of what is done. */
const caseTotal = 20;

describe('an import that is killed', function () {
  this.timeout(300_000);
  let folder = '';
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'annulus-killed-'));
  });
  after(async () => rm(folder, { recursive: true }));

  const at = (name: string): string => join(folder, name);

  async function everything(path: string): Promise<[string, string][]> {
    const entries = await readdir(path, { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile());
    const all = files.map(async ({ parentPath, name }): Promise<[string, string]> => {
      const file = join(parentPath, name);
      return [file.slice(path.length), (await readFile(file)).toString('base64')];
    });
    return (await Promise.all(all)).sort(([a], [b]) => (a < b ? -1 : 1));
  }

  it('goes on, and ends with the same folder, byte for byte', async () => {
    const shape: Shape3 = [10, 12, 11];
    const affine = Float64Array.of(...[3, 0, 0, 0], ...[0, 3, 0, 0], ...[0, 0, 3, 0], ...[0, 0, 0, 1]); // prettier-ignore
    await mkdir(at('source'));
    for (let n = 0; n < caseTotal; n++) {
      const data = Int16Array.from({ length: voxelCount(shape) }, (_, voxel) => voxel + n);
      const name = `source/${String(n).padStart(2, '0')}.nii`;
      await writeFile(at(name), encodeNifti({ shape, affine, data }, { gzip: false }));
    }
    const importInto = (store: string): readonly string[] =>
      ['data', 'import', at('source'), '--into', at(store), '--workers', '2']; // prettier-ignore
    const { code, err } = await runTyped(importInto('whole'));
    expect([code, err]).deep.equal([0, '']);
    // The same key, so that hashes are the same as well.
    await mkdir(at('cut/.annulus'), { recursive: true });
    await cp(at('whole/.annulus/site.key'), at('cut/.annulus/site.key'));
    for (const count of [2, 17]) {
      const args = [...process.execArgv, program, String(count), ...importInto('cut')];
      const { signal, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
      expect(signal, stderr).equal('SIGKILL');
      const index = await readFile(at('cut/.annulus/cases.json'), 'utf8');
      expect(index, `killed after ${count} cases`).contain('"due"');
    }
    const again = await runTyped(importInto('cut'));
    expect([again.code, again.err]).deep.equal([0, '']);
    const [whole, cut] = [await everything(at('whole')), await everything(at('cut'))];
    expect(cut.map(([name]) => name)).deep.equal(whole.map(([name]) => name));
    expect(cut).deep.equal(whole);
    expect(whole.filter(([name]) => name.endsWith('ct.nii'))).length(caseTotal);
  });
});
