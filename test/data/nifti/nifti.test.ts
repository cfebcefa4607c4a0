import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { expect } from 'chai';
import fc from 'fast-check';
import { fuzzGzip, fuzzHeaders } from './nifti-fuzz.ts';
import {
  DataError,
  decodeNifti,
  decodeNiftiPair,
  encodeNifti,
  rasAffine,
  toRas,
  type NiftiImage,
  type NiftiOptions,
} from '../../../src/data/index.ts';

// Files made with nibabel, and what nibabel reads from them.
const folder = resolve('..', 'shared', 'data', 'odd');
const file = (name: string): Uint8Array => readFileSync(resolve(folder, name));

interface Expected {
  readonly ok: boolean;
  readonly note: string;
  readonly shape: number[];
  readonly affine: number[];
  readonly sum: number;
  readonly first: number[];
  readonly mid: number[];
  readonly refuse_by_default?: boolean;
}

const expected = Object.entries(
  JSON.parse(readFileSync(resolve(folder, 'expected.json'), 'utf8')) as Record<string, Expected>,
).filter(([name]) => name.startsWith('nifti'));

function decode(name: string, options: NiftiOptions = {}): NiftiImage {
  if (!name.endsWith('.hdr')) return decodeNifti(file(name), options);
  return decodeNiftiPair(file(name), file(name.replace('.hdr', '.img')), options);
}

/** What was thrown, which must be a DataError. */
function errorOf(action: () => unknown): DataError {
  try {
    action();
  } catch (error) {
    if (error instanceof DataError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

/** base_i16.nii with some bytes of its header changed. */
function patched(change: (view: DataView) => void): Uint8Array {
  const bytes = new Uint8Array(file('nifti_ok/base_i16.nii'));
  change(new DataView(bytes.buffer));
  return bytes;
}

describe('reading NIfTI', () => {
  for (const [name, wanted] of expected.filter(([, one]) => one.ok)) {
    it(`reads ${name}${wanted.note === '' ? '' : ` (${wanted.note})`}`, () => {
      if (wanted.refuse_by_default === true) {
        expect(errorOf(() => decode(name)).code).to.equal('ask_first');
      }
      const { volume } = decode(name, { axes: 'LAS' });
      const [i, j, k] = wanted.shape;
      expect(volume.shape).to.deep.equal([k, j, i]);
      wanted.affine.forEach((value, n) => {
        expect(volume.affine[n], `affine ${n}`).to.be.closeTo(value, 1e-6);
      });
      expect(volume.data.reduce((sum, value) => sum + value, 0)).to.equal(wanted.sum);
      expect([...volume.data.subarray(0, 4)]).to.deep.equal(wanted.first);
      const half = volume.data.length / 2;
      expect([...volume.data.subarray(half, half + 4)]).to.deep.equal(wanted.mid);
    });
  }

  for (const [name, { note }] of expected.filter(([, one]) => !one.ok)) {
    it(`refuses ${name} (${note}) and says what to do`, () => {
      const error = errorOf(() => decode(name));
      expect(error.message).to.match(/expected|gzip/);
      expect(error.message).to.match(/;|copy/);
    });
  }

  it('turns every orientation of one image to the same voxels', () => {
    const base = toRas(decode('nifti_ok/base_i16.nii').volume);
    expect([...base.affine.subarray(0, 12)].map((value) => Math.sign(Math.round(value)))).to.eql([
      1, 0, 0, -1, 0, 1, 0, 1, 0, 0, 1, 1,
    ]);
    for (const axes of ['RAS', 'LPS', 'LAS', 'ASR', 'RSA']) {
      const turned = toRas(decode(`nifti_ok/orient_${axes}.nii.gz`).volume);
      expect(turned.shape, axes).to.deep.equal(base.shape);
      expect(turned.data, axes).to.deep.equal(base.data);
      expect(turned.affine, axes).to.deep.equal(base.affine);
    }
  });

  it('reports transforms that disagree and uses the sform', () => {
    const { header: agreed, notes } = decode('nifti_ok/base_i16.nii');
    expect([agreed.transformsApartMm, notes]).to.deep.equal([0, []]);
    const odd = decode('nifti_ok/qform_sform_disagree.nii');
    expect(odd.header.transform).to.equal('sform');
    // x of every voxel is 999 in one and 11.658203125 in the other.
    expect(odd.header.transformsApartMm).to.be.closeTo(987.341796875, 1e-3);
    expect(odd.notes.join()).to.contain('987.3 mm apart');
    expect(decode('nifti_ok/qform_only.nii').header.transform).to.equal('qform');
  });

  it('asks before it trusts metres or microns', () => {
    const microns = patched((view) => {
      view.setUint8(123, 3);
      for (let n = 0; n < 12; n++) {
        view.setFloat32(280 + 4 * n, view.getFloat32(280 + 4 * n, true) * 1000, true);
      }
      view.setInt16(252, 0, true);
    });
    expect(errorOf(() => decodeNifti(microns)).facts).to.deep.equal({
      code: 'ask_first',
      option: 'units',
    });
    const { volume } = decodeNifti(microns, { units: 'header' });
    expect(volume.affine[0]).to.be.closeTo(-1.5, 1e-4);
    expect(volume.affine[11]).to.be.closeTo(636.2, 1e-2);
    const unknown = patched((view) => {
      view.setUint8(123, 7);
    });
    expect(errorOf(() => decodeNifti(unknown)).code).to.equal('bad_field');
  });

  it('asks which frame of a cine to read', () => {
    // 24 x 22 x 20 read as 24 x 22 x 5 at four times.
    const cine = patched((view) => {
      view.setInt16(40, 4, true);
      view.setInt16(46, 5, true);
      view.setInt16(48, 4, true);
    });
    expect(errorOf(() => decodeNifti(cine)).facts).to.deep.equal({
      code: 'ask_first',
      option: 'frame',
    });
    const whole = decode('nifti_ok/base_i16.nii').volume.data;
    const { volume } = decodeNifti(cine, { frame: 2 });
    expect(volume.data).to.deep.equal(whole.slice(24 * 22 * 10, 24 * 22 * 15));
    expect(errorOf(() => decodeNifti(cine, { frame: 4 })).code).to.equal('bad_setting');
  });

  it('refuses more axes, wrong bits, and flat axes', () => {
    const cases: [string, (view: DataView) => void, string][] = [
      ['5D', (v) => { v.setInt16(40, 5, true); v.setInt16(50, 3, true); }, 'unsupported'],
      ['bitpix', (v) => { v.setInt16(72, 8, true); }, 'bad_field'],
      ['2D', (v) => { v.setInt16(40, 2, true); }, 'bad_field'],
      ['one plane', (v) => { v.setFloat32(280, 0, true); v.setFloat32(300, 0, true); }, 'bad_field'],
      ['spacing', (v) => { v.setFloat32(320, 900, true); }, 'bad_field'],
      ['offset', (v) => { v.setFloat32(108, 100, true); }, 'bad_field'],
      ['half offset', (v) => { v.setFloat32(108, 352.5, true); }, 'bad_field'],
      ['intercept', (v) => { v.setFloat32(112, 2, true); v.setFloat32(116, NaN, true); }, 'bad_field'],
      ['huge', (v) => { for (const n of [42, 44, 46]) v.setInt16(n, 32000, true); }, 'too_large'],
      ['quaternion', (v) => { v.setInt16(254, 0, true); v.setFloat32(256, 1.1, true); }, 'bad_field'],
    ]; // prettier-ignore
    for (const [name, change, code] of cases) {
      expect(errorOf(() => decodeNifti(patched(change))).code, name).to.equal(code);
    }
  });

  it('tells a pair from a single file', () => {
    const pair = file('nifti_ok/pair.hdr');
    expect(errorOf(() => decodeNifti(pair)).message).to.contain('.img');
    const single = file('nifti_ok/base_i16.nii');
    expect(errorOf(() => decodeNiftiPair(single, single)).code).to.equal('not_recognised');
    const image = file('nifti_ok/pair.img');
    expect(errorOf(() => decodeNiftiPair(pair, image.subarray(1))).code).to.equal('truncated');
    const zipped = decodeNiftiPair(gzipSync(pair), gzipSync(image));
    expect(zipped.volume.data).to.deep.equal(decode('nifti_ok/pair.hdr').volume.data);
  });

  it('bounds what gzip may become', () => {
    const bomb = file('nifti_bad/gz_bomb_200MB.nii.gz');
    expect(errorOf(() => decodeNifti(bomb)).code).to.equal('too_large');
    // A small header followed by 64 MiB that it does not explain.
    const tail = gzipSync(Buffer.concat([file('nifti_ok/base_i16.nii'), Buffer.alloc(2 ** 26)]));
    expect(errorOf(() => decodeNifti(tail)).code).to.equal('too_large');
  });

  it('breaks only with coded errors on any damage', async () => {
    // As 100,000 and 10,000 of them in nifti-fuzz.slow.test.ts.
    const outcomes = [await fuzzHeaders(2000, 'headers'), await fuzzGzip(200, 'gzip')];
    for (const { read, refused } of outcomes) {
      expect(Math.min(read, refused)).to.be.above(20);
    }
  });

  it('keeps and quotes no text of the file', () => {
    for (const name of ['ext_with_phi', 'descrip_with_phi']) {
      const image = decode(`nifti_ok/${name}.nii.gz`);
      const raw = Buffer.from(gunzipSync(file(`nifti_ok/${name}.nii.gz`))).toString('latin1');
      const written = Buffer.from(encodeNifti(image.volume, { gzip: false })).toString('latin1');
      const texts = raw.slice(0, 700).match(/[A-Za-z^]{5,}/g) ?? [];
      expect(texts.length, name).to.be.above(0);
      for (const text of texts) {
        expect(written, name).to.not.contain(text);
        expect(JSON.stringify(image.header), name).to.not.contain(text);
      }
    }
  });
});

describe('writing NIfTI', () => {
  it('comes back the same, oblique and left-handed grids too', () => {
    for (const name of ['oblique25.nii.gz', 'orient_LAS.nii.gz', 'orient_RSA.nii.gz']) {
      const { volume } = decode(`nifti_ok/${name}`);
      const again = decodeNifti(encodeNifti(volume));
      expect(again.volume.data, name).to.deep.equal(volume.data);
      expect(again.header, name).to.include({ transform: 'sform' });
      // The qform alone must say the same.
      const bytes = encodeNifti(volume, { gzip: false });
      new DataView(bytes.buffer).setInt16(254, 0, true);
      const { header } = decodeNifti(bytes);
      expect(header.transform).to.equal('qform');
      volume.affine.forEach((value, n) => {
        expect(again.volume.affine[n], `${name} sform ${n}`).to.be.closeTo(value, 1e-4);
        expect(header.affine[n], `${name} qform ${n}`).to.be.closeTo(value, 1e-4);
      });
    }
  });

  it('writes any rotation as a quaternion', () => {
    const angle = fc.double({ min: -Math.PI, max: Math.PI, noNaN: true });
    fc.assert(
      fc.property(angle, angle, angle, fc.boolean(), (a, b, c, flip) => {
        const [ca, sa, cb, sb, cc, sc] = [a, b, c].flatMap((x) => [Math.cos(x), Math.sin(x)]) as [
          number, number, number, number, number, number,
        ]; // prettier-ignore
        const s = flip ? -2.5 : 2.5;
        const affine = new Float64Array([
          0.5 * ca * cb, 0.5 * -sa, s * ca * sb, 10,
          0.5 * (cc * sa * cb + sc * sb), 0.5 * cc * ca, s * (cc * sa * sb - sc * cb), -20,
          0.5 * (sc * sa * cb - cc * sb), 0.5 * sc * ca, s * (sc * sa * sb + cc * cb), 30,
          0, 0, 0, 1,
        ]); // prettier-ignore
        const source = { shape: [1, 1, 1] as const, affine, data: new Uint8Array(1) };
        const bytes = encodeNifti(source, { gzip: false });
        new DataView(bytes.buffer).setInt16(254, 0, true);
        decodeNifti(bytes).volume.affine.forEach((value, n) => {
          // Near half a turn the left-out real part is sqrt(32-bit rounding), about 3e-4.
          expect(value).to.be.closeTo(affine[n]!, 2e-3);
        });
      }),
      { numRuns: 200, seed: 3 },
    );
  });

  it('keeps label maps in one byte and refuses a wrong count', () => {
    const geometry = { shape: [2, 3, 4] as const, affine: rasAffine([3, 2, 1], [5, 6, 7]) };
    const data = Uint8Array.from({ length: 24 }, (_, n) => n);
    const bytes = encodeNifti({ ...geometry, data }, { gzip: false });
    expect(bytes.length).to.equal(352 + 24);
    const { volume, header } = decodeNifti(bytes);
    expect(header.datatype).to.equal('uint8');
    expect(volume).to.deep.equal({ ...geometry, data: Float32Array.from(data) });
    expect(errorOf(() => encodeNifti({ ...geometry, data: data.subarray(1) })).code).to.equal(
      'bad_field',
    );
  });

  it('gives axes that are not at right angles no qform', () => {
    const affine = rasAffine([1, 1, 1], [0, 0, 0]);
    affine[1] = 0.5;
    const source = { shape: [1, 1, 1] as const, affine, data: new Uint8Array(1) };
    const bytes = encodeNifti(source, { gzip: false });
    expect(new DataView(bytes.buffer).getInt16(252, true)).to.equal(0);
    expect(decodeNifti(bytes).volume.affine).to.deep.equal(affine);
  });
});
