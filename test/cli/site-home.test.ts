/** The store of a home whose keys are sealed: `data import`, `list` and `fingerprint` with `--passphrase-file`. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { encodeNifti, voxelCount, type Shape3 } from '../../src/data/index.ts';
import { runTyped, type Told } from './typed.ts';

describe("a sealed home's store", function () {
  this.timeout(300_000);
  let folder = '';
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'annulus-site-home-'));
  });
  after(async () => rm(folder, { recursive: true }));

  const at = (name: string): string => join(folder, name);
  const data = (...args: string[]): Promise<Told> =>
    runTyped(['data', ...args, '--home', at('home')]);
  const right = (): string[] => ['--passphrase-file', at('right')];

  it('is written and hashed under the passphrase, and by nobody without it', async () => {
    await writeFile(at('right'), 'seven slow swans sat still\n', { mode: 0o600 });
    await writeFile(at('wrong'), 'seven slow swans stood up\n', { mode: 0o600 });
    const made = await runTyped([
      ...['init', '--id', 'L7', '--home', at('home'), '--labels', 'hps', ...right()],
      ...['--org-key', at('org.key'), '--no-org-passphrase', '--output', at('request')],
    ]);
    expect([made.code, made.err]).deep.equal([0, '']);
    const shape: Shape3 = [10, 12, 11];
    const affine = Float64Array.of(...[3, 0, 0, 0], ...[0, 3, 0, 0], ...[0, 0, 3, 0], ...[0, 0, 0, 1]); // prettier-ignore
    const voxels = Int16Array.from({ length: voxelCount(shape) }, (_, n) => n);
    await mkdir(at('source'));
    await writeFile(at('source/a.nii'), encodeNifti({ shape, affine, data: voxels }, { gzip: false })); // prettier-ignore

    for (const flags of [[], ['--passphrase-file', at('wrong')]]) {
      const refused = await data('import', at('source'), ...flags);
      expect(refused.code).equal(2);
      expect(refused.err).match(/passphrase/);
      expect(refused.err).not.contain('swans');
    }
    const taken = await data('import', at('source'), ...right());
    expect([taken.code, taken.err]).deep.equal([0, '']);

    const listed = await data('list', ...right());
    expect([listed.code, listed.err]).deep.equal([0, '']);
    expect(listed.out).contain('train/case-0001').and.contain('1 ready, 0 of them held out');
    // The list needs no key: nothing in it says which patients they are.
    expect((await data('list')).out).equal(listed.out);

    const hashed = await data('fingerprint', ...right());
    expect([hashed.code, hashed.err]).deep.equal([0, '']);
    expect(hashed.out).match(/fingerprint {2}[0-9a-f]{64}\n/);
    for (const flags of [[], ['--passphrase-file', at('wrong')]]) {
      const refused = await data('fingerprint', ...flags);
      expect(refused.code).equal(2);
      expect(refused.err).match(/passphrase/);
    }
    const gone = await data('fingerprint', '--passphrase-file', at('none'));
    expect(gone.code).equal(2);
    expect(gone.err).contain(at('none'));
  });
});
