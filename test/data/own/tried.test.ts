/** Files that people met elsewhere, in ../shared/tried: each gives the answer that is written beside it. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { expect } from 'chai';
import {
  DataError,
  decodeMarkups,
  encodeMarkups,
  imageFindings,
  readCt,
  readOwnCase,
  spacingOf,
  type ReadingSettings,
} from '../../../src/data/index.ts';
import { projectRoot } from '../../project-root.ts';

const folder = join(projectRoot, '..', 'shared', 'tried');
const read = (name: string): Uint8Array => new Uint8Array(readFileSync(join(folder, name)));

interface Answer {
  /** What was told to the reader. */
  readonly reading?: Partial<ReadingSettings>;
  /** Words of the refusal. */
  readonly refused?: RegExp;
  /** Words of the notes, or of what speaks against its being a heart's CT; no note at all where absent. */
  readonly noted?: RegExp;
  readonly spacingMm?: readonly number[];
  /** Of the first voxel, RAS mm. */
  readonly origin?: readonly number[];
}

// From README.md and the expected.txt there. Offsets and spacings were read from the headers with Python's struct.
const sound = { spacingMm: [3, 3, 3], origin: [30, 30, -30] } as const;
const answers: readonly (readonly [string, Answer])[] = [
  ['gz_extra5k.nii.gz', sound],
  ['ext_size_huge.nii', { refused: /esize: expected an extension of at most the \d+ bytes/ }],
  // sform x = 3i - 30, qform x = 30 - 3i: 60 mm apart at i = 0, 78 at i = 23.
  ['sq_disagree.nii.gz', { origin: [-30, 30, -30], noted: /78\.0 mm apart .*60\.0 mm/ }],
  ['const.nii.gz', { ...sound, noted: /every voxel is -?\d+/ }],
  ['huge.nii.gz', { refused: /voxels: expected HU from -32768 to 65535, got .*e\+38: no CT/ }],
  ['u16_noint.nii.gz', { ...sound, noted: /no lung.*intercept of -1024/ }],
  ['oneslice.nii.gz', { refused: /got 72 x 72 x 3 mm: less than one heart/ }],
  ['onevoxel.nii.gz', { refused: /got 3 x 3 x 3 mm: less than one heart/ }],
  ['dead-end-questions/fourd2.nii.gz', { refused: /from 0 to 1, with --frame \(reading\.frame/ }],
  ['dead-end-questions/fourd2.nii.gz', { reading: { frame: 1 }, ...sound }],
  ['dead-end-questions/micron.nii.gz', { refused: /--units header .*--units mm .*reading\.units/ }],
  ['dead-end-questions/micron.nii.gz', { reading: { units: 'mm' }, ...sound }],
  // Believed, it is 24 x 0.003 mm wide; its spacing is not refused, but no heart fits into it.
  [
    'dead-end-questions/micron.nii.gz',
    { reading: { units: 'header' }, refused: /0\.072 x 0\.072 x 0\.06 mm: .*--units/ },
  ],
  ['dead-end-questions/nocodes.nii.gz', { refused: /with --axes \(reading\.axes in a preset\)/ }],
  // nibabel: x = -3i, y = 3j, z = 3k about the middle of 24 x 24 x 20 voxels.
  [
    'dead-end-questions/nocodes.nii.gz',
    { reading: { axes: 'LAS' }, origin: [34.5, -34.5, -28.5], noted: /taken as told/ },
  ],
  ['sform-zero/sform_zero_qform_ok.nii.gz', { ...sound, noted: /sform \(srow\) is all zeros/ }],
];

function told(name: string, reading: Partial<ReadingSettings> = {}): ReturnType<typeof readCt> {
  return readCt(read(name), reading);
}

describe('files that people met elsewhere', () => {
  it('are all looked at here', () => {
    const names = readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !/^(README|expected)\./.test(entry.name))
      .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'));
    const known = new Set([...answers.map(([name]) => name), 'bom.mrk.json']);
    expect(names.filter((name) => !known.has(name))).deep.equal([]);
    expect(names.length).equal(known.size);
  });

  for (const [name, answer] of answers) {
    const { reading, refused, noted, spacingMm, origin } = answer;
    const how = reading === undefined ? '' : ` with ${JSON.stringify(reading)}`;
    it(`${refused === undefined ? 'reads' : 'refuses'} ${name}${how}`, () => {
      if (refused !== undefined) {
        expect(() => told(name, reading))
          .throw(DataError)
          .property('message')
          .match(refused);
        return;
      }
      const { volume, notes } = told(name, reading);
      if (noted === undefined) expect(notes).deep.equal([]);
      else {
        const against = imageFindings(volume).map(({ text }) => text);
        expect([...notes, ...against].join('\n')).match(noted);
      }
      const { affine } = volume;
      if (origin !== undefined) expect([affine[3], affine[7], affine[11]]).deep.equal(origin);
      if (spacingMm !== undefined) expect(spacingOf(affine)).deep.equal(spacingMm);
    });
  }

  it('gives points with a byte order mark, in UTF-8 and UTF-16, and without', () => {
    // LPS 3 3 3 is RAS -3 -3 3.
    const wanted = [
      { label: 'MS1', position: [0, 0, 0] },
      { label: 'MS2', position: [-3, -3, 3] },
    ];
    const marked = read('bom.mrk.json');
    const text = Buffer.from(marked.subarray(3)).toString();
    const wide = Buffer.from(`\ufeff${text}`, 'utf16le');
    for (const bytes of [marked, marked.subarray(3), wide, Buffer.from(wide).swap16()]) {
      expect(decodeMarkups(bytes)).deep.equal(wanted);
    }
  });

  it('tells in a case what it tells of a CT alone, by the name of the file', () => {
    const grid = { spacingMm: [3, 3, 3], pointRadiusMm: 7 } as const;
    const notesOf = (name: string): string =>
      readOwnCase('one', { ct: read(name) }, grid).notes.join('\n');
    expect(notesOf('sq_disagree.nii.gz')).match(/^ct: sform and qform .*78\.0 mm/);
    expect(notesOf('u16_noint.nii.gz')).match(/^ct: there is no lung .*intercept of -1024/);
    expect(notesOf('const.nii.gz')).match(/^ct: every voxel is/);
    const ct = read('gz_extra5k.nii.gz');
    const points = (labels: readonly string[], apartMm: number): Uint8Array =>
      encodeMarkups(labels.map((label, n) => ({ label, position: [n * apartMm, 0, 0] })));
    const ms = points(['MS1', 'MS2'], 0);
    expect(() => readOwnCase('one', { ct, ms }, grid))
      .throw(DataError)
      .property('message')
      .match(/^ms: MS2: expected a place of its own, got the place of MS1/);
    expect(() => readOwnCase('one', { ct, ms: points(['MS1', 'MS2'], 0.2) }, grid)).not.throw();
    // What predict writes, all tasks in one file, is taken for each of them.
    const all = points(['RCC', 'LCC', 'NCC', 'RCA', 'LCA', 'MS1', 'MS2'], 3);
    const { case: own, notes } = readOwnCase('one', { ct, hps: all, ms: all }, grid);
    expect(own.points?.MS2).deep.equal([18, 0, 0]);
    expect(notes).deep.equal([
      'hps: 2 points of other tasks passed over: MS1, MS2',
      'ms: 5 points of other tasks passed over: RCC, LCC, NCC, RCA, LCA',
    ]);
    expect(() => readOwnCase('one', { ct, hps: points(['RCC', 'Rcc\u001b[2J'], 3) }, grid))
      .throw(DataError)
      .property('message')
      .match(/label: expected RCC, .*got "Rcc\\u001b\[2J"$/);
  });
});
