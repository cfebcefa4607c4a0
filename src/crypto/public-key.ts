/**
 * Admission of public keys. OpenSSL accepts a forged signature under a small-order Ed25519 key for any
 * message, so such keys must never enter a manifest; the same goes for second encodings of one point.
 */
import { createPrivateKey, createPublicKey, diffieHellman, type KeyObject } from 'node:crypto';

import { concatBytes } from '../base/index.ts';
import { CryptoError, type CryptoErrorFacts } from './errors.ts';

/** Size of a raw Ed25519 or X25519 public key. */
export const publicKeyBytes = 32;

const prime = 2n ** 255n - 19n;
/** d = -121665/121666 (RFC 8032, 5.1). */
const curveD = mod(-121665n * power(121666n, prime - 2n));

/**
 * y-coordinates of the eight points whose order divides 8: identity (1), order two (p-1), order four (0),
 * order eight (the two others). The sign bit of x does not matter.
 */
const smallOrderY: ReadonlySet<bigint> = new Set([
  0n,
  1n,
  prime - 1n,
  0x7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7n,
  0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n,
]);

/**
 * Checks an Ed25519 public key before it is trusted: 32 bytes, the one canonical encoding, a point on the
 * curve, not of small order.
 * @throws {CryptoError} 'bad_public_key'
 */
export function checkPublicKey(bytes: Uint8Array): void {
  if (bytes.byteLength !== publicKeyBytes) throw refusal('length', 'an Ed25519 key has 32 bytes');
  let y = 0n;
  for (let i = 31; i >= 0; i--) y = (y << 8n) | BigInt(bytes[i] ?? 0);
  y &= (1n << 255n) - 1n;
  if (y >= prime) throw refusal('non_canonical', 'the y-coordinate is not below 2^255-19');
  if (smallOrderY.has(y)) throw refusal('small_order', 'the key has small order');
  // x² = (y²-1)/(d·y²+1) has a root exactly when u·v is a square: Euler's criterion.
  const ySquared = mod(y * y);
  const product = mod((ySquared - 1n) * (curveD * ySquared + 1n));
  if (power(product, (prime - 1n) / 2n) !== 1n) {
    throw refusal('not_a_point', 'the key is not a point of the curve');
  }
}

/**
 * Checks an X25519 public key (RFC 7748): 32 bytes, canonical, and no small order (with which every
 * shared secret would be zero).
 * @throws {CryptoError} 'bad_public_key'
 */
export function checkSealKey(bytes: Uint8Array): void {
  if (bytes.byteLength !== publicKeyBytes) throw refusal('length', 'an X25519 key has 32 bytes');
  let u = 0n;
  for (let i = 31; i >= 0; i--) u = (u << 8n) | BigInt(bytes[i] ?? 0);
  if (u >= prime) throw refusal('non_canonical', 'the u-coordinate is not below 2^255-19');
  try {
    // Scalars are clamped to multiples of eight, so a small-order point gives zero, which OpenSSL refuses.
    diffieHellman({ privateKey: probeKey, publicKey: x25519PublicKey(bytes) });
  } catch (cause) {
    throw refusal('small_order', 'the key has small order', cause);
  }
}

const x25519SpkiPrefix = Buffer.from('302a300506032b656e032100', 'hex');
const x25519Pkcs8Prefix = Buffer.from('302e020100300506032b656e04220420', 'hex');
const probeKey: KeyObject = createPrivateKey({
  key: Buffer.concat([x25519Pkcs8Prefix, Buffer.alloc(32, 0x5a)]),
  format: 'der',
  type: 'pkcs8',
});

function x25519PublicKey(raw: Uint8Array): KeyObject {
  const key = Buffer.from(concatBytes(x25519SpkiPrefix, raw));
  return createPublicKey({ key, format: 'der', type: 'spki' });
}

function refusal(
  reason: Extract<CryptoErrorFacts, { code: 'bad_public_key' }>['reason'],
  message: string,
  cause?: unknown,
): CryptoError {
  return new CryptoError({ code: 'bad_public_key', reason }, message, { cause });
}

function mod(a: bigint): bigint {
  const r = a % prime;
  return r < 0n ? r + prime : r;
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  let square = mod(base);
  for (let e = exponent; e > 0n; e >>= 1n) {
    if ((e & 1n) === 1n) result = mod(result * square);
    square = mod(square * square);
  }
  return result;
}
