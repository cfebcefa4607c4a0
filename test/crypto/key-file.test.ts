import { scryptSync, createDecipheriv } from 'node:crypto';

import { expect } from 'chai';

import { fromUtf8, hex, InvariantError, utf8 } from '../../src/base/index.ts';
import { CryptoError, openKeyFile, sealKeyFile } from '../../src/crypto/index.ts';

const secret = Uint8Array.from({ length: 32 }, (_, i) => i);

function codeOf(file: Uint8Array, passphrase: string | null): string {
  try {
    openKeyFile(file, passphrase);
    return 'opened';
  } catch (error) {
    if (error instanceof CryptoError) return error.code;
    throw error;
  }
}

/** The file with some fields replaced. */
function changed(file: Uint8Array, fields: Record<string, unknown>): Uint8Array {
  return utf8(JSON.stringify({ ...(JSON.parse(fromUtf8(file)) as object), ...fields }));
}

describe('key file', () => {
  const sealed = sealKeyFile(secret, 'correct horse');

  it('opens with its passphrase, also when typed in another Unicode form', () => {
    expect(hex(openKeyFile(sealed, 'correct horse'))).to.equal(hex(secret));
    const composed = sealKeyFile(secret, 'Z\u00fcrich');
    expect(hex(openKeyFile(composed, 'Zu\u0308rich'))).to.equal(hex(secret));
  });

  it('is what it says: scrypt with N = 2^17 and AES-256-GCM', () => {
    const fields = JSON.parse(fromUtf8(sealed)) as Record<string, string>;
    const b64 = (name: string): Buffer => Buffer.from(fields[name]!, 'base64');
    const cost = { N: 131_072, r: 8, p: 1, maxmem: 2 ** 28 };
    const key = scryptSync('correct horse', b64('salt'), 32, cost);
    const body = b64('sealed');
    const cipher = createDecipheriv('aes-256-gcm', key, b64('nonce'));
    cipher.setAAD(
      Buffer.from('{"format":"annulus-key/v1","kdf":"scrypt","n":131072,"r":8,"p":1}\n'),
    );
    cipher.setAuthTag(body.subarray(32));
    const opened = Buffer.concat([cipher.update(body.subarray(0, 32)), cipher.final()]);
    expect(hex(opened)).to.equal(hex(secret));
  });

  it('shows nothing of the secret', () => {
    expect(fromUtf8(sealed)).to.not.include(Buffer.from(secret).toString('base64').slice(0, 20));
  });

  it('stays shut without the passphrase', () => {
    expect(codeOf(sealed, null)).to.equal('wrong_passphrase');
    expect(codeOf(sealed, 'correct horsf')).to.equal('wrong_passphrase');
  });

  it('takes costs from nobody', () => {
    for (const fields of [{ n: 2 ** 30 }, { n: 2 }, { r: 1 }, { p: 9 }, { kdf: 'pbkdf2' }]) {
      expect(codeOf(changed(sealed, fields), 'correct horse')).to.equal('bad_key_file');
    }
  });

  it('opens bare files without a passphrase', () => {
    const bare = sealKeyFile(secret, null);
    expect(hex(openKeyFile(bare, null))).to.equal(hex(secret));
  });

  it('refuses what is no key file', () => {
    const cases = [
      utf8(''),
      utf8('null'),
      utf8('{}'),
      utf8('{'),
      new Uint8Array([0xff]),
      new Uint8Array(65_537),
      changed(sealed, { salt: 'AA==' }),
      changed(sealed, { nonce: 7 }),
      changed(sealed, { sealed: 'AA==' }),
      changed(sealKeyFile(secret, null), { secret: 'not base64' }),
    ];
    for (const [index, file] of cases.entries()) {
      expect(codeOf(file, 'correct horse'), `case ${index}`).to.equal('bad_key_file');
    }
  });

  it('wants a passphrase of at least one character', () => {
    expect(() => sealKeyFile(secret, '')).to.throw(InvariantError);
  });
});
