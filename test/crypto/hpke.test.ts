import { readFileSync } from 'node:fs';

import { expect } from 'chai';

import { fromHex, hex, utf8 } from '../../src/base/index.ts';
import {
  CryptoError,
  generateHpkeKey,
  openSealed,
  sealingUnderWay,
  sealTo,
} from '../../src/crypto/index.ts';

const vector = JSON.parse(readFileSync('test/vectors/hpke.json', 'utf8')) as Record<string, string>;
const bytes = (name: string): Uint8Array => fromHex(vector[name]!)!;
const none = new Uint8Array(0);

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'opened';
  } catch (error) {
    if (error instanceof CryptoError) return error.code;
    throw error;
  }
}

describe('HPKE', () => {
  it('knows the public key of a private key (RFC 9180, A.1.1)', () => {
    expect(hex(generateHpkeKey(bytes('skR')).publicKey)).to.equal(vector.pkR);
  });

  it('opens what another implementation sealed', async () => {
    const [skR, info] = [bytes('skR'), bytes('info')];
    const opened = await openSealed(skR, info, bytes('aad'), bytes('sealed'));
    expect(hex(opened)).to.equal(vector.plaintext);
    const openedToo = await openSealed(skR, info, none, bytes('sealedWithoutAad'));
    expect(hex(openedToo)).to.equal(vector.plaintext);
  });

  it('seals afresh and opens', async () => {
    const key = generateHpkeKey();
    const secret = new Uint8Array(32).fill(7);
    const [one, two] = await Promise.all([
      sealTo(key.publicKey, utf8('info'), utf8('aad'), secret),
      sealTo(key.publicKey, utf8('info'), utf8('aad'), secret),
    ]);
    expect(one.byteLength).to.equal(32 + 32 + 16);
    expect(hex(one)).to.not.equal(hex(two));
    const opened = await openSealed(key.privateKey, utf8('info'), utf8('aad'), one);
    expect(hex(opened)).to.equal(hex(secret));
  });

  it('opens nothing under another key, info or aad, nor changed or cut bytes', async () => {
    const key = generateHpkeKey();
    const [info, aad] = [utf8('info'), utf8('aad')];
    const sealed = await sealTo(key.publicKey, info, aad, new Uint8Array(32));
    const other = generateHpkeKey().privateKey;
    const wrong = [
      openSealed(other, info, aad, sealed),
      openSealed(key.privateKey, utf8('inf'), aad, sealed),
      openSealed(key.privateKey, info, none, sealed),
      openSealed(key.privateKey, info, aad, sealed.subarray(0, 79)),
      openSealed(key.privateKey, info, aad, sealed.subarray(0, 47)),
      openSealed(key.privateKey, info, aad, none),
      openSealed(
        key.privateKey,
        info,
        aad,
        sealed.map((b, i) => (i < 32 ? 0 : b)),
      ),
      ...[0, 31, 32, 63, 79].map((at) =>
        openSealed(
          key.privateKey,
          info,
          aad,
          sealed.map((b, i) => (i === at ? b ^ 1 : b)),
        ),
      ),
    ];
    for (const [index, work] of wrong.entries()) {
      expect(await codeOf(work), `case ${index}`).to.equal('bad_ciphertext');
    }
  });

  it('does not seal to a key of small order', async () => {
    expect(await codeOf(sealTo(none, none, none, none))).to.equal('bad_public_key');
    expect(await codeOf(sealTo(new Uint8Array(32), none, none, none))).to.equal('bad_public_key');
  });

  it('tells that work is under way', async () => {
    expect(sealingUnderWay()).to.equal(null);
    const work = sealTo(generateHpkeKey().publicKey, none, none, none);
    expect(sealingUnderWay()).to.not.equal(null);
    await work;
    expect(sealingUnderWay()).to.equal(null);
  });
});
