/** Each rule of docs/specs/dicom.md broken by a change of a few bytes in a sound series. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { dicomRules, readDicomSeries, type DicomRule } from '../../../src/data/index.ts';
import { projectRoot } from '../../project-root.ts';
import { filesOf, filesWith, onlyVolume, sharedData } from './folders.ts';

type Files = Map<string, Uint8Array>;

const source = filesOf(join(sharedData, 'odd', 'dicom_ok', 'oblique25'));

async function sound(): Promise<Files> {
  const files: Files = new Map();
  for (const { name, read } of source) files.set(name, await read());
  return files;
}

/** The bytes with `from` replaced, by bytes that are as many. */
function replaced(bytes: Uint8Array, from: string, to: string): Uint8Array {
  expect(to.length).equal(from.length);
  const at = Buffer.from(bytes).indexOf(from, 0, 'latin1');
  expect(at, `${JSON.stringify(from)} is in the file`).greaterThan(0);
  const copy = bytes.slice();
  copy.set(Buffer.from(to, 'latin1'), at);
  return copy;
}

const inAll = (from: string, to: string) => (files: Files) => {
  for (const [name, bytes] of files) files.set(name, replaced(bytes, from, to));
};
const inOne = (from: string, to: string) => (files: Files) => {
  files.set('7.dcm', replaced(files.get('7.dcm')!, from, to));
};
/** Explicit, little endian. */
const tag = (group: number, element: number): string =>
  String.fromCharCode(group & 255, group >> 8, element & 255, element >> 8);

/** A change, the rule that it breaks, and words of the message. */
const broken: readonly (readonly [string, (files: Files) => void, DicomRule, RegExp])[] = [
  ['a spacing with a comma', inOne('1.5\\1.5', '1,5\\1,5'), 'value', /7\.dcm: PixelSpacing/],
  ['a spacing of letters', inOne('1.5\\1.5', '1x5\\1.5'), 'value', /7\.dcm: PixelSpacing/],
  ['one spacing for two', inOne('1.5\\1.5', '1.50000'), 'value', /expected 2 numbers, got 1/],
  ['no size of pixels', inOne('1.5\\1.5', '0.0\\0.0'), 'spacing', /7\.dcm: PixelSpacing/],
  ['other pixels in one slice', inOne('1.5\\1.5', '1.6\\1.6'), 'mixed_spacing', /^7\.dcm: .*got 1\.6 x 1\.6/],
  ['a slice that looks elsewhere', inOne('1.0\\0.0\\0.0', '-1.\\0.0\\0.0'), 'mixed_orientation', /^7\.dcm/],
  ['a direction of no length', inOne('1.0\\0.0\\0.0', '0.5\\0.0\\0.0'), 'orientation', /7\.dcm/],
  ['no position', inOne(tag(0x20, 0x32), tag(0x20, 0x33)), 'position', /7\.dcm: ImagePositionPatient/],
  ['no directions', inOne(tag(0x20, 0x37), tag(0x20, 0x38)), 'orientation', /7\.dcm/],
  ['no slope', inOne(tag(0x28, 0x1053), tag(0x28, 0x1057)), 'rescale', /7\.dcm: expected RescaleSlope/],
  ['a unit that is not HU', inAll('LO\x02\0HU', 'LO\x02\0US'), 'rescale', /RescaleType: expected HU/],
  ['another modality', inOne('CS\x02\0CT', 'CS\x02\0PT'), 'not_ct', /7\.dcm: Modality: expected CT, got PT/],
  ['no rows', inOne(tag(0x28, 0x10), tag(0x28, 0x12)), 'missing_value', /7\.dcm: Rows/],
  ['more rows than pixels', inOne(`${tag(0x28, 0x10)}US\x02\0\x16\0`, `${tag(0x28, 0x10)}US\x02\0\x17\0`), 'file_cut_short', /7\.dcm: PixelData/],
  ['an unknown encoding', inOne('1.2.840.10008.1.2.1', '1.2.840.10008.1.2.9'), 'transfer_syntax', /7\.dcm/],
  ['one slice alone', (files) => {
    for (const name of [...files.keys()].slice(1)) files.delete(name);
  }, 'one_slice', /expected two slices or more/],
  ['an empty file beside it', (files) => files.set('20.dcm', new Uint8Array(0)), 'file_damaged', /20\.dcm: .*it is empty/],
  ['the same file twice', (files) => files.set('again.dcm', files.get('7.dcm')!), 'duplicate_slices', /again\.dcm.*SOPInstanceUID|SOPInstanceUID/],
  ['a file that is cut', (files) => files.set('7.dcm', files.get('7.dcm')!.slice(0, 1500)), 'file_cut_short', /7\.dcm/],
  ['a file that is cut before it tells its series', (files) => files.set('7.dcm', files.get('7.dcm')!.slice(0, 400)), 'file_cut_short', /7\.dcm/],
]; // prettier-ignore

describe('a DICOM series', () => {
  it('is read as it is', async () => {
    const volume = await onlyVolume(await readDicomSeries(filesWith(await sound())), 'sound');
    expect(volume.shape).deep.equal([20, 22, 24]);
  });

  for (const [what, change, rule, words] of broken) {
    it(`with ${what} is refused by ${rule}`, async () => {
      const files = await sound();
      change(files);
      const { series, refused } = await readDicomSeries(filesWith(files));
      expect(series).deep.equal([]);
      const found = refused.find((one) => one.key !== null);
      expect(found?.rule, found?.message).equal(rule);
      expect(found?.message).match(words);
      expect(found?.message, 'nothing that identifies').not.match(/Anon|TEST1|2\.25\./);
    });
  }

  it('with another frame of reference in one file is refused by mixed_study', async () => {
    const files = await sound();
    const bytes = files.get('7.dcm')!.slice();
    const at = Buffer.from(bytes).indexOf(tag(0x20, 0x52), 0, 'latin1') + 20;
    bytes[at] = bytes[at] === 0x31 ? 0x32 : 0x31;
    files.set('7.dcm', bytes);
    const { refused } = await readDicomSeries(filesWith(files));
    expect(refused[0]?.rule, refused[0]?.message).equal('mixed_study');
    expect(refused[0]?.message).match(/^7\.dcm: FrameOfReferenceUID/);
  });

  it('with every slice twice under other names is refused as two phases', async () => {
    const files = await sound();
    for (const [name, bytes] of await sound()) {
      const at = Buffer.from(bytes).indexOf(tag(0x08, 0x18), 0, 'latin1') + 20;
      const copy = bytes.slice();
      copy[at] = copy[at] === 0x31 ? 0x32 : 0x31;
      files.set(`other-${name}`, copy);
    }
    const { series, refused } = await readDicomSeries(filesWith(files));
    expect(series).deep.equal([]);
    expect(refused[0]?.rule, refused[0]?.message).equal('several_phases');
    expect(refused[0]?.message).match(/2 at each of 20 places/);
  });

  it('is read with a text and a program beside it, which are passed over by name', async () => {
    const files = await sound();
    files.set('readme.txt', Buffer.from('hello'));
    files.set('viewer.exe', new Uint8Array(5000).fill(77));
    const reading = await readDicomSeries(filesWith(files));
    await onlyVolume(reading, 'beside others');
    expect([...reading.passedOver].sort()).deep.equal(['readme.txt', 'viewer.exe']);
  });

  it('keeps its key under other file names', async () => {
    const one = await readDicomSeries(filesWith(await sound()));
    const renamed: Files = new Map(
      [...(await sound())].map(([name, bytes]) => [`a/b/${name}x`, bytes]),
    );
    const other = await readDicomSeries(filesWith(renamed));
    expect(one.series[0]?.key).match(/^ct-[0-9a-f]{8}$/);
    expect(other.series[0]?.key).equal(one.series[0]?.key);
  });

  it('that changes while it is read is refused', async () => {
    const files = await sound();
    const reading = await readDicomSeries(
      [...files.keys()].map((name) => ({ name, read: () => Promise.resolve(files.get(name)!) })),
    );
    inOne('1.5\\1.5', '1.6\\1.6')(files);
    const error = await reading.series[0]!.readCt().then(
      () => null,
      (caught: unknown) => caught,
    );
    expect(String(error)).match(/7\.dcm: expected the file as it was before/);
  });
});

describe('the page on DICOM', () => {
  it('has every rule and its fix', () => {
    const page = readFileSync(join(projectRoot, 'docs', 'specs', 'dicom.md'), 'utf8');
    for (const rule of Object.keys(dicomRules)) expect(page).include(`\`${rule}\``);
  });
});
