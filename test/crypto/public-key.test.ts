import { expect } from 'chai';

import { fromHex } from '../../src/base/index.ts';
import {
  checkPublicKey,
  checkSealKey,
  CryptoError,
  generateEd25519,
  generateHpkeKey,
  verifyRaw,
} from '../../src/crypto/index.ts';

const bytes = (text: string): Uint8Array => fromHex(text)!;

function reasonOf(check: (key: Uint8Array) => void, key: Uint8Array): string {
  try {
    check(key);
    return 'accepted';
  } catch (error) {
    if (!(error instanceof CryptoError) || error.facts.code !== 'bad_public_key') throw error;
    return error.facts.reason;
  }
}

/** The eight points of small order (libsodium's and RFC 7748's well-known table), canonical. */
const smallOrder = [
  '0100000000000000000000000000000000000000000000000000000000000000',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0000000000000000000000000000000000000000000000000000000000000080',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
];
/** Second encodings: y not below p, and the two points with x = 0 with the sign bit set. */
const nonCanonical = [
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
  'ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
];

describe('checkPublicKey', () => {
  it('accepts keys', () => {
    // RFC 8032, 7.1, tests 1 and 2.
    const known = [
      'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
      '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
    ];
    for (const key of known) expect(reasonOf(checkPublicKey, bytes(key)), key).to.equal('accepted');
    for (let i = 0; i < 20; i++) {
      expect(reasonOf(checkPublicKey, generateEd25519().publicKey)).to.equal('accepted');
    }
  });

  it('refuses the points of small order, in every encoding', () => {
    for (const key of smallOrder) {
      expect(reasonOf(checkPublicKey, bytes(key)), key).to.equal('small_order');
    }
    for (const key of ['01'.padEnd(62, '0') + '80', 'ec'.padEnd(64, 'f')]) {
      expect(reasonOf(checkPublicKey, bytes(key)), key).to.equal('small_order');
    }
  });

  it('guards against a forgery that the verifier alone accepts', () => {
    // Identity as key, R = identity, S = 0: valid for every message by the cofactorless equation.
    const identity = bytes(smallOrder[0]!);
    const forged = new Uint8Array(64);
    forged[0] = 1;
    expect(verifyRaw(identity, new Uint8Array([1, 2, 3]), forged)).to.equal(true);
    expect(reasonOf(checkPublicKey, identity)).to.equal('small_order');
  });

  it('refuses second encodings', () => {
    for (const key of nonCanonical) {
      expect(reasonOf(checkPublicKey, bytes(key)), key).to.equal('non_canonical');
    }
  });

  it('refuses bytes that are no point', () => {
    // y = 2: (y²-1)/(dy²+1) is not a square (RFC 8032's decoding fails).
    expect(reasonOf(checkPublicKey, bytes('02'.padEnd(64, '0')))).to.equal('not_a_point');
  });

  it('refuses other lengths', () => {
    for (const size of [0, 31, 33, 64]) {
      expect(reasonOf(checkPublicKey, new Uint8Array(size).fill(9)), String(size)).to.equal(
        'length',
      );
    }
  });
});

describe('checkSealKey', () => {
  it('accepts the keys of RFC 7748, 6.1, and fresh ones', () => {
    const alice = '8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a';
    expect(reasonOf(checkSealKey, bytes(alice))).to.equal('accepted');
    expect(reasonOf(checkSealKey, generateHpkeKey().publicKey)).to.equal('accepted');
  });

  it('refuses the points of small order', () => {
    // Known small-order u-coordinates: 0, 1, two of order eight, p-1.
    const points = [
      '0000000000000000000000000000000000000000000000000000000000000000',
      '0100000000000000000000000000000000000000000000000000000000000000',
      'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
      '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
      'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    ];
    for (const point of points) {
      expect(reasonOf(checkSealKey, bytes(point)), point).to.equal('small_order');
    }
  });

  it('refuses what is not below p, the unused bit, and other lengths', () => {
    for (const key of ['ed'.padEnd(62, 'f') + '7f', '09'.padEnd(62, '0') + '80']) {
      expect(reasonOf(checkSealKey, bytes(key)), key).to.equal('non_canonical');
    }
    expect(reasonOf(checkSealKey, new Uint8Array(31))).to.equal('length');
  });
});
