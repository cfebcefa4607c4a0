/** A small consortium for tests, the same as in test/vectors/make.py: keys are SHA-256 of "<id> <role>". */
import { readFileSync } from 'node:fs';

import { utf8 } from '../../src/base/index.ts';
import {
  generateEd25519,
  generateHpkeKey,
  sha256,
  type HpkeKeyPair,
  type KeyPair,
} from '../../src/crypto/index.ts';

/** The signing key of a member in a role, for instance `keyOf('L1', 'logKey')`. */
export function keyOf(id: string, role: string): KeyPair {
  return generateEd25519(sha256(utf8(`${id} ${role}`)));
}

/** The key to which updates for a member are sealed. */
export function sealKeyOf(id: string): HpkeKeyPair {
  return generateHpkeKey(sha256(utf8(`${id} sealKey`)));
}

/** A vector file of test/vectors. */
export function readVector(name: string): Readonly<Record<string, string>> {
  return JSON.parse(readFileSync(`test/vectors/${name}`, 'utf8')) as Record<string, string>;
}

/** `bytes` with one bit flipped. */
export function flipped(bytes: Uint8Array, index: number, bit: number): Uint8Array {
  return bytes.map((byte, at) => (at === index ? byte ^ (1 << bit) : byte));
}
