import { readFileSync } from 'node:fs';

import { expect } from 'chai';
import fc from 'fast-check';

import { fromHex, hex, InvariantError, utf8 } from '../../src/base/index.ts';
import {
  bulkCiphertextBytes,
  CryptoError,
  decryptBulk,
  digestOf,
  encryptBulk,
  hkdf,
} from '../../src/crypto/index.ts';

interface Vectors {
  key: string;
  salt: string;
  cases: {
    plaintextBytes: number;
    context: string;
    ciphertextBytes: number;
    sha256: string;
    ciphertext?: string;
  }[];
}
const vectors = JSON.parse(readFileSync('test/vectors/cobblestone-256.json', 'utf8')) as Vectors;
const key = fromHex(vectors.key)!;
const plaintextOf = (size: number): Uint8Array =>
  Uint8Array.from({ length: size }, (_, i) => (31 * i + 7) & 255);

function codeOf(ciphertext: Uint8Array, withKey = key, context = utf8('c')): string {
  try {
    decryptBulk(withKey, context, ciphertext);
    return 'opened';
  } catch (error) {
    if (error instanceof CryptoError) return error.code;
    throw error;
  }
}

describe('chunked encryption', () => {
  it('writes what another implementation writes', () => {
    expect(vectors.cases).to.have.length(5);
    for (const { plaintextBytes, context, ciphertextBytes, sha256, ciphertext } of vectors.cases) {
      const plaintext = plaintextOf(plaintextBytes);
      const [salt, bound] = [fromHex(vectors.salt)!, fromHex(context)!];
      const made = encryptBulk(key, bound, plaintext, salt);
      expect(made.byteLength, `${plaintextBytes} bytes`).to.equal(ciphertextBytes);
      expect(bulkCiphertextBytes(plaintextBytes)).to.equal(ciphertextBytes);
      expect(digestOf(made), `${plaintextBytes} bytes`).to.equal(sha256);
      if (ciphertext !== undefined) expect(hex(made)).to.equal(ciphertext);
      expect(Buffer.compare(decryptBulk(key, bound, made), plaintext)).to.equal(0);
    }
  });

  it('draws a new salt each time', () => {
    const [one, two] = [0, 1].map(() => hex(encryptBulk(key, utf8('c'), plaintextOf(3))));
    expect(one).to.not.equal(two);
  });

  it('opens nothing under another key or context', () => {
    const sealed = encryptBulk(key, utf8('c'), plaintextOf(100));
    expect(codeOf(sealed)).to.equal('opened');
    expect(codeOf(sealed, new Uint8Array(32))).to.equal('bad_ciphertext');
    expect(codeOf(sealed, key, utf8('d'))).to.equal('bad_ciphertext');
  });

  it('notices every cut, extension, swap and flip', () => {
    const chunk = 16_384 + 16;
    const sealed = encryptBulk(key, utf8('c'), plaintextOf(2 * 16_384 + 5));
    const cuts = [0, 1, 24, 55, 56, 57, 71, 72, 56 + chunk - 1, 56 + chunk, 56 + chunk + 1];
    cuts.push(56 + chunk + 16, 56 + 2 * chunk, 56 + 2 * chunk + 15, 56 + 2 * chunk + 16);
    for (const size of [...cuts, sealed.byteLength - 1]) {
      expect(codeOf(sealed.subarray(0, size)), `cut at ${size}`).to.equal('bad_ciphertext');
    }
    const first = sealed.subarray(56, 56 + chunk);
    const second = sealed.subarray(56 + chunk, 56 + 2 * chunk);
    const rest = sealed.subarray(56 + 2 * chunk);
    const swapped = new Uint8Array([...sealed.subarray(0, 56), ...second, ...first, ...rest]);
    expect(codeOf(swapped)).to.equal('bad_ciphertext');
    expect(codeOf(new Uint8Array([...sealed, 0]))).to.equal('bad_ciphertext');
    for (const at of [0, 23, 24, 55, 56, 56 + chunk - 1, 56 + chunk, sealed.byteLength - 1]) {
      expect(codeOf(sealed.map((b, i) => (i === at ? b ^ 0x40 : b))), `byte ${at}`).to.equal(
        'bad_ciphertext',
      );
    }
  });

  it('throws nothing but its coded error on random bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => codeOf(bytes) === 'bad_ciphertext'),
    );
  });

  it('wants a key of 32 bytes', () => {
    expect(() => encryptBulk(new Uint8Array(16), utf8('c'), key)).to.throw(InvariantError);
  });
});

describe('hkdf', () => {
  it('gives the keys of RFC 5869, A.1', () => {
    const okm = hkdf(
      new Uint8Array(22).fill(0x0b),
      fromHex('000102030405060708090a0b0c')!,
      fromHex('f0f1f2f3f4f5f6f7f8f9')!,
      42,
    );
    expect(hex(okm)).to.equal(
      '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865',
    );
  });
});
