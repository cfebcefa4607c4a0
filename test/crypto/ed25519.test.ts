import { expect } from 'chai';

import { fromHex, hex, InvariantError, utf8 } from '../../src/base/index.ts';
import {
  digestOf,
  generateEd25519,
  HashStream,
  sha256,
  verifyRaw,
  verifyRawAside,
  verifySignature,
  verifySignatureAside,
} from '../../src/crypto/index.ts';

const flip = (b: Uint8Array, at: number): Uint8Array => b.map((x, i) => (i === at ? x ^ 1 : x));
const bytes = (text: string): Uint8Array => fromHex(text)!;

/** RFC 8032, 7.1: tests 1, 2, 3 and SHA(abc). */
const rfc8032: [string, string, string, string][] = [
  [
    '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
    'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
    '',
    'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  ],
  [
    '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
    '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
    '72',
    '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  ],
  [
    'c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7',
    'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
    'af82',
    '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
  ],
  [
    '833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42',
    'ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf',
    'ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f',
    'dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704',
  ],
];

describe('Ed25519', () => {
  it('signs and verifies the vectors of RFC 8032', () => {
    for (const [seed, publicKey, message, signature] of rfc8032) {
      const key = generateEd25519(bytes(seed));
      expect(hex(key.publicKey)).to.equal(publicKey);
      expect(hex(key.seed)).to.equal(seed);
      expect(hex(key.signRaw(bytes(message)))).to.equal(signature);
      expect(verifyRaw(bytes(publicKey), bytes(message), bytes(signature)), message).to.equal(true);
    }
  });

  it('refuses another message, key, signature, and wrong sizes', () => {
    const [, publicKey, message, signature] = rfc8032[2]!.map(bytes);
    expect(verifyRaw(publicKey!, flip(message!, 0), signature!)).to.equal(false);
    for (let i = 0; i < 64; i++) {
      expect(verifyRaw(publicKey!, message!, flip(signature!, i)), `byte ${i}`).to.equal(false);
    }
    expect(verifyRaw(bytes(rfc8032[1]![1]), message!, signature!)).to.equal(false);
    expect(verifyRaw(publicKey!, message!, signature!.subarray(1))).to.equal(false);
    expect(verifyRaw(publicKey!.subarray(1), message!, signature!)).to.equal(false);
    // No point of the curve: false, not an error.
    expect(verifyRaw(new Uint8Array(32).fill(2), message!, signature!)).to.equal(false);
  });

  it('says the same aside, many at a time', async () => {
    const checks = rfc8032.flatMap(([, key, message, signature]) => [
      verifyRawAside(bytes(key), bytes(message), bytes(signature)),
      verifyRawAside(bytes(key), bytes(message), flip(bytes(signature), 40)),
      verifyRawAside(bytes(key), utf8('another'), bytes(signature)),
      verifyRawAside(bytes(key), bytes(message), bytes(signature).subarray(1)),
      verifyRawAside(bytes(key).subarray(1), bytes(message), bytes(signature)),
    ]);
    const expected = rfc8032.flatMap(() => [true, false, false, false, false]);
    expect(await Promise.all(checks)).to.deep.equal(expected);
    const key = generateEd25519();
    const signature = key.sign('annulus/a/v1', utf8('vote'));
    const aside = (domain: string): Promise<boolean> =>
      verifySignatureAside(key.publicKey, domain, utf8('vote'), signature);
    expect(await aside('annulus/a/v1')).to.equal(true);
    expect(await aside('annulus/b/v1')).to.equal(false);
  });

  it('refuses a malleated signature: S plus the group order', () => {
    const [, publicKey, message, signature] = rfc8032[2]!.map(bytes);
    const order = 2n ** 252n + 27742317777372353535851937790883648493n;
    const little = (b: Uint8Array): bigint => BigInt(`0x${hex(b.slice().reverse())}`);
    const s = little(signature!.subarray(32)) + order;
    const sBytes = bytes(s.toString(16).padStart(64, '0')).reverse();
    const other = new Uint8Array([...signature!.subarray(0, 32), ...sBytes]);
    expect(verifyRaw(publicKey!, message!, other)).to.equal(false);
  });

  it('separates domains', () => {
    const key = generateEd25519();
    const message = utf8('vote');
    const signature = key.sign('annulus/a/v1', message);
    expect(verifySignature(key.publicKey, 'annulus/a/v1', message, signature)).to.equal(true);
    expect(verifyRaw(key.publicKey, utf8('annulus/a/v1\nvote'), signature)).to.equal(true);
    expect(verifySignature(key.publicKey, 'annulus/b/v1', message, signature)).to.equal(false);
    expect(verifyRaw(key.publicKey, message, signature)).to.equal(false);
    for (const domain of ['', 'a\nb', 'a b', 'é']) {
      expect(() => key.sign(domain, message), domain).to.throw(InvariantError);
    }
  });

  it('draws a new key each time', () => {
    expect(hex(generateEd25519().seed)).to.not.equal(hex(generateEd25519().seed));
  });
});

describe('SHA-256', () => {
  // FIPS 180-2, B.1: "abc".
  const abc = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';

  it('hashes "abc", whole, in parts and as a stream', () => {
    expect(hex(sha256(utf8('abc')))).to.equal(abc);
    expect(digestOf(utf8('a'), utf8(''), utf8('bc'))).to.equal(abc);
    const stream = new HashStream().update(utf8('ab')).update(utf8('c'));
    expect(stream.sizeBytes).to.equal(3);
    expect(stream.digest()).to.equal(abc);
  });
});
