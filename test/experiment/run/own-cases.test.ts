import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { expect } from 'chai';
import { seededRandom } from '../../../src/base/index.ts';
import { loadMainJob, loadReproduce } from '../../../src/cli/wiring.ts';
import type { ReproductionRecord, RunRecord } from '../../../src/report/index.ts';
import {
  encodeMarkups,
  encodeNifti,
  makePhantom,
  phantomDefaults,
  pointNames,
  type PointName,
} from '../../../src/data/index.ts';
import { packageFile } from '../../../src/host/index.ts';
import { GossipBroadcast } from '../../../src/network/gossip-broadcast.ts';
import { Messenger } from '../../../src/network/message-protocol.ts';
import { projectRoot } from '../../project-root.ts';
import { dicomCt } from '../../data/dicom-ct.ts';
import { tinyPreset } from '../paper/tiny-preset.ts';
import { runTyped, type Told } from '../../cli/typed.ts';

/** A name that must not leave the hospital's folder. */
const canary = 'Mustermann-1949';
/** As patients are called in DICOM files: not even the hospital's own screen shows it. */
const patient = 'Kanarienvogel^Karl';
const secrets = [canary, patient.slice(0, 13)];

/** A NIfTI-1 file with that name in every field of text that the format has, and in an extension. */
function marked(file: Uint8Array, isZipped: boolean): Uint8Array {
  const bare = isZipped ? gunzipSync(file) : Buffer.from(file);
  const text = Buffer.alloc(40, 0);
  text.write(canary);
  const extension = Buffer.concat([Buffer.alloc(8), text]);
  extension.writeInt32LE(extension.byteLength, 0);
  // 6: a comment in ASCII.
  extension.writeInt32LE(6, 4);
  const header = Buffer.from(bare.subarray(0, 352));
  // data_type, db_name, descrip, aux_file, intent_name.
  for (const [at, length] of [
    [4, 10],
    [14, 18],
    [148, 80],
    [228, 24],
    [328, 16],
  ] as const) {
    text.copy(header, at, 0, length);
  }
  header.writeUInt8(1, 348);
  header.writeFloatLE(352 + extension.byteLength, 108);
  const whole = Buffer.concat([header, extension, bare.subarray(352)]);
  return isZipped ? gzipSync(whole) : whole;
}

/** What 3D Slicer writes beside the places: names, descriptions, and a point of no task. */
function markedPoints(file: Uint8Array): string {
  const document = JSON.parse(Buffer.from(file).toString()) as {
    markups: { controlPoints: Record<string, unknown>[] }[];
  };
  for (const { controlPoints } of document.markups) {
    for (const point of controlPoints) {
      Object.assign(point, { description: canary, id: canary, associatedNodeID: canary });
    }
  }
  return JSON.stringify({ ...document, '@comment': canary });
}

const annulus = (...args: string[]): Promise<Told> =>
  runTyped(args, { mainJob: loadMainJob, reproduce: loadReproduce });

/** Every message of every node in this process, as it is handed to the network. */
class PacketRecorder {
  count = 0;
  readonly withCanary: string[] = [];
  readonly #undo: (() => void)[] = [];

  constructor() {
    const look = (topic: string, bytes: Uint8Array): void => {
      this.count += 1;
      const packet = Buffer.from(bytes);
      if (secrets.some((secret) => packet.includes(secret))) this.withCanary.push(topic);
    };
    const gossip = Object.getOwnPropertyDescriptor(GossipBroadcast.prototype, 'send');
    const direct = Object.getOwnPropertyDescriptor(Messenger.prototype, 'send');
    const broadcast = gossip?.value as GossipBroadcast['send'];
    const send = direct?.value as Messenger['send'];
    GossipBroadcast.prototype.send = function (topic, bytes) {
      look(topic, bytes);
      broadcast.call(this, topic, bytes);
    };
    Messenger.prototype.send = function (to, topic, bytes) {
      look(topic, bytes);
      send.call(this, to, topic, bytes);
    };
    this.#undo.push(() => {
      GossipBroadcast.prototype.send = broadcast;
      Messenger.prototype.send = send;
    });
  }

  stop(): void {
    for (const undo of this.#undo) undo();
  }
}

describe("hospitals' own cases", function () {
  this.timeout(600_000);
  let folder = '';
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'annulus-own-run-'));
    // Four to train on, of which two have points and one calcium, and one held out with points alone.
    await putCase('train', `${canary}-1`, ['hps', 'ms', 'calc', 'heart']);
    await putCase('train', `${canary}-2`, ['hps', 'heart']);
    await putCase('train', `${canary}-3`, ['heart']);
    await putCase('train', `${canary}-4`, ['heart']);
    await putCase('test', `${canary}-5`, ['hps', 'heart']);
  });
  after(async () => rm(folder, { recursive: true }));

  const write = async (name: string, bytes: Uint8Array | string): Promise<void> => {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), bytes);
  };

  async function putCase(split: string, name: string, labels: readonly string[]): Promise<void> {
    const settings = { ...phantomDefaults, shape: [40, 38, 36], spacingMm: [3, 3, 3] } as const;
    const { image, truth } = makePhantom(seededRandom(name), { ...settings, calciumShare: 1 });
    const at = `L1/${split}/${name}`;
    const points = (names: readonly PointName[]): string =>
      markedPoints(encodeMarkups(names.map((label) => ({ label, position: truth.points[label] }))));
    await write(`${at}/ct.nii.gz`, marked(encodeNifti(image, { gzip: true }), true));
    if (labels.includes('hps')) await write(`${at}/hps.mrk.json`, points(pointNames.slice(0, 5)));
    if (labels.includes('ms')) await write(`${at}/ms.mrk.json`, points(pointNames.slice(5)));
    const { affine, shape } = image;
    for (const [task, data] of [
      ['calc', truth.calcium],
      ['heart', truth.heart],
    ] as const) {
      if (labels.includes(task))
        await write(
          `${at}/${task}.nii`,
          marked(encodeNifti({ affine, shape, data }, { gzip: false }), false),
        );
    }
  }

  /** A hospital whose PACS gave DICOM, imported by the command; one study of it is damaged. */
  async function importPatients(): Promise<void> {
    for (const [n, name] of ['train/1', 'train/2', 'train/3', 'test/4'].entries()) {
      const settings = { ...phantomDefaults, shape: [40, 38, 36], spacingMm: [3, 3, 3] } as const;
      const { image, truth } = makePhantom(seededRandom(name), settings);
      const at = `pacs/${name} ${patient}`;
      for (const [k, bytes] of dicomCt(image, { uid: `1.2.${n + 1}`, patient }).entries()) {
        await write(
          `${at}/${patient}-${k}.dcm`,
          n === 2 && k === 5 ? bytes.subarray(0, 700) : bytes,
        );
      }
      const list = pointNames
        .slice(0, 5)
        .map((label) => ({ label, position: truth.points[label] }));
      await write(`${at}/F.mrk.json`, markedPoints(encodeMarkups(list)));
    }
    const source = join(folder, 'pacs');
    const into = ['--into', join(folder, 'L2'), '--keep-implausible', '--format', 'json'];
    const { code, out, err } = await annulus('data', 'import', source, ...into);
    expect([code, err]).deep.equal([1, '']);
    const { cases } = JSON.parse(out) as {
      cases: { state: string; problem: { rule: string; text: string } | null; notes: string[] }[];
    };
    expect(cases.map(({ state }) => state)).deep.equal(['ready', 'ready', 'quarantined', 'ready']);
    expect(cases[2]?.problem?.rule).equal('file_cut_short');
    // The name of the file is the hospital's own; what is in it is nobody's.
    expect(cases[2]?.problem?.text.replace(`${patient}-5.dcm`, '')).not.contain(patient);
    await rm(source, { recursive: true });
  }

  /** Every file under `path`, as text and as it is. */
  async function everything(path: string): Promise<{ name: string; bytes: Buffer }[]> {
    const entries = await readdir(path, { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile());
    return Promise.all(
      files.map(async ({ parentPath, name }) => {
        const file = join(parentPath, name);
        return { name: file, bytes: await readFile(file) };
      }),
    );
  }

  it('are looked through: what is there, and every problem', async () => {
    const good = await annulus('data', 'check', join(folder, 'L1'));
    expect(good.err).equal('');
    expect(good.out).match(
      new RegExp(`train/${canary}-1 +ready +36 x 38 x 40 of 3 x 3 x 3 mm +hps ms calc heart`),
    );
    expect(good.out).contain('5 ready: 4 to train on (hps 2, ms 1, calc 1, heart 4), 1 held out');
    expect(good.code).equal(0);
    await write('bad/train/a/ct.nii', 'no CT');
    await write(
      `bad/train/b/ct.nii.gz`,
      await readFile(join(folder, `L1/train/${canary}-1/ct.nii.gz`)),
    );
    await write('bad/train/b/hps.mrk.json', '{}');
    const bad = await annulus('data', 'check', join(folder, 'bad'), '--format', 'json');
    expect(bad.code).equal(1);
    const told = JSON.parse(bad.out) as {
      ok: boolean;
      cases: { name: string; problem: { text: string } }[];
    };
    expect(told.ok).equal(false);
    expect(told.cases.map(({ name }) => name)).deep.equal(['train/a', 'train/b']);
    expect(told.cases[0]?.problem.text).match(/^ct.nii: /);
    expect(told.cases[1]?.problem.text).match(/^hps.mrk.json: /);
    expect((await annulus('data', 'check', join(folder, 'gone'))).code).equal(2);
    const look = join(folder, 'look');
    const looked = await annulus('data', 'preview', join(folder, 'L1'), '--output', look);
    expect(looked.out).contain(join(look, 'index.html'));
    expect((await stat(join(look, 'index.html'))).mode & 0o777).equal(0o600);
    const html = await readFile(join(look, 'index.html'), 'utf8');
    // Two planes of each of five cases; rings where points are marked, a line around calcium.
    expect(html.match(/<figure/g)).length(10);
    expect(html.match(/class="point truth"/g)?.length).within(7, 2 * (7 + 5 + 5));
    expect(html).contain('>RCC<').and.contain('class="area truth"');
    expect(html).not.match(/src="http|href="http/);
  });

  it('that are odd are named, escaped and quarantined, and the rest is looked at', async () => {
    const good = await readFile(join(folder, `L1/train/${canary}-2/ct.nii.gz`));
    await write('odd/train/a/ct.nii.gz', good);
    await write('odd/train/a/Thumbs.db', '');
    await write('odd/train/b\u001b[2J\nc/ct.nii.gz', good.subarray(0, 9000));
    await write('odd/train/d/ct.nii.gz/x', '');
    await write('odd/Thumbs.db', '');
    const text = await annulus('data', 'check', join(folder, 'odd'));
    expect(text).include({ code: 1, err: '' });
    expect(text.out).contain('\ntrain/b\\u001b[2J\\nc ').and.contain('expected whole gzip');
    expect(text.out)
      .contain('1 ready, 2 quarantined: 1 to train on (hps 0')
      .and.contain('0 held out; 2 hidden');
    expect(text.out).not.contain('\u001b');
    const json = JSON.parse(
      (await annulus('data', 'check', join(folder, 'odd'), '--format', 'json')).out,
    ) as object;
    expect(json).include({ ok: false, passedOver: 2, ready: 1, quarantined: 2 });
  });

  it('that leave a question open are read as the flags say', async () => {
    const tried = join(projectRoot, '..', 'shared', 'tried', 'dead-end-questions');
    for (const [name, flags, flag] of [
      ['fourd2', ['--frame', '1'], '--frame'],
      ['nocodes', ['--axes', 'LAS'], '--axes'],
      ['micron', ['--units', 'mm'], '--units mm'],
    ] as const) {
      await write(`${name}/train/a/ct.nii.gz`, await readFile(join(tried, `${name}.nii.gz`)));
      const asked = await annulus('data', 'check', join(folder, name));
      expect(asked.code, name).equal(1);
      expect(asked.out, name).contain('ASK').and.contain(flag);
      const told = await annulus('data', 'check', join(folder, name), ...flags);
      expect(told.code, name).equal(0);
      expect(told.out, name).match(/train\/a +ready +24 x 24 x 20 of 3 x 3 x 3 mm/);
    }
    for (const wrong of [
      ['--axes', 'LAR'],
      ['--frame', 'two'],
      ['--voxels-max', '7'],
    ]) {
      const refused = await annulus('data', 'check', join(folder, 'fourd2'), ...wrong);
      expect(refused.code).equal(2);
      expect(refused.err).contain(wrong[0]);
    }
  });

  it('that come out of a PACS are imported without a word of whose they are', importPatients);

  it('train, are labelled and scored beside phantoms, and their names stay where they are', async () => {
    const smoke = await readFile(packageFile('config/smoke.yaml'), 'utf8');
    const own = smoke.replace(
      'cases: { hps: 3, ms: 3, calc: 3, unlabelled: 1, test: 2 }',
      'folder: L1',
    );
    expect(own).not.equal(smoke);
    const both = own.replace('cases: { hps: 2, calc: 2, unlabelled: 1, test: 2 }', 'folder: L2');
    expect(both).not.equal(own);
    await write('own.yaml', both);
    // One more that cannot be read: the run says so and goes without it.
    await write(`L1/train/${canary}-0/ct.nii.gz`, 'no CT');
    const out = join(folder, 'run');
    const packets = new PacketRecorder();
    const {
      code,
      err,
      out: said,
    } = await annulus('simulate', join(folder, 'own.yaml'), '--out', out);
    packets.stop();
    await rm(join(folder, `L1/train/${canary}-0`), { recursive: true });
    // Before Noise encrypts it: what is fetched in bulk lies in blobs/, and is searched with all files below.
    expect(packets.count).above(50);
    expect(packets.withCanary).deep.equal([]);
    for (const secret of secrets) expect(said).not.contain(secret);
    const [line, total, ...others] = err.split('\n');
    expect(line).match(new RegExp(`^L1: SET ASIDE train/${canary}-0: ct: expected a NIfTI`));
    expect(total).contain('1 of 6 are set aside');
    expect(others).deep.equal(['']);
    expect(code).equal(0);
    const record = JSON.parse(await readFile(join(out, 'record.json'), 'utf8')) as RunRecord;
    const [first] = record.consortium.hospitals;
    expect(first).deep.include({ labelled: { hps: 2, ms: 1, calc: 1 }, training: 4, test: 1 });
    const rows = record.evaluation.filter(
      ({ hospital, model }) => hospital === 'L1' && model === 'student',
    );
    // One held-out patient with five points; nobody marked a septum or calcium.
    const counted = rows.map(({ task, value, missRate }) => [
      task,
      value.n + Math.round((missRate ?? 0) * 5),
    ]);
    expect(counted).deep.equal([
      ['hps', 5],
      ['ms', 0],
      ['calc', 0],
    ]);
    const cases = await readdir(join(out, 'nodes/L1/cases/train'));
    expect(cases.sort()).deep.equal([1, 2, 3, 4].map((n) => `L1-000${n}.case`));
    const files = [...(await everything(out)), ...(await everything(join(folder, 'L2')))];
    for (const { name, bytes } of files) {
      for (const secret of secrets) {
        expect(name).not.contain(secret);
        expect(bytes.includes(secret), `${name}: ${secret}`).equal(false);
      }
    }
  });

  it('can be what the six arms are compared on', async () => {
    const own = tinyPreset.replace(
      'cases: { hps: 2, ms: 2, calc: 2, test: 2 }',
      `folder: ${join(folder, 'L1')}`,
    );
    await write('tiny.yaml', own);
    const args = ['--seeds', '1', '--out', join(folder, 'six'), '--format', 'json'];
    const { code, out, err } = await annulus('reproduce', join(folder, 'tiny.yaml'), ...args);
    expect(code, err).equal(0);
    const { hospitals } = JSON.parse(out) as ReproductionRecord;
    expect(hospitals[0]?.labelled).deep.equal({ hps: 2, ms: 1, calc: 1 });
  });

  it('that a run cannot use are refused with their place and the reason', async () => {
    const withFolder = async (path: string): Promise<Told> => {
      const own = tinyPreset.replace(
        'cases: { hps: 2, ms: 2, calc: 2, test: 2 }',
        `folder: ${path}`,
      );
      await write('refused.yaml', own);
      return annulus(
        'reproduce',
        join(folder, 'refused.yaml'),
        '--seeds',
        '1',
        '--out',
        join(folder, 'no'),
      );
    };
    const gone = await withFolder('gone');
    expect(gone).include({ code: 2 });
    expect(gone.err).contain(join(folder, 'gone'));
    const both = await withFolder('L1, cases: { hps: 1, ms: 1, calc: 1 }');
    expect(both).include({ code: 2 });
    expect(both.err).contain('L1 has both cases and a folder');
    const bad = await withFolder('bad');
    // One is no CT and one has no points: of two cases none is left.
    expect(bad).include({ code: 2 });
    expect(bad.err).contain('L1: SET ASIDE train/a: ct: ').and.contain('SET ASIDE train/b: hps: ');
    expect(bad.err).contain('expected cases to train on in train, got none');
    await write('few/train/a/ct.nii.gz', await readFile(join(folder, 'bad/train/b/ct.nii.gz')));
    const few = await withFolder('few');
    // No hospital of this preset labelled ms then.
    expect(few).include({ code: 2 });
    expect(few.err).contain('labels for ms');
  });
});
