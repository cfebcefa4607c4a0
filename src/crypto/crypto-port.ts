/**
 * What a peer checks and seals with. On a real node it is `systemCrypto`; a simulation gives one that counts checks
 * instead of making them, with keys to match.
 */
import { randomBytes } from 'node:crypto';

import { verifyRaw, verifySignature, type VerifyBytes, type VerifySignature } from './ed25519.ts';
import { openSealed, sealTo } from './hpke.ts';

/** Secrecy of the keys that updates are encrypted under. */
export interface Sealing {
  /** So many fresh bytes that nobody can guess: keys and salts of bulk encryption. */
  randomBytes(count: number): Uint8Array;
  /** As `sealTo` of HPKE: 48 bytes more than `plaintext`. @throws {CryptoError} 'bad_public_key' */
  sealTo(
    publicKey: Uint8Array,
    info: Uint8Array,
    aad: Uint8Array,
    plaintext: Uint8Array,
  ): Promise<Uint8Array>;
  /** As `openSealed` of HPKE. @throws {CryptoError} 'bad_ciphertext' */
  openSealed(
    privateKey: Uint8Array,
    info: Uint8Array,
    aad: Uint8Array,
    sealed: Uint8Array,
  ): Promise<Uint8Array>;
}

/** Checks of signatures, and sealing. Who signs is told apart: a `Signer` holds one private key. */
export interface CryptoPort {
  /** Checks a signature under a domain. */
  readonly verify: VerifySignature;
  /** Checks a signature over bytes that separate themselves (DSSE, signed notes). */
  readonly verifyBytes: VerifyBytes;
  readonly sealing: Sealing;
}

/** HPKE, and keys from the system's secure random source. */
export const systemSealing: Sealing = Object.freeze({
  randomBytes: (count: number) => new Uint8Array(randomBytes(count)),
  sealTo,
  openSealed,
});

/** Ed25519 by OpenSSL, and HPKE. */
export const systemCrypto: CryptoPort = Object.freeze({
  verify: verifySignature,
  verifyBytes: verifyRaw,
  sealing: systemSealing,
});
