/**
 * Private keys at rest: JSON with the secret under AES-256-GCM and scrypt (N = 2^17, r = 8, p = 1, about 0.3 s
 * and 128 MiB for a guess), or bare when there is no passphrase and the file system alone protects it.
 */
import { createCipheriv, createDecipheriv, randomBytes, scryptSync } from 'node:crypto';

import { base64, fromBase64, fromUtf8, invariant, utf8 } from '../base/index.ts';
import { CryptoError } from './errors.ts';

const format = 'annulus-key/v1';
const scryptCost = { N: 2 ** 17, r: 8, p: 1, maxmem: 256 * 1024 * 1024 } as const;
const algorithm = 'aes-256-gcm';
const [saltBytes, nonceBytes, tagBytes] = [16, 12, 16];
const fileBytesMax = 64 * 1024;
/** Also authenticated with the ciphertext. */
const sealedHeader = { format, kdf: 'scrypt', n: scryptCost.N, r: scryptCost.r, p: scryptCost.p };

/** The bytes of a key file holding `secret`; `null` leaves it readable. Takes 0.3 s with a passphrase. */
export function sealKeyFile(secret: Uint8Array, passphrase: string | null): Uint8Array {
  if (passphrase === null) {
    return jsonLine({ format, kdf: 'none', secret: base64(secret) });
  }
  invariant(passphrase.length > 0, 'a passphrase is not empty');
  const salt = randomBytes(saltBytes);
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv(algorithm, stretch(passphrase, salt), nonce);
  cipher.setAAD(jsonLine(sealedHeader));
  const body = Buffer.concat([cipher.update(secret), cipher.final(), cipher.getAuthTag()]);
  return jsonLine({
    ...sealedHeader,
    salt: base64(salt),
    nonce: base64(nonce),
    sealed: base64(body),
  });
}

/**
 * The secret in a key file.
 * @throws {CryptoError} 'bad_key_file' when it is none of ours, 'wrong_passphrase' when it is missing, wrong,
 * or the bytes were changed (not told apart)
 */
export function openKeyFile(file: Uint8Array, passphrase: string | null): Uint8Array {
  const fields = readFields(file);
  if (fields.format !== format) throw badFile(`format ${format}`);
  if (fields.kdf === 'none') return bytesField(fields, 'secret');
  for (const [name, value] of Object.entries(sealedHeader)) {
    // Costs come from us, never from the file: it could ask for all memory.
    if (fields[name] !== value) throw badFile(`${name} ${value}`);
  }
  const salt = bytesField(fields, 'salt', saltBytes);
  const nonce = bytesField(fields, 'nonce', nonceBytes);
  const sealed = bytesField(fields, 'sealed');
  if (sealed.byteLength < tagBytes) throw badFile('a sealed secret');
  if (passphrase === null) throw wrongPassphrase('the key file needs a passphrase');
  const decipher = createDecipheriv(algorithm, stretch(passphrase, salt), nonce);
  decipher.setAAD(jsonLine(sealedHeader));
  decipher.setAuthTag(sealed.subarray(sealed.byteLength - tagBytes));
  try {
    const body = decipher.update(sealed.subarray(0, sealed.byteLength - tagBytes));
    return new Uint8Array(Buffer.concat([body, decipher.final()]));
  } catch (cause) {
    throw wrongPassphrase('the passphrase does not open the key file', cause);
  }
}

function stretch(passphrase: string, salt: Uint8Array): Buffer {
  return scryptSync(passphrase.normalize('NFKC'), salt, 32, scryptCost);
}

function readFields(file: Uint8Array): Readonly<Record<string, unknown>> {
  if (file.byteLength > fileBytesMax) throw badFile('at most 64 KiB');
  try {
    const value: unknown = JSON.parse(fromUtf8(file));
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch (cause) {
    throw badFile('JSON', cause);
  }
  throw badFile('an object');
}

function bytesField(
  fields: Readonly<Record<string, unknown>>,
  name: string,
  size?: number,
): Uint8Array {
  const text = fields[name];
  const bytes = typeof text === 'string' ? fromBase64(text) : null;
  if (bytes === null || (size !== undefined && bytes.byteLength !== size)) {
    throw badFile(`base64 in ${name}`);
  }
  return bytes;
}

function jsonLine(value: object): Uint8Array {
  return utf8(`${JSON.stringify(value)}\n`);
}

function badFile(reason: string, cause?: unknown): CryptoError {
  return new CryptoError({ code: 'bad_key_file', reason }, `key file: expected ${reason}`, {
    cause,
  });
}

function wrongPassphrase(message: string, cause?: unknown): CryptoError {
  return new CryptoError({ code: 'wrong_passphrase' }, message, { cause });
}
