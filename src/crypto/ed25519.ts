/**
 * Ed25519 (RFC 8032) by OpenSSL, the one verifier of every decision, and signing under a domain: the bytes
 * signed are `domain || "\n" || message`, so a signature for one purpose is never valid for another.
 */
import {
  createPrivateKey,
  createPublicKey,
  randomBytes,
  sign,
  verify,
  type KeyObject,
} from 'node:crypto';

import { concatBytes, hex, invariant, utf8 } from '../base/index.ts';
import { publicKeyBytes } from './public-key.ts';

/** Size of an Ed25519 signature. */
export const signatureBytes = 64;

/** Whoever can sign with one private key: here a key in memory, later perhaps a card or a remote signer. */
export interface Signer {
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  /** Signature over `domain || "\n" || message`. `domain` is printable ASCII. */
  sign(domain: string, message: Uint8Array): Uint8Array;
  /** Signature over `bytes` alone: for formats that separate themselves (DSSE, signed notes). */
  signRaw(bytes: Uint8Array): Uint8Array;
}

/** A signer whose 32-byte private seed is in memory, for writing to a key file. */
export interface KeyPair extends Signer {
  /** RFC 8032's 32-byte private key. Secret. */
  readonly seed: Uint8Array;
}

/** Checks one signature over bytes: `verifyRaw`, or one that counts or remembers. */
export type VerifyBytes = (
  publicKey: Uint8Array,
  bytes: Uint8Array,
  signature: Uint8Array,
) => boolean;

/** Checks one signature over `domain || "\n" || message`: `verifySignature`, or one that counts or remembers. */
export type VerifySignature = (
  publicKey: Uint8Array,
  domain: string,
  message: Uint8Array,
  signature: Uint8Array,
) => boolean;

const spkiPrefix = Buffer.from('302a300506032b6570032100', 'hex');
const pkcs8Prefix = Buffer.from('302e020100300506032b657004220420', 'hex');

/** The key pair of a 32-byte `seed`; a fresh one from the system's secure random source without it. */
export function generateEd25519(seed: Uint8Array = randomBytes(32)): KeyPair {
  invariant(seed.byteLength === 32, 'an Ed25519 seed has 32 bytes');
  const privateKey = createPrivateKey({
    key: Buffer.concat([pkcs8Prefix, seed]),
    format: 'der',
    type: 'pkcs8',
  });
  const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
  const signRaw = (bytes: Uint8Array): Uint8Array => new Uint8Array(sign(null, bytes, privateKey));
  return {
    seed: new Uint8Array(seed),
    publicKey: new Uint8Array(spki.subarray(spkiPrefix.byteLength)),
    sign: (domain, message) => signRaw(signedBytes(domain, message)),
    signRaw,
  };
}

/** Whether `signature` is `publicKey`'s over `domain || "\n" || message`. Never throws on bad bytes. */
export function verifySignature(
  publicKey: Uint8Array,
  domain: string,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  return verifyRaw(publicKey, signedBytes(domain, message), signature);
}

/** Whether `signature` is `publicKey`'s over `bytes`. The key must have passed `checkPublicKey` once. */
export function verifyRaw(
  publicKey: Uint8Array,
  bytes: Uint8Array,
  signature: Uint8Array,
): boolean {
  if (publicKey.byteLength !== publicKeyBytes || signature.byteLength !== signatureBytes) {
    return false;
  }
  return verify(null, bytes, publicKeyObject(publicKey), signature);
}

/**
 * As `verifyRaw`, on a thread of Node's own pool: many at a time use all processors, and this thread goes on meanwhile.
 * It costs this thread a tenth of a check.
 */
export function verifyRawAside(
  publicKey: Uint8Array,
  bytes: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  if (publicKey.byteLength !== publicKeyBytes || signature.byteLength !== signatureBytes) {
    return Promise.resolve(false);
  }
  return new Promise((resolve, reject) => {
    verify(null, bytes, publicKeyObject(publicKey), signature, (error, isRight) => {
      if (error === null) resolve(isRight);
      else reject(error);
    });
  });
}

/** As `verifySignature`, by `verifyRawAside`. */
export function verifySignatureAside(
  publicKey: Uint8Array,
  domain: string,
  message: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  return verifyRawAside(publicKey, signedBytes(domain, message), signature);
}

function signedBytes(domain: string, message: Uint8Array): Uint8Array {
  invariant(/^[\x21-\x7e]+$/.test(domain), 'a signing domain is printable ASCII without spaces');
  return concatBytes(utf8(`${domain}\n`), message);
}

/** Parsed keys by hex: a consortium has at most some hundreds, so forgetting all at the limit is fine. */
const parsedKeys = new Map<string, KeyObject>();
const parsedKeysMax = 1024;

function publicKeyObject(raw: Uint8Array): KeyObject {
  const name = hex(raw);
  const known = parsedKeys.get(name);
  if (known !== undefined) return known;
  const key = createPublicKey({
    key: Buffer.concat([spkiPrefix, raw]),
    format: 'der',
    type: 'spki',
  });
  if (parsedKeys.size >= parsedKeysMax) parsedKeys.clear();
  parsedKeys.set(name, key);
  return key;
}
