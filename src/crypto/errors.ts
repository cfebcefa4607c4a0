import { AnnulusError } from '../base/index.ts';

/** Why bytes from outside were refused. Never carries keys or raw bytes. */
export type CryptoErrorFacts =
  /** A public key that must not be admitted. */
  | {
      readonly code: 'bad_public_key';
      readonly reason: 'length' | 'non_canonical' | 'small_order' | 'not_a_point';
    }
  /** Wrong key, wrong context, or changed, cut or extended bytes: not told apart on purpose. */
  | { readonly code: 'bad_ciphertext' }
  /** Not a key file of a version we know. */
  | { readonly code: 'bad_key_file'; readonly reason: string }
  /** The key file is sealed and the passphrase is missing or does not open it. */
  | { readonly code: 'wrong_passphrase' };

/** Bad input to a cryptographic verb. */
export class CryptoError extends AnnulusError<CryptoErrorFacts> {}
