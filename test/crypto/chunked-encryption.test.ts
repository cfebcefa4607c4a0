import { readFileSync } from 'node:fs';

import { expect } from 'chai';
import fc from 'fast-check';

import { concatBytes, fromHex, hex, InvariantError, utf8 } from '../../src/base/index.ts';
import {
  CryptoError,
  BulkDecryption,
  BulkEncryption,
  digestOf,
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

/** One piece in, one piece out. */
function encryptBulk(
  withKey: Uint8Array,
  context: Uint8Array,
  plaintext: Uint8Array,
  salt?: Uint8Array,
): Uint8Array {
  const encryption = new BulkEncryption(withKey, context, salt);
  return concatBytes(encryption.push(plaintext), encryption.end());
}

function decryptBulk(withKey: Uint8Array, context: Uint8Array, ciphertext: Uint8Array): Uint8Array {
  return decryptPieces(withKey, context, [ciphertext]);
}

function decryptPieces(
  withKey: Uint8Array,
  context: Uint8Array,
  pieces: readonly Uint8Array[],
): Uint8Array {
  const plaintext: Uint8Array[] = [];
  const decryption = new BulkDecryption(withKey, context, (chunk) => plaintext.push(chunk));
  for (const piece of pieces) decryption.push(piece);
  decryption.end();
  return concatBytes(...plaintext);
}

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
      expect(digestOf(made), `${plaintextBytes} bytes`).to.equal(sha256);
      if (ciphertext !== undefined) expect(hex(made)).to.equal(ciphertext);
      expect(Buffer.compare(decryptBulk(key, bound, made), plaintext)).to.equal(0);
    }
  });

  it('gives the same in pieces of any sizes', () => {
    const salt = fromHex(vectors.salt)!;
    const sizes = fc.array(fc.integer({ min: 1, max: 40_000 }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 70_000 }), sizes, (size, cuts) => {
        const plaintext = plaintextOf(size);
        const encryption = new BulkEncryption(key, utf8('c'), salt);
        const parts = inPieces(plaintext, cuts).map((piece) => encryption.push(piece));
        const made = concatBytes(...parts, encryption.end());
        const whole = encryptBulk(key, utf8('c'), plaintext, salt);
        expect(Buffer.compare(made, whole)).to.equal(0);
        const opened = decryptPieces(key, utf8('c'), inPieces(whole, cuts));
        expect(Buffer.compare(opened, plaintext)).to.equal(0);
      }),
      { numRuns: 60, seed: 1 },
    );
    const small = encryptBulk(key, utf8('c'), plaintextOf(100));
    const bytes = inPieces(small, [1]);
    expect(Buffer.compare(decryptPieces(key, utf8('c'), bytes), plaintextOf(100))).to.equal(0);
  });

  it('gives no byte of a chunk whose tag does not hold, nor under a key it does not commit to', () => {
    const sealed = encryptBulk(key, utf8('c'), plaintextOf(40_000));
    const takenOf = (bytes: Uint8Array, withKey = key): number => {
      let taken = 0;
      const decryption = new BulkDecryption(withKey, utf8('c'), (chunk) => {
        taken += chunk.byteLength;
      });
      expect(() => {
        decryption.push(bytes);
        decryption.end();
      }).to.throw(CryptoError);
      return taken;
    };
    const bent = (at: number): Uint8Array => sealed.map((b, i) => (i === at ? b ^ 1 : b));
    // The second chunk begins at 56 + 16400: the first one was sound.
    expect(takenOf(bent(56 + 16_400))).to.equal(16_384);
    expect(takenOf(bent(56))).to.equal(0);
    expect(takenOf(bent(30))).to.equal(0);
    expect(takenOf(sealed, new Uint8Array(32))).to.equal(0);
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

function inPieces(bytes: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let at = 0, n = 0; at < bytes.byteLength; n++) {
    const size = sizes[n % sizes.length]!;
    pieces.push(bytes.slice(at, at + size));
    at += size;
  }
  return pieces;
}

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
