/**
 * The six keys of a node, made on its own machine and kept in one sealed file, so that one pass of scrypt opens all of them.
 * The organisation's key has a file of its own: it is not for this machine. docs/specs/membership-files.md
 */
import { base64, invariant, type NodeId } from '../base/index.ts';
import {
  CryptoError,
  generateEd25519,
  generateHpkeKey,
  openKeyFile,
  sealKeyFile,
  systemSealing,
  type KeyPair,
} from '../crypto/index.ts';
import {
  b64,
  decodeStrict,
  encodeCanonical,
  keyBytes,
  literal,
  nodeId,
  obj,
  WireError,
  type Member,
} from '../wire/index.ts';
import type { NodeKeys } from './member-keys.ts';

/** Raw secrets, 32 bytes each. */
export interface NodeSecrets {
  readonly transport: Uint8Array;
  readonly consensus: Uint8Array;
  readonly log: Uint8Array;
  readonly witness: Uint8Array;
  readonly seal: Uint8Array;
  readonly site: Uint8Array;
}

/** Public keys of a node, as they stand in its line of a manifest. */
export type NodePublicKeys = Pick<
  Member,
  'consensusKey' | 'logKey' | 'witnessKey' | 'transportKey' | 'sealKey'
>;

const [nodeFormat, orgFormat] = ['annulus-node-keys/v1', 'annulus-org-key/v1'] as const;
const secret = b64(32, 32);
const readSecrets = obj({
  format: literal(nodeFormat),
  transport: secret,
  consensus: secret,
  log: secret,
  witness: secret,
  seal: secret,
  site: secret,
});
const readOrg = obj({ format: literal(orgFormat), id: nodeId, secret });

/** Fresh secrets from the system's secure random source. @param site a site key to keep, when keys are renewed */
export function newNodeSecrets(site?: Uint8Array): NodeSecrets {
  const fresh = (): Uint8Array => systemSealing.randomBytes(32);
  const [transport, consensus, log, witness, seal] = [fresh(), fresh(), fresh(), fresh(), fresh()];
  return { transport, consensus, log, witness, seal, site: site ?? fresh() };
}

/** The keys that these secrets are. */
export function nodeKeysOf(secrets: NodeSecrets): NodeKeys {
  return {
    transport: { seed: secrets.transport },
    consensus: generateEd25519(secrets.consensus),
    log: generateEd25519(secrets.log),
    witness: generateEd25519(secrets.witness),
    seal: { privateKey: secrets.seal },
    site: secrets.site,
  };
}

/** The public keys of these keys. */
export function publicKeysOf(keys: NodeKeys): NodePublicKeys {
  return {
    consensusKey: base64(keys.consensus.publicKey),
    logKey: base64(keys.log.publicKey),
    witnessKey: base64(keys.witness.publicKey),
    transportKey: base64(generateEd25519(keys.transport.seed).publicKey),
    sealKey: base64(generateHpkeKey(keys.seal.privateKey).publicKey),
  };
}

/** Whether two lines of manifests have the same keys of the node. */
export function haveSameNodeKeys(one: NodePublicKeys, other: NodePublicKeys): boolean {
  const of = (keys: NodePublicKeys): string =>
    [keys.consensusKey, keys.logKey, keys.witnessKey, keys.transportKey, keys.sealKey].join();
  return of(one) === of(other);
}

/** The file of a node's keys. Takes 0.3 s with a passphrase. @param passphrase null leaves them bare */
export function sealNodeKeys(secrets: NodeSecrets, passphrase: string | null): Uint8Array {
  const names = ['transport', 'consensus', 'log', 'witness', 'seal', 'site'] as const;
  const fields = Object.fromEntries(names.map((name) => [name, base64(secrets[name])]));
  return sealKeyFile(encodeCanonical({ format: nodeFormat, ...fields }), passphrase);
}

/** The secrets in a file of a node's keys. @throws {CryptoError} 'bad_key_file' or 'wrong_passphrase' */
export function openNodeKeys(file: Uint8Array, passphrase: string | null): NodeSecrets {
  const fields = opened(file, passphrase, readSecrets, "the keys of a node, as in a home's keys/");
  return {
    transport: keyBytes(fields.transport),
    consensus: keyBytes(fields.consensus),
    log: keyBytes(fields.log),
    witness: keyBytes(fields.witness),
    seal: keyBytes(fields.seal),
    site: keyBytes(fields.site),
  };
}

/** An organisation's key and whose it is. */
export interface OrgKey {
  readonly id: NodeId;
  readonly key: KeyPair;
}

/** The file of an organisation's key. Takes 0.3 s with a passphrase. @param passphrase null leaves it bare */
export function sealOrgKey({ id, key }: OrgKey, passphrase: string | null): Uint8Array {
  const fields = { format: orgFormat, id, secret: base64(key.seed) };
  return sealKeyFile(encodeCanonical(fields), passphrase);
}

/** The key in the file of an organisation's key. @throws {CryptoError} 'bad_key_file' or 'wrong_passphrase' */
export function openOrgKey(file: Uint8Array, passphrase: string | null): OrgKey {
  const fields = opened(file, passphrase, readOrg, "an organisation's key, as init writes it");
  return { id: fields.id, key: generateEd25519(keyBytes(fields.secret)) };
}

/** Whether a key file is sealed, so that it needs a passphrase. False also for what is no key file. */
export function needsPassphrase(file: Uint8Array): boolean {
  try {
    openKeyFile(file, null);
    return false;
  } catch (error) {
    invariant(error instanceof CryptoError, 'a key file fails with a coded error');
    return error.code === 'wrong_passphrase';
  }
}

function opened<T>(
  file: Uint8Array,
  passphrase: string | null,
  read: (value: unknown) => T,
  expected: string,
): T {
  const bytes = openKeyFile(file, passphrase);
  try {
    return read(decodeStrict(bytes, { maxBytes: 4096 }));
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    // Not as `cause`: it could tell of the secret.
    throw new CryptoError({ code: 'bad_key_file', reason: expected }, `expected ${expected}`);
  }
}
