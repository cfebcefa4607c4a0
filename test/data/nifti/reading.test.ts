/** What the readers of CTs and label maps say of odd files: gzip of every form, sizes, transforms, values. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateRawSync, gunzipSync, gzipSync } from 'node:zlib';
import { expect } from 'chai';
import {
  DataError,
  decodeNifti,
  encodeNifti,
  rasAffine,
  readCt,
  readOwnCase,
  type NiftiOptions,
} from '../../../src/data/index.ts';
import { projectRoot } from '../../project-root.ts';

const folder = join(projectRoot, '..', 'shared', 'data', 'odd', 'nifti_ok');
const file = (name: string): Uint8Array => new Uint8Array(readFileSync(join(folder, name)));
const base = file('base_i16.nii');
const baseSum = 4593671; // in ../shared/data/odd/expected.json, by nibabel

function refusalOf(bytes: Uint8Array, options: NiftiOptions = {}): DataError {
  try {
    readCt(bytes, options);
  } catch (error) {
    if (error instanceof DataError) return error;
    throw error;
  }
  throw new Error('it was read');
}

/** base_i16.nii with some bytes changed. */
function patched(change: (view: DataView) => void, from = base): Uint8Array {
  const bytes = from.slice();
  change(new DataView(bytes.buffer));
  return bytes;
}

const sumOf = (bytes: Uint8Array): number =>
  decodeNifti(bytes).volume.data.reduce((sum, value) => sum + value, 0);

/** One member as RFC 1952 lays it out: flags, then what they announce, then deflate, CRC and length. */
function member(data: Uint8Array, flags: number, fields: Uint8Array, level = 6): Buffer {
  const trailer = gzipSync(data).subarray(-8);
  const header = Buffer.from([0x1f, 0x8b, 8, flags, 0, 0, 0, 0, 0, 3]);
  return Buffer.concat([header, fields, deflateRawSync(data, { level }), trailer]);
}

describe('gzip', () => {
  const none = Buffer.alloc(0);
  const extra = Buffer.concat([Buffer.from([0xff, 0xff]), Buffer.alloc(65535, 1)]);
  const text = Buffer.from(`${'n'.repeat(9000)}\0`);
  const split = (size: number): Buffer[] =>
    Array.from({ length: Math.ceil(base.length / size) }, (_, n) =>
      member(base.subarray(n * size, (n + 1) * size), 0, none),
    );
  const forms: readonly (readonly [string, Uint8Array])[] = [
    ['an extra field of 64 KiB', member(base, 4, extra)],
    ['a name of 9 KiB', member(base, 8, text)],
    ['a comment of 9 KiB', member(base, 16, text)],
    ['all of them and a check sum', member(base, 31, Buffer.concat([extra, text, text, Buffer.alloc(2)]))],
    ['data that are not compressed', member(base, 0, none, 0)],
    ['an empty member first', Buffer.concat([member(new Uint8Array(0), 0, none), member(base, 0, none)])],
    ['members of 100 bytes', Buffer.concat(split(100))],
    ['members of 4 KiB, as bgzip makes them', Buffer.concat([...split(4096), member(new Uint8Array(0), 4, Buffer.from([2, 0, 66, 67]))])],
    ['zeros behind it', Buffer.concat([member(base, 0, none), Buffer.alloc(512)])],
  ]; // prettier-ignore
  for (const [title, bytes] of forms) {
    it(`is read with ${title}`, () => {
      expect(sumOf(bytes)).equal(baseSum);
      expect(decodeNifti(bytes).notes).deep.equal([]);
    });
  }

  it('is read with stray bytes behind it, which are told', () => {
    const stray = Buffer.concat([member(base, 0, none), Buffer.alloc(30, 7)]);
    expect(sumOf(stray)).equal(baseSum);
    expect(decodeNifti(stray).notes.join()).match(/^30 bytes that belong to nothing/);
  });

  it('is refused when it is cut short or damaged, and which of the two is said', () => {
    const good = member(base, 0, none);
    for (const keep of [12, 40, good.length - 500, good.length - 8, good.length - 1]) {
      expect(refusalOf(good.subarray(0, keep)).message, `${keep}`).contain('cut short');
    }
    const flipped = (at: number): Uint8Array => patched((v) => { v.setUint8(at, v.getUint8(at) ^ 0x10); }, new Uint8Array(good)); // prettier-ignore
    // The CRC alone knows of the first; deflate itself of a type of block that there is not.
    expect(refusalOf(flipped(good.length - 8)).message).contain('damaged');
    expect(refusalOf(patched((v) => { v.setUint8(10, 7); }, new Uint8Array(good))).message).contain('damaged'); // prettier-ignore
    const twice = Buffer.concat([good, good.subarray(0, 30)]);
    expect(refusalOf(twice).message).contain('cut short');
  });

  it('is refused when more comes out than its header explains', () => {
    const tail = Buffer.concat([base, Buffer.alloc(2 ** 21)]);
    expect(refusalOf(gzipSync(tail))).property('code', 'too_large');
    const members = Buffer.concat([member(base, 0, none), member(Buffer.alloc(2 ** 21), 0, none)]);
    expect(refusalOf(members)).property('code', 'too_large');
  });
});

describe('the size of a volume', () => {
  const sized = (i: number, j: number, k: number, type: number, bits: number): Uint8Array =>
    patched((view) => {
      [i, j, k].forEach((count, n) => {
        view.setInt16(42 + 2 * n, count, true);
      });
      view.setInt16(70, type, true);
      view.setInt16(72, bits, true);
    });

  it('is judged from the header, packed or not', () => {
    // 600^3 = 216,000,000 is more than 2^27 = 134,217,728.
    for (const bytes of [sized(600, 600, 600, 64, 64), gzipSync(sized(600, 600, 600, 64, 64))]) {
      const { facts, message } = refusalOf(bytes);
      expect(facts).deep.equal({ code: 'too_large', limit: 2 ** 27 });
      expect(message).contain('600 x 600 x 600').and.contain('--voxels-max');
    }
    // 500^3 of 8 bytes are 1,000,000,000; 7 for each of 2^27 voxels are 939,524,096.
    expect(refusalOf(gzipSync(sized(500, 500, 500, 64, 64))).facts).deep.equal({
      code: 'too_large',
      limit: 7 * 2 ** 27,
    });
    // Allowed by its size then, but what unpacks to 1000 for one is made to fill memory.
    expect(refusalOf(gzipSync(sized(500, 500, 500, 64, 64)), { voxelsMax: 2 ** 28 }).message).contain('of gzip are to become 1000000352'); // prettier-ignore
  });

  it('may be that of any CT of a heart', () => {
    // 512 x 512 x 466 slices of 0.3 mm; cut short, but not too large.
    for (const [type, bits] of [
      [4, 16],
      [16, 32],
    ] as const) {
      // prettier-ignore
      expect(refusalOf(sized(512, 512, 466, type, bits))).property('code', 'truncated');
    }
    // As nibabel writes what get_fdata gave: float64.
    expect(refusalOf(sized(512, 512, 290, 64, 64))).property('code', 'truncated');
  });

  it('may be asked to be smaller or larger', () => {
    expect(refusalOf(base, { voxelsMax: 10_000 }).facts).deep.equal({
      code: 'too_large',
      limit: 10_000,
    });
    expect(refusalOf(sized(600, 600, 600, 4, 16), { voxelsMax: 2 ** 28 }).code).equal('truncated');
  });
});

describe('transforms', () => {
  const srow = (values: readonly number[], qform: number) => (view: DataView): void => {
    values.forEach((value, n) => { view.setFloat32(280 + 4 * n, value, true); });
    view.setInt16(252, qform, true);
    view.setInt16(254, 1, true);
  }; // prettier-ignore
  const qform = (change: (view: DataView) => void) => (view: DataView): void => {
    view.setInt16(252, 1, true);
    view.setInt16(254, 0, true);
    change(view);
  }; // prettier-ignore
  const zeros = Array.from({ length: 12 }, () => 0);
  const cases: readonly (readonly [string, (view: DataView) => void, RegExp])[] = [
    ['an sform of one plane', srow([1.5, 1.5, 0, 0, 1.5, 1.5, 0, 0, 0, 0, 1.5, 0], 0), /^srow: .*one plane/],
    ['an sform whose third axis is nothing', srow([1.5, 0, 0, 0, 0, 1.5, 0, 0, 0, 0, 0, 0], 0), /^srow: .*span a volume/],
    ['an sform of NaN', srow([NaN, ...zeros.slice(1)], 0), /^srow: .*NaN/],
    ['an sform of NaN beside a sound qform', srow([NaN, ...zeros.slice(1)], 1), /^srow: .*qform beside it is sound/],
    ['an sform of steps of 900 mm', srow([900, 0, 0, 0, 0, 1.5, 0, 0, 0, 0, 1.5, 0], 0), /^srow: .*0\.01 to 100 mm/],
    ['an sform of zeros alone', srow(zeros, 0), /srow.*zeros.*--axes/],
    ['an sform 2000 km away', srow([1.5, 0, 0, 2e6, 0, 1.5, 0, 0, 0, 0, 1.5, 0], 0), /^srow: .*at most 1000000 mm, got 2\.00e\+6/],
    ['a qform 2000 km away', qform((v) => { v.setFloat32(268, 2e6, true); }), /^pixdim: .*at most 1000000 mm|^qoffset/],
    ['a spacing of NaN', qform((v) => { v.setFloat32(80, NaN, true); }), /^pixdim\[1\]: .*got NaN/],
    ['a spacing of 0', qform((v) => { v.setFloat32(84, 0, true); }), /^pixdim\[2\]: .*got 0/],
    ['an offset of infinity', qform((v) => { v.setFloat32(272, Infinity, true); }), /^qoffset: .*got Infinity/],
    ['a quaternion of length 1.7', qform((v) => { for (const n of [0, 1, 2]) v.setFloat32(256 + 4 * n, 1, true); }), /^quatern: .*got 1\.73/],
  ]; // prettier-ignore
  for (const [title, change, words] of cases) {
    it(`name the field at fault of ${title}`, () => {
      expect(refusalOf(patched(change)).message).match(words);
    });
  }

  it('give way: an sform of zeros to a sound qform', () => {
    const { volume, notes } = readCt(patched(srow(zeros, 1)));
    // base_i16's qform is its sform.
    expect([...volume.affine.subarray(0, 4)]).deep.equal([-1.5, 0, 0, 11.658203125]);
    expect(notes.join()).contain('srow');
  });

  it('are as told where there are none, in any of the ways axes can run', () => {
    for (const axes of ['RAS', 'LPS', 'LAS', 'ASR', 'RSA']) {
      const packed = file(`orient_${axes}.nii.gz`);
      const bytes = new Uint8Array(gunzipSync(packed));
      const wanted = decodeNifti(packed).volume.affine;
      new DataView(bytes.buffer).setInt32(252, 0, true);
      const { volume, header } = decodeNifti(bytes, { axes });
      expect(header.transform).equal('assumed');
      const turn = (affine: Float64Array): number[] => [0, 1, 2, 4, 5, 6, 8, 9, 10].map((n) => affine[n]! + 0); // prettier-ignore
      expect(turn(volume.affine), axes).deep.equal(turn(wanted));
    }
  });

  it('in microns are read when that is confirmed, whatever their spacing', () => {
    const microns = (factor: number): Uint8Array =>
      patched((view) => {
        view.setUint8(123, 3);
        view.setInt16(252, 0, true);
        for (let n = 0; n < 12; n++) {
          view.setFloat32(280 + 4 * n, view.getFloat32(280 + 4 * n, true) * factor, true);
        }
      });
    expect(decodeNifti(microns(1000), { units: 'header' }).volume.affine[10]).closeTo(1.5, 1e-6);
    // 1.5 of a micron.
    expect(decodeNifti(microns(1), { units: 'header' }).volume.affine[10]).closeTo(0.0015, 1e-9);
    expect(decodeNifti(microns(1), { units: 'mm' }).volume.affine[10]).equal(1.5);
  });
});

describe('types and values', () => {
  it('are refused by their name when they are no intensities', () => {
    for (const [code, words] of [
      [1536, /128 bits/],
      [128, /colours \(RGB24\)/],
      [2304, /colours \(RGBA32\)/],
      [32, /complex/],
      [1, /single bits/],
      [77, /a type that the format does not have/],
    ] as const) {
      const bytes = patched((view) => {
        view.setInt16(70, code, true);
      });
      expect(refusalOf(bytes).message, `${code}`).match(words);
    }
  });

  const grid = { shape: [10, 12, 14] as const, affine: rasAffine([4, 4, 4], [0, 0, 0]) };
  const ramp = Float32Array.from({ length: 1680 }, (_, n) => n - 1000);
  const withValue = (value: number): Uint8Array =>
    encodeNifti({ ...grid, data: ramp.map((hu, n) => (n % 100 === 7 ? value : hu)) });

  it('that are no numbers become air and are counted', () => {
    for (const value of [NaN, Infinity, -Infinity]) {
      const { volume, notes } = readCt(withValue(value));
      // 7, 107, … 1607.
      expect(notes.join()).match(/^17 of 1680 voxels are NaN or infinite: taken as air, -1024 HU/);
      expect([volume.data[7], volume.data[1607], volume.data[8]]).deep.equal([-1024, -1024, -992]);
    }
    expect(refusalOf(encodeNifti({ ...grid, data: ramp.map(() => NaN) })).message).match(/all of/);
  });

  it('that no CT has are refused, and what pads one is not', () => {
    for (const value of [3e38, 65536, -32769]) {
      expect(refusalOf(withValue(value)).message, `${value}`).match(/^voxels: .*no CT has such/);
    }
    for (const value of [-32768, -3024, -2000, 30000, 65535]) readCt(withValue(value));
  });

  it('that are no numbers are refused in label maps', () => {
    const calc = encodeNifti({ ...grid, data: ramp.map((_, n) => (n === 5 ? NaN : 0)) });
    const read = (): unknown =>
      readOwnCase('one', { ct: withValue(0), calc }, { spacingMm: [4, 4, 4], pointRadiusMm: 7 });
    expect(read).throw(DataError, /^calc: labels: expected labels from 0 to 1, got NaN/);
  });

  it('of files that are no NIfTI are called what they are', () => {
    const dicom = Buffer.alloc(400);
    dicom.write('DICM', 128);
    for (const [bytes, words] of [
      [
        Buffer.from(`version https://git-lfs.github.com/spec/v1\noid sha256:${'0'.repeat(400)}\n`),
        /Git LFS pointer.*git lfs pull/,
      ],
      [Buffer.from('<!DOCTYPE html>'.padEnd(400)), /a web page/],
      [dicom, /a DICOM file.*dcm2niix/],
      [Buffer.from('NRRD0004\n'.padEnd(400)), /an NRRD file/],
      [Buffer.concat([Buffer.from([0, 5, 22, 7]), Buffer.alloc(400)]), /macOS/],
      [Buffer.alloc(5000), /zeros/],
    ] as const) {
      // prettier-ignore
      expect(refusalOf(bytes).message).match(words);
      expect(refusalOf(gzipSync(bytes)).message).match(words);
    }
  });
});

describe('extensions', () => {
  /** base_i16.nii with extensions of the sizes that are claimed, in `room` bytes. */
  const extended = (sizes: readonly number[], room: number): Uint8Array => {
    const bytes = new Uint8Array(base.length + room);
    bytes.set(base.subarray(0, 352));
    bytes.set(base.subarray(352), 352 + room);
    const view = new DataView(bytes.buffer);
    view.setUint8(348, 1);
    view.setFloat32(108, 352 + room, true);
    let at = 352;
    for (const size of sizes) {
      view.setInt32(at, size, true);
      at += size;
    }
    return bytes;
  };

  it('are passed over one after the other, and the voxels are the same', () => {
    for (const [sizes, room] of [
      [[16], 16],
      [[32, 48], 80],
      [[32], 80],
      [[24], 24],
    ] as const) {
      // prettier-ignore
      expect(sumOf(extended(sizes, room)), sizes.join()).equal(baseSum);
    }
  });

  it('are refused when one is longer than its room, or shorter than what announces it', () => {
    for (const [sizes, room] of [
      [[2 ** 31 - 16], 16],
      [[32], 16],
      [[16, 64], 64],
      [[-16], 16],
      [[4], 16],
    ] as const) {
      // prettier-ignore
      expect(refusalOf(extended(sizes, room)).message, sizes.join()).match(/^esize: /);
    }
    const far = patched((view) => {
      view.setFloat32(108, 2 ** 28, true);
    });
    expect(refusalOf(far).message).match(/^vox_offset: /);
  });
});
