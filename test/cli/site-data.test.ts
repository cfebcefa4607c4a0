/** A site's data through the command: checked, imported, again, hashed, listed, shown. */
import { mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { seededRandom } from '../../src/base/index.ts';
import { loadMainJob, loadReproduce } from '../../src/cli/wiring.ts';
import {
  decodeNifti,
  encodeMarkups,
  encodeNifti,
  makePhantom,
  phantomDefaults,
  pointNames,
  type Volume,
} from '../../src/data/index.ts';
import { projectRoot } from '../project-root.ts';
import { runTyped, type Told } from './typed.ts';

/** A name that must not leave the source. */
const canary = 'Mustermann-1949';
const odd = join(projectRoot, '..', 'shared', 'data', 'odd');

interface Document {
  readonly ok: boolean;
  readonly ready: number;
  readonly quarantined: number;
  readonly ask: number;
  readonly new: number;
  readonly changed: number;
  readonly same: number;
  readonly fingerprint: string;
  readonly cases: readonly {
    readonly name: string;
    readonly stored: string | null;
    readonly outcome: string;
    readonly state: string;
    readonly problem: { readonly rule: string; readonly fix: string } | null;
    readonly shape: readonly number[] | null;
    readonly affine: readonly number[] | null;
    readonly hu: { readonly sum: number } | null;
  }[];
}

const annulus = (...args: string[]): Promise<Told> =>
  runTyped(args, { mainJob: loadMainJob, reproduce: loadReproduce });

async function json(...args: string[]): Promise<Document & { readonly code: number }> {
  const { code, out, err } = await annulus(...args, '--format', 'json');
  expect(err, args.join(' ')).equal('');
  return { ...(JSON.parse(out) as Document), code };
}

const { image, truth } = makePhantom(seededRandom('site data'), {
  ...phantomDefaults,
  ...{ shape: [30, 32, 34], spacingMm: [4, 4, 4], calciumShare: 1, poseSpread: 0.5 },
});

/** The phantom with another value in its first voxel: another patient, as far as hashes go. */
function patient(n: number): Volume {
  const data = image.data.slice();
  data[0] = n;
  return { ...image, data };
}

const points = (change: Partial<Record<string, string>> = {}): Uint8Array =>
  encodeMarkups(
    pointNames.map((label) => ({ label: change[label] ?? label, position: truth.points[label] })),
  );

describe("a site's data", function () {
  this.timeout(300_000);
  let folder = '';
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'annulus-site-'));
  });
  after(async () => rm(folder, { recursive: true }));

  const write = async (name: string, bytes: Uint8Array | string): Promise<void> => {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), bytes);
  };
  const at = (name: string): string => join(folder, name);

  async function putCase(name: string, n: number): Promise<void> {
    const file = encodeNifti({ ...patient(n), data: Int16Array.from(patient(n).data) });
    await write(`${name}/${canary}.nii.gz`, file);
    await write(`${name}/F.mrk.json`, points());
  }

  /** Everything below a folder, as text and as it is. */
  async function everything(path: string): Promise<{ name: string; bytes: Buffer }[]> {
    const entries = await readdir(path, { recursive: true, withFileTypes: true });
    return Promise.all(
      entries
        .filter((entry) => entry.isFile())
        .map(async ({ parentPath, name }) => {
          const file = join(parentPath, name);
          return { name: file, bytes: await readFile(file) };
        }),
    );
  }

  it('of 100 cases with 5 bad ones becomes 95 ready and 5 quarantined, and a second import does nothing', async () => {
    for (let n = 0; n < 100; n++) await putCase(`many/${canary}-${String(n).padStart(3, '0')}`, n);
    const bad = (n: number, file: string): string =>
      `many/${canary}-${String(n).padStart(3, '0')}/${file}`;
    await write(bad(7, `${canary}.nii.gz`), 'no CT');
    await write(bad(20, 'F.mrk.json'), points({ RCC: 'hinge 1' }));
    await rm(at(bad(40, `${canary}.nii.gz`)));
    await write(bad(60, 'label.nrrd'), 'NRRD0004');
    await write(bad(99, 'second.nii.gz'), encodeNifti(image));
    const first = await json('data', 'import', at('many'), '--into', at('store'));
    expect(first).include({ code: 1, ready: 95, quarantined: 5, ask: 0, new: 95, same: 0 });
    const waiting = first.cases.filter(({ state }) => state !== 'ready');
    expect(waiting.map(({ name, problem }) => [name.slice(-3), problem?.rule])).deep.equal([
      ['007', 'not_recognised'],
      ['020', 'unknown_name'],
      ['040', 'no_ct'],
      ['060', 'unknown_file'],
      ['099', 'several_cts'],
    ]);
    for (const { problem } of waiting) expect(problem?.fix).not.equal('');
    expect((await readdir(at('store/train'))).sort()).length(95);
    const before = await everything(at('store'));
    const times = await Promise.all(before.map(async ({ name }) => (await stat(name)).mtimeMs));
    const second = await json('data', 'import', at('many'), '--into', at('store'));
    expect(second).include({ code: 1, ready: 95, quarantined: 5, new: 0, changed: 0, same: 95 });
    const after = await everything(at('store'));
    expect(after).deep.equal(before);
    expect(await Promise.all(after.map(async ({ name }) => (await stat(name)).mtimeMs))).deep.equal(times); // prettier-ignore
    const text = await annulus('data', 'import', at('many'), '--into', at('store'));
    expect(text.out).contain('nothing new: 95 as before').and.contain('unknown_name');
    // Nothing of the source's names is in the store, and others may read none of it.
    for (const { name, bytes } of after) {
      expect(name).not.contain(canary);
      expect(bytes.includes(canary), name).equal(false);
      expect((await stat(name)).mode & 0o077, name).equal(0);
    }
  });

  it('is mended case by case: the others are left alone', async () => {
    const broken = `many/${canary}-020/F.mrk.json`;
    await write(broken, points());
    const mended = await json('data', 'import', at('many'), '--into', at('store'));
    expect(mended).include({ code: 1, ready: 96, quarantined: 4, new: 1, same: 95 });
    const one = mended.cases.find(({ name }) => name.endsWith('020'));
    // Its number was kept for it.
    expect(one).include({ stored: 'train/case-0021', outcome: 'new' });
    const listed = await annulus('data', 'list', '--into', at('store'));
    expect(listed).include({ code: 0, err: '' });
    expect(listed.out).contain('train/case-0021').and.contain('96 ready');
    expect(listed.out).not.contain(canary);
  });

  it('goes on after a crash in the midst of an import', async () => {
    for (let n = 0; n < 4; n++) await putCase(`crash/c${n}`, 1000 + n);
    await json('data', 'import', at('crash'), '--into', at('whole'));
    await json('data', 'import', at('crash'), '--into', at('cut'));
    // As SIGKILL leaves it: numbers given, two cases not yet in place, one half written.
    const index = JSON.parse(await readFile(at('cut/.annulus/cases.json'), 'utf8')) as {
      cases: object[];
    };
    const due = { state: 'due', study: null, content: null, labels: [] };
    const cases = index.cases.map((one, n) => (n < 2 ? one : { ...one, ...due }));
    await write('cut/.annulus/cases.json', JSON.stringify({ ...index, cases }));
    await rm(at('cut/train/case-0003'), { recursive: true });
    await write('cut/train/.case-0004.new/ct.nii', 'half');
    const again = await json('data', 'import', at('crash'), '--into', at('cut'));
    expect(again).include({ code: 0, ready: 4, new: 2, same: 2 });
    const bytesOf = async (store: string): Promise<Buffer[]> =>
      Promise.all([1, 2, 3, 4].map((n) => readFile(at(`${store}/train/case-000${n}/ct.nii`))));
    expect(await bytesOf('cut')).deep.equal(await bytesOf('whole'));
    expect(await readdir(at('cut/train'))).length(4);
  });

  it('has a fingerprint that no second import changes, and every voxel and label does', async () => {
    const of = async (): Promise<string> =>
      (await json('data', 'fingerprint', '--into', at('whole'))).fingerprint;
    const first = await of();
    expect(first).match(/^[0-9a-f]{64}$/);
    const name = join(folder, 'crash/c1/F.mrk.json');
    await utimes(name, 1, 1);
    expect(await json('data', 'import', at('crash'), '--into', at('whole'))).include({ same: 4 });
    expect(await of()).equal(first);
    await write('crash/c1/F.mrk.json', points({ MS2: 'STJ' }));
    const relabelled = await json('data', 'import', at('crash'), '--into', at('whole'));
    expect(relabelled).include({ changed: 1, same: 3 });
    const second = await of();
    expect(second).not.equal(first);
    await putCase('crash/c1', 1001);
    await json('data', 'import', at('crash'), '--into', at('whole'));
    expect(await of()).equal(first);
    const kept = at('whole/train/case-0002/ct.nii');
    const bytes = await readFile(kept);
    bytes[bytes.length - 2] = (bytes.at(-2) ?? 0) ^ 1;
    await writeFile(kept, bytes);
    const told = await annulus('data', 'fingerprint', '--into', at('whole'));
    expect(told.code).equal(1);
    expect(told.out).contain('CHANGED      train/case-0002');
  });

  it('of one study twice is taken once', async () => {
    await putCase('twice/train/a', 1);
    await putCase('twice/test/b', 1);
    const { cases } = await json('data', 'import', at('twice'), '--into', at('once'));
    expect(cases.map(({ name, outcome, problem }) => [name, outcome, problem?.rule])).deep.equal([
      ['train/a', 'new', undefined],
      ['test/b', 'quarantined', 'same_study'],
    ]);
    // The same files on a disk that is mounted elsewhere are the same cases.
    await putCase('moved/train/a', 1);
    const moved = await json('data', 'import', at('moved'), '--into', at('once'));
    expect(moved).include({ code: 0, same: 1 });
    expect(await readdir(at('once/train'))).deep.equal(['case-0001']);
  });

  it('is looked at and left alone by --dry-run, and held out by --held-out', async () => {
    const dry = await json('data', 'import', at('crash'), '--into', at('dry'), '--dry-run');
    expect(dry).include({ ready: 4 });
    expect(await stat(at('dry')).catch(() => null)).equal(null);
    const held = await json('data', 'import', at('crash'), '--into', at('held'), '--held-out', '2');
    expect(held.cases.map(({ stored }) => stored?.slice(0, 5))).deep.equal([
      ...['train', 'test/', 'train', 'test/'],
    ]);
    for (const wrong of [
      ['--held-out', '1'],
      ['--name', 'RCC'],
      ['--axes', 'LAR'],
      ['--workers', 'two'],
    ]) {
      const refused = await annulus('data', 'import', at('crash'), '--into', at('no'), ...wrong);
      expect(refused.code, wrong.join(' ')).equal(2);
      expect(refused.err).contain(wrong[0]);
    }
    expect((await annulus('data', 'import', at('gone'), '--into', at('no'))).code).equal(2);
    expect((await annulus('data', 'list', '--into', at('no'))).err).contain('nothing was imported');
  });

  it('with points that no heart has asks, unless it is told that they are meant', async () => {
    await putCase('swapped/a', 5);
    await write('swapped/a/F.mrk.json', points({ LCC: 'NCC', NCC: 'LCC' }));
    const asked = await json('data', 'check', at('swapped'));
    expect(asked).include({ code: 1, ask: 1 });
    expect(asked.cases[0]?.problem).include({ rule: 'cusps_order' });
    const told = await json('data', 'check', at('swapped'), '--keep-implausible');
    expect(told).include({ code: 0, ready: 1 });
  });

  it('is read from legacy points, under names of its own', async () => {
    await putCase('legacy/a', 6);
    await rm(at('legacy/a/F.mrk.json'));
    const row = (name: string, [x, y, z]: readonly number[]): string =>
      `1,${x},${y},${z},0,0,0,1,1,1,0,${name},,`;
    const rows = pointNames.map((name) => row(`hinge ${name}`, truth.points[name]));
    const head = '# Markups fiducial file version = 4.10\n# CoordinateSystem = 0\n';
    await write('legacy/a/F.fcsv', `${head}${rows.join('\n')}\n`);
    const asked = await json('data', 'check', at('legacy'));
    expect(asked.cases[0]?.problem).include({ rule: 'unknown_name' });
    const names = pointNames.flatMap((name) => ['--name', `Hinge ${name} = ${name}`]);
    expect(await json('data', 'check', at('legacy'), ...names)).include({ code: 0, ready: 1 });
  });

  it('is shown: two pictures of each case and a page', async () => {
    const { code, out } = await annulus('data', 'preview', at('crash'), '--output', at('look'));
    expect(code).equal(0);
    expect(out).contain('4 cases').and.contain('8 pictures');
    const files = await readdir(at('look'));
    expect(files).contain('001-axial.png').and.contain('index.html').and.length(9);
    const png = await readFile(at('look/001-axial.png'));
    expect(png.subarray(1, 4).toString()).equal('PNG');
    expect((await stat(at('look/index.html'))).mode & 0o077).equal(0);
  });

  it('of every odd NIfTI file is read as another program reads it, refused with its rule, or asked about', async () => {
    const expected = JSON.parse(await readFile(join(odd, 'expected.json'), 'utf8')) as Record<
      string,
      { ok: boolean; shape: number[]; affine: number[]; sum: number; refuse_by_default?: boolean }
    >;
    const good = await json('data', 'check', join(odd, 'nifti_ok'));
    for (const { name, state, shape, affine, hu } of good.cases) {
      const facts = expected[`nifti_ok/${name}`];
      if (facts?.refuse_by_default === true) {
        expect(state, name).equal('ask');
        continue;
      }
      // 9.6 mm wide: valid, and no heart.
      if (name.startsWith('aniso')) continue;
      expect(state, name).equal('ready');
      // nibabel's order is i, j, k.
      expect([...(shape ?? [])].reverse(), name).deep.equal(facts?.shape.slice(0, 3));
      affine?.forEach((mm, n) => {
        expect(mm, name).closeTo(facts?.affine[n] ?? NaN, 1e-4);
      });
      expect(hu?.sum, name).equal(facts?.sum);
    }
    expect(good.cases).length(Object.keys(expected).filter((name) => name.startsWith('nifti_ok')).length - 0); // prettier-ignore
    const bad = await json('data', 'check', join(odd, 'nifti_bad'));
    expect(bad.ready).equal(0);
    for (const { name, problem } of bad.cases) expect(problem?.rule, name).match(/^[a-z_]+/);
    const asked = await json('data', 'check', join(odd, 'nifti_ok', 'no_xform.nii'), '--axes', 'LAS'); // prettier-ignore
    expect(asked).include({ code: 0, ready: 1 });
  });

  it('keeps the pixels of the source and their place, whichever way its axes run', async () => {
    const { volume } = decodeNifti(await readFile(at('whole/train/case-0001/ct.nii')));
    expect(volume.data).deep.equal(patient(1000).data);
    expect([...volume.affine]).deep.equal([...image.affine].map(Math.fround));
  });
});
