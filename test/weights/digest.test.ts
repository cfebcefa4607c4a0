import { createHash } from 'node:crypto';

import { expect } from 'chai';

import { encodeCanonicalWeights, modelDigest } from '../../src/weights/index.ts';

const a = { name: 'a', shape: [2], data: new Float32Array([1, 2]) };
const b = { name: 'b', shape: [1, 1], data: new Float32Array([3]) };

describe('modelDigest', () => {
  it('is the SHA-256 of the file with tensors ascending by name', () => {
    // Written out by hand from the format: header padded with spaces to a multiple of 8.
    const json =
      '{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},' +
      '"b":{"dtype":"F32","shape":[1,1],"data_offsets":[8,12]}}';
    const padded = json.padEnd(Math.ceil(json.length / 8) * 8);
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(padded.length));
    const data = Buffer.from('0000803f' + '00000040' + '00004040', 'hex');
    const file = Buffer.concat([length, Buffer.from(padded), data]);
    expect(Buffer.compare(encodeCanonicalWeights([b, a]), file)).to.equal(0);
    expect(modelDigest([a, b])).to.equal(createHash('sha256').update(file).digest('hex'));
  });

  it('does not depend on the order of the list', () => {
    expect(modelDigest([b, a])).to.equal(modelDigest([a, b]));
  });

  it('changes with a value, a shape and a name', () => {
    const digest = modelDigest([a, b]);
    const others = [
      [a, { ...b, data: new Float32Array([3.0000002]) }],
      [a, { ...b, shape: [1] }],
      [a, { ...b, name: 'c' }],
      [a],
    ];
    for (const other of others) expect(modelDigest(other)).to.not.equal(digest);
  });
});
