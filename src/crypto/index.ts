export { CryptoError, type CryptoErrorFacts } from './errors.ts';
export { digestOf, HashStream, hmacSha256, sha256 } from './hash.ts';
export { checkPublicKey, checkSealKey, publicKeyBytes } from './public-key.ts';
export {
  generateEd25519,
  signatureBytes,
  verifyRaw,
  verifyRawAside,
  verifySignature,
  verifySignatureAside,
  type KeyPair,
  type Signer,
  type VerifyBytes,
  type VerifySignature,
} from './ed25519.ts';
export { systemCrypto, systemSealing, type CryptoPort, type Sealing } from './crypto-port.ts';
export { hkdf } from './hkdf.ts';
export { generateHpkeKey, openSealed, sealingUnderWay, sealTo, type HpkeKeyPair } from './hpke.ts';
export {
  BulkDecryption,
  BulkEncryption,
  bulkHeaderBytes,
  isBulkKey,
  bulkKeyBytes,
  bulkSaltBytes,
} from './chunked-encryption.ts';
export { openKeyFile, sealKeyFile } from './key-file.ts';
export { fingerprintWords } from './fingerprint-words.ts';
