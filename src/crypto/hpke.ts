/**
 * HPKE (RFC 9180), base mode, single shot: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM. Seals a
 * short secret to one member's key.
 */
import { createPrivateKey, createPublicKey, randomBytes } from 'node:crypto';

import { Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from '@hpke/core';

import { concatBytes, invariant } from '../base/index.ts';
import { CryptoError } from './errors.ts';
import { checkSealKey } from './public-key.ts';

/** An X25519 key pair to which secrets are sealed: raw bytes, 32 each. */
export interface HpkeKeyPair {
  readonly publicKey: Uint8Array;
  /** Secret. */
  readonly privateKey: Uint8Array;
}

const encapsulatedBytes = 32;
const tagBytes = 16;
const pkcs8Prefix = Buffer.from('302e020100300506032b656e04220420', 'hex');
const spkiPrefixBytes = 12;

const suite = new CipherSuite({
  kem: new DhkemX25519HkdfSha256(),
  kdf: new HkdfSha256(),
  aead: new Aes256Gcm(),
});

/** Operations on other threads, for clocks that must wait for them. */
const underWay = new Set<Promise<unknown>>();

/** The key pair whose private key is `seed` (32 bytes); a fresh one without it. */
export function generateHpkeKey(seed: Uint8Array = randomBytes(32)): HpkeKeyPair {
  invariant(seed.byteLength === 32, 'an X25519 private key has 32 bytes');
  const privateKey = createPrivateKey({
    key: Buffer.concat([pkcs8Prefix, seed]),
    format: 'der',
    type: 'pkcs8',
  });
  const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
  return {
    publicKey: new Uint8Array(spki.subarray(spkiPrefixBytes)),
    privateKey: new Uint8Array(seed),
  };
}

/**
 * Seals `plaintext` to `publicKey`: encapsulated key (32) || ciphertext with tag (+16). `info` and `aad` must
 * be the same when opening.
 * @throws {CryptoError} 'bad_public_key'
 */
export function sealTo(
  publicKey: Uint8Array,
  info: Uint8Array,
  aad: Uint8Array,
  plaintext: Uint8Array,
): Promise<Uint8Array> {
  const work = async (): Promise<Uint8Array> => {
    checkSealKey(publicKey);
    const recipientPublicKey = await suite.kem.deserializePublicKey(publicKey);
    const { enc, ct } = await suite.seal({ recipientPublicKey, info }, plaintext, aad);
    return concatBytes(new Uint8Array(enc), new Uint8Array(ct));
  };
  return track(work());
}

/**
 * Opens what `sealTo` made.
 * @throws {CryptoError} 'bad_ciphertext' for another key, `info` or `aad`, and for changed bytes
 */
export function openSealed(
  privateKey: Uint8Array,
  info: Uint8Array,
  aad: Uint8Array,
  sealed: Uint8Array,
): Promise<Uint8Array> {
  const work = async (): Promise<Uint8Array> => {
    if (sealed.byteLength < encapsulatedBytes + tagBytes) throw badSealed();
    const enc = sealed.subarray(0, encapsulatedBytes);
    const recipientKey = await suite.kem.deserializePrivateKey(privateKey);
    try {
      const ct = sealed.subarray(encapsulatedBytes);
      return new Uint8Array(await suite.open({ recipientKey, enc, info }, ct, aad));
    } catch (cause) {
      throw badSealed(cause);
    }
  };
  return track(work());
}

/** Resolves when the sealing and opening begun so far has ended; `null` when there is none. */
export function sealingUnderWay(): Promise<unknown> | null {
  return underWay.size === 0 ? null : Promise.allSettled(underWay);
}

function track<T>(work: Promise<T>): Promise<T> {
  underWay.add(work);
  const done = (): void => {
    underWay.delete(work);
  };
  work.then(done, done);
  return work;
}

function badSealed(cause?: unknown): CryptoError {
  return new CryptoError({ code: 'bad_ciphertext' }, 'expected bytes sealed to this key', {
    cause,
  });
}
