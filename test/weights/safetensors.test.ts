import { readdirSync, readFileSync } from 'node:fs';

import { expect } from 'chai';
import fc from 'fast-check';

import { utf8 } from '../../src/base/index.ts';
import {
  decodeSafetensors,
  encodeSafetensors,
  safetensorsLimits,
  WeightsError,
} from '../../src/weights/index.ts';

const oracles = '../shared/oracles/';

/** A file with this header text and `dataBytes` zeros. */
function fileOf(header: string, dataBytes: number): Uint8Array {
  const json = utf8(header);
  const out = new Uint8Array(8 + json.byteLength + dataBytes);
  new DataView(out.buffer).setBigUint64(0, BigInt(json.byteLength), true);
  out.set(json, 8);
  return out;
}

function codeOf(bytes: Uint8Array): string {
  try {
    decodeSafetensors(bytes);
    return 'accepted';
  } catch (error) {
    if (error instanceof WeightsError) return error.code;
    throw error;
  }
}

describe('safetensors', () => {
  it('re-encodes files of the Python library byte for byte', () => {
    const names = readdirSync(oracles).filter((name) => name.endsWith('.safetensors'));
    expect(names).to.have.length.greaterThan(3);
    for (const name of names) {
      const bytes = new Uint8Array(readFileSync(oracles + name));
      const { tensors, metadata } = decodeSafetensors(bytes);
      const hasMetadata = Object.keys(metadata).length > 0;
      const again = encodeSafetensors(tensors, hasMetadata ? metadata : undefined);
      expect(Buffer.compare(again, bytes), name).to.equal(0);
    }
  });

  it('copies out of a Node Buffer, which shares its pool with other files', () => {
    // 1.5 and -2 as float32; a Buffer's own slice would be a view from the pool's first byte.
    const tensors = [{ name: 'a', shape: [2], data: new Float32Array([1.5, -2]) }];
    const pooled = Buffer.from(encodeSafetensors(tensors));
    const [read] = decodeSafetensors(pooled).tensors;
    expect([...(read?.data ?? [])]).to.deep.equal([1.5, -2]);
    pooled.fill(0);
    expect([...(read?.data ?? [])]).to.deep.equal([1.5, -2]);
  });

  it('lays out one tensor as the format says', () => {
    // Header of 54 characters, padded with spaces to 56 = 0x38; 1.5 is 0x3fc00000.
    const bytes = encodeSafetensors([{ name: 'a', shape: [1], data: new Float32Array([1.5]) }]);
    const json = '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}';
    expect(Buffer.from(bytes.subarray(0, 8)).toString('hex')).to.equal('3800000000000000');
    expect(Buffer.from(bytes.subarray(8, 64)).toString()).to.equal(json.padEnd(56));
    expect(Buffer.from(bytes.subarray(64)).toString('hex')).to.equal('0000c03f');
  });

  it('keeps every element type and names that look like numbers', () => {
    const tensors = [
      { name: 'z', shape: [2], data: new Float64Array([Math.PI, -0]) },
      { name: '1', shape: [], data: new Int32Array([-7]) },
      { name: '0', shape: [0, 3], data: new Uint16Array(0) },
      { name: 'ü', shape: [3], data: new Uint8Array([1, 2, 255]) },
      { name: 'b', shape: [1], data: new Int8Array([-1]) },
      { name: 'c', shape: [1], data: new Int16Array([-300]) },
      { name: 'd', shape: [1], data: new Uint32Array([2 ** 32 - 1]) },
    ];
    const { tensors: back, metadata } = decodeSafetensors(encodeSafetensors(tensors, { a: 'b' }));
    // The empty tensor shares its offset with the next one; the order of data is kept otherwise.
    expect(back).to.deep.equal(tensors);
    expect(metadata).to.deep.equal({ a: 'b' });
  });

  const entry = (shape: string, offsets: string, dtype = '"F32"'): string =>
    `{"dtype":${dtype},"shape":${shape},"data_offsets":${offsets}}`;
  const hostile: [string, Uint8Array, string][] = [
    ['nothing', new Uint8Array(0), 'malformed'],
    ['seven bytes', new Uint8Array(7), 'malformed'],
    ['a header length of 2^64-1', new Uint8Array(8).fill(255), 'too_large'],
    [
      'a header longer than the file',
      fileOf('{}', 0).map((b, i) => (i === 0 ? 9 : b)),
      'malformed',
    ],
    ['no JSON', fileOf('{"a":', 0), 'malformed'],
    ['a list', fileOf('[]', 0), 'malformed'],
    ['a space first', fileOf(' {}', 0), 'malformed'],
    ['bytes after the last tensor', fileOf('{}', 1), 'malformed'],
    ['a hole', fileOf(`{"a":${entry('[1]', '[4,8]')}}`, 8), 'malformed'],
    [
      'an overlap',
      fileOf(`{"a":${entry('[2]', '[0,8]')},"b":${entry('[1]', '[4,8]')}}`, 8),
      'malformed',
    ],
    ['an end beyond the file', fileOf(`{"a":${entry('[2]', '[0,8]')}}`, 4), 'malformed'],
    ['a shape that does not fit', fileOf(`{"a":${entry('[3]', '[0,8]')}}`, 8), 'malformed'],
    ['a negative size', fileOf(`{"a":${entry('[-1,-2]', '[0,8]')}}`, 8), 'malformed'],
    ['a fraction', fileOf(`{"a":${entry('[0.5,4]', '[0,8]')}}`, 8), 'malformed'],
    [
      'sizes that overflow',
      fileOf(`{"a":${entry('[4294967296,4294967296]', '[0,0]')}}`, 0),
      'malformed',
    ],
    [
      'a huge claim',
      fileOf(`{"a":${entry('[1000000000000]', '[0,4000000000000]')}}`, 4),
      'malformed',
    ],
    ['an unknown dtype', fileOf(`{"a":${entry('[1]', '[0,4]', '"BF99"')}}`, 4), 'malformed'],
    [
      'dtype constructor',
      fileOf(`{"a":${entry('[1]', '[0,4]', '"constructor"')}}`, 4),
      'malformed',
    ],
    [
      'an unknown field',
      fileOf(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"x":1}}`, 4),
      'malformed',
    ],
    [
      'a name twice',
      fileOf(`{"a":${entry('[1]', '[0,4]')},"a":${entry('[1]', '[0,4]', '"I32"')}}`, 4),
      'malformed',
    ],
    [
      'a name twice, escaped',
      fileOf(`{"a":${entry('[1]', '[0,4]')},"\\u0061":${entry('[1]', '[0,4]')}}`, 4),
      'malformed',
    ],
    ['metadata of numbers', fileOf('{"__metadata__":{"a":1}}', 0), 'malformed'],
    ['invalid UTF-8', fileOf('{"ab":1}', 0).map((b, i) => (i === 10 ? 0xff : b)), 'malformed'],
  ];
  for (const [what, bytes, code] of hostile) {
    it(`refuses ${what}`, () => {
      expect(codeOf(bytes)).to.equal(code);
    });
  }

  it('names the tensor, the field and the cause', () => {
    const messageOf = (bytes: Uint8Array): string => {
      try {
        decodeSafetensors(bytes);
      } catch (error) {
        return (error as Error).message;
      }
      return 'accepted';
    };
    const one = (shape: string, offsets: string, name = 'conv.w'): string =>
      `{"${name}":${entry(shape, offsets)}}`;
    const json = one('[2]', '[0,8]');
    const cases: [Uint8Array, RegExp][] = [
      // The header is as long as its text, and 8 bytes of length stand before it.
      [fileOf(json, 4), new RegExp(`"conv.w".* up to byte ${8 + json.length + 8} .*cut short`)],
      [fileOf(one('[1]', '[-4,0]'), 4), /"conv\.w" data_offsets .*from 0, got \[-4,0\]/],
      [fileOf(one('[1]', '[4,8]'), 8), /"conv\.w" data_offsets that begin at 0.*got 4: a gap/],
      [fileOf(one('[3]', '[0,8]'), 8), /"conv\.w" data_offsets 12 bytes apart.*got \[0,8\]/],
      [fileOf(one('[-1]', '[0,4]'), 4), /"conv\.w" a shape .*got \[-1\]/],
      [fileOf(one('[1]', '[0,4]').replace('F32', 'F4'), 4), /"conv\.w" a dtype of .*got "F4"/],
      [fileOf(json, 9), /ends with the last tensor, got 1 bytes more/],
      [fileOf(json, 8).subarray(0, 30), /a header of \d+ bytes, got a file of 30: it is cut short/],
      [utf8('version https://git-lfs.github.com/spec/v1\noid sha256:4d\n'), /a Git LFS pointer/],
      [utf8('<!DOCTYPE html><html>404</html>'), /a web page/],
      [fileOf(one('[1]', '[-4,0]', 'a\\u001b[2Jb'), 4), /"a\\u001b\[2Jb"/],
    ];
    for (const [bytes, words] of cases) expect(messageOf(bytes)).match(words);
  });

  it('reads a header whose length begins as gzip does', () => {
    // 35615 is 0x8b1f: the file begins with 1f 8b 00.
    const json = `{"a":${entry('[1]', '[0,4]')}}`.padEnd(0x8b1f);
    expect(codeOf(fileOf(json, 4))).to.equal('accepted');
  });

  it('accepts an empty file of tensors, so that the refusals above mean something', () => {
    expect(decodeSafetensors(fileOf('{}', 0)).tensors).to.deep.equal([]);
    expect(codeOf(fileOf(`{"a":${entry('[2]', '[0,8]')}}`, 8))).to.equal('accepted');
  });

  it('obeys the limits it is given', () => {
    const bytes = encodeSafetensors([{ name: 'a', shape: [4], data: new Float32Array(4) }]);
    for (const limit of [{ maxBytes: 8 }, { maxHeaderBytes: 8 }, { maxTensors: 0 }]) {
      expect(() => decodeSafetensors(bytes, { ...safetensorsLimits, ...limit }))
        .to.throw(WeightsError)
        .with.property('code', 'too_large');
    }
  });

  it('throws nothing but its coded error on random bytes and flipped bits', () => {
    const valid = encodeSafetensors(
      [
        { name: 'a', shape: [2, 2], data: new Float32Array([1, 2, 3, 4]) },
        { name: 'b', shape: [3], data: new Uint8Array(3) },
      ],
      { k: 'v' },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        codeOf(bytes);
      }),
      { numRuns: 500 },
    );
    for (let i = 0; i < valid.byteLength; i++) {
      for (const bit of [1, 0x20, 0x80]) {
        codeOf(valid.map((byte, at) => (at === i ? byte ^ bit : byte)));
      }
      codeOf(valid.subarray(0, i));
    }
  });
});
