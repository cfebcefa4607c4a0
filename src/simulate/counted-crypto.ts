/**
 * Keys for simulations. A signature is a hash over a secret that only this object knows, so that a peer can forge none and
 * a hundred peers do not spend their time on curves; checks are counted. Everything follows from the seed.
 */
import { hex, invariant, utf8 } from '../base/index.ts';
import {
  CryptoError,
  sha256,
  signatureBytes,
  type CryptoPort,
  type HpkeKeyPair,
  type Sealing,
  type Signer,
} from '../crypto/index.ts';

/** What was asked of the keys. */
export interface CryptoCounts {
  /** Signatures checked. */
  readonly checks: number;
  /** Secrets sealed, and opened. */
  readonly sealings: number;
}

/** The port, and the keys that fit it. */
export interface CountedCrypto extends CryptoPort {
  readonly counts: CryptoCounts;
  /** The signer of that name; the same for the same name. */
  signer(name: string): Signer;
  /** The sealing key of that name. */
  sealKey(name: string): HpkeKeyPair;
}

const hashBytes = 32;
const tagBytes = 16;

/** Keys and checks that follow from `seed`. */
export function countedCrypto(seed: string | number): CountedCrypto {
  return new SecretRegistry(`annulus/counted/${seed}`);
}

class SecretRegistry implements CountedCrypto {
  readonly counts: { checks: number; sealings: number } = { checks: 0, sealings: 0 };
  readonly sealing: Sealing;
  readonly #seed: string;
  /** By the public key in hex. */
  readonly #secrets = new Map<string, Uint8Array>();
  #drawn = 0;

  constructor(seed: string) {
    this.#seed = seed;
    this.sealing = {
      randomBytes: (count) => this.#randomBytes(count),
      sealTo: (publicKey, info, aad, plaintext) => this.#sealTo(publicKey, info, aad, plaintext),
      openSealed: (privateKey, info, aad, sealed) =>
        this.#openSealed(privateKey, info, aad, sealed),
    };
  }

  readonly verify: CryptoPort['verify'] = (publicKey, domain, message, signature) =>
    this.#isSigned(publicKey, [utf8(`${domain}\n`), message], signature);

  readonly verifyBytes: CryptoPort['verifyBytes'] = (publicKey, bytes, signature) =>
    this.#isSigned(publicKey, [bytes], signature);

  signer(name: string): Signer {
    const { publicKey, privateKey: secret } = this.#pair(`signer/${name}`);
    return {
      publicKey,
      sign: (domain, message) => signature(secret, [utf8(`${domain}\n`), message]),
      signRaw: (bytes) => signature(secret, [bytes]),
    };
  }

  sealKey(name: string): HpkeKeyPair {
    return this.#pair(`seal/${name}`);
  }

  #pair(name: string): HpkeKeyPair {
    const privateKey = sha256(utf8(`${this.#seed}/${name}`));
    const publicKey = sha256(utf8('public'), privateKey);
    this.#secrets.set(hex(publicKey), privateKey);
    return { publicKey, privateKey };
  }

  #isSigned(publicKey: Uint8Array, parts: readonly Uint8Array[], given: Uint8Array): boolean {
    this.counts.checks += 1;
    const secret = this.#secrets.get(hex(publicKey));
    return secret !== undefined && Buffer.compare(signature(secret, parts), given) === 0;
  }

  #randomBytes(count: number): Uint8Array {
    invariant(count <= hashBytes, 'keys and salts are short');
    this.#drawn += 1;
    return sha256(utf8(`${this.#seed}/drawn/${this.#drawn}`)).subarray(0, count);
  }

  /** As large as HPKE's: 32 bytes for this one message, the secret under a pad, a tag. */
  async #sealTo(
    publicKey: Uint8Array,
    info: Uint8Array,
    aad: Uint8Array,
    plaintext: Uint8Array,
  ): Promise<Uint8Array> {
    this.counts.sealings += 1;
    const secret = this.#secrets.get(hex(publicKey));
    if (secret === undefined) {
      const facts = { code: 'bad_public_key', reason: 'not_a_point' } as const;
      throw new CryptoError(facts, 'a sealing key of this simulation');
    }
    const once = this.#randomBytes(hashBytes);
    const sealed = new Uint8Array(hashBytes + plaintext.byteLength + tagBytes);
    sealed.set(once);
    sealed.set(padded(plaintext, secret, once), hashBytes);
    sealed.set(tagOf(secret, once, info, aad, plaintext), hashBytes + plaintext.byteLength);
    return Promise.resolve(sealed);
  }

  async #openSealed(
    secret: Uint8Array,
    info: Uint8Array,
    aad: Uint8Array,
    sealed: Uint8Array,
  ): Promise<Uint8Array> {
    this.counts.sealings += 1;
    const once = sealed.subarray(0, hashBytes);
    const end = Math.max(hashBytes, sealed.byteLength - tagBytes);
    const plaintext = padded(sealed.subarray(hashBytes, end), secret, once);
    const tag = tagOf(secret, once, info, aad, plaintext);
    if (Buffer.compare(tag, sealed.subarray(end)) !== 0) {
      throw new CryptoError({ code: 'bad_ciphertext' }, 'expected bytes sealed to this key');
    }
    return Promise.resolve(plaintext);
  }
}

/** Two hashes over the secret and what is signed: nobody without the secret makes them. */
function signature(secret: Uint8Array, parts: readonly Uint8Array[]): Uint8Array {
  const hash = sha256(secret, ...parts.map(shortOf));
  const bytes = new Uint8Array(signatureBytes);
  bytes.set(hash);
  bytes.set(hash, hashBytes);
  return bytes;
}

/** Hashes of long messages, which nobody changes: an update goes to every member, and each checks its signature. */
const longHashes = new WeakMap<Uint8Array, Uint8Array>();
const longBytes = 1_024;

function shortOf(part: Uint8Array): Uint8Array {
  if (part.byteLength < longBytes) return part;
  let made = longHashes.get(part);
  if (made === undefined) {
    made = sha256(part);
    longHashes.set(part, made);
  }
  return made;
}

function padded(bytes: Uint8Array, secret: Uint8Array, once: Uint8Array): Uint8Array {
  const out = new Uint8Array(bytes.byteLength);
  for (let at = 0; at < bytes.byteLength; at += hashBytes) {
    const pad = sha256(utf8(`pad ${at}`), secret, once);
    for (let i = 0; i < hashBytes && at + i < bytes.byteLength; i++) {
      out[at + i] = (bytes[at + i] ?? 0) ^ (pad[i] ?? 0);
    }
  }
  return out;
}

function tagOf(secret: Uint8Array, once: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array {
  const lengths = parts.map(({ byteLength }) => byteLength).join(' ');
  return sha256(utf8(lengths), secret, once, ...parts).subarray(0, tagBytes);
}
