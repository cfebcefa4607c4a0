/**
 * Secrecy of updates in mode `exact`: each update is encrypted under a key of its own, and that key (HPKE)
 * to every member. Round, author, recipient and consortium are bound in, so nothing can be replayed.
 */
import { base64, utf8, type Digest, type NodeId, type RoundNumber } from '../base/index.ts';
import {
  bulkKeyBytes,
  bulkSaltBytes,
  CryptoError,
  decryptBulk,
  digestOf,
  encryptBulk,
  isBulkKey,
  systemSealing,
  type Sealing,
} from '../crypto/index.ts';
import { encodeCanonical } from './canonical.ts';
import { keyBytes, type Member } from './manifest.ts';
import type { UpdateStatement } from './update-statement.ts';

/** HPKE `info` of sealed update keys. */
export const updateKeyInfo = 'annulus/update-key/v1';
/** HPKE `info` of keys that one member hands to another. */
const handedKeyInfo = 'annulus/handed-key/v1';

/** Which update: what its ciphertext is bound to. */
export interface UpdateContext {
  readonly cid: Digest;
  readonly round: RoundNumber;
  readonly author: NodeId;
}

/** An update ready to be announced: the fields of its statement, and the bytes to serve. */
export interface EncryptedUpdate extends Pick<
  UpdateStatement,
  'update' | 'updateBytes' | 'sealedKeys'
> {
  readonly ciphertext: Uint8Array;
}

/** Encrypts `plaintext` for all `members` (the author among them, who may need it after a restart). */
export async function encryptUpdate(
  context: UpdateContext,
  members: readonly Pick<Member, 'id' | 'sealKey'>[],
  plaintext: Uint8Array,
  sealing: Sealing = systemSealing,
): Promise<EncryptedUpdate> {
  const key = sealing.randomBytes(bulkKeyBytes);
  const salt = sealing.randomBytes(bulkSaltBytes);
  const ciphertext = encryptBulk(key, bulkContext(context), plaintext, salt);
  const sealed = await Promise.all(
    members.map(async ({ id, sealKey }): Promise<[NodeId, string]> => {
      const aad = keyAad(context, id);
      const bytes = await sealing.sealTo(keyBytes(sealKey), utf8(updateKeyInfo), aad, key);
      return [id, base64(bytes)];
    }),
  );
  key.fill(0);
  return {
    ciphertext,
    update: digestOf(ciphertext),
    updateBytes: ciphertext.byteLength,
    sealedKeys: Object.fromEntries(sealed),
  };
}

/**
 * The key of an update, decrypted by `recipient` with its `sealPrivateKey`; null when the author encrypted something else for it.
 * The digest of `ciphertext` must have been checked against the statement.
 */
export function openUpdateKey(
  statement: UpdateStatement,
  recipient: NodeId,
  sealPrivateKey: Uint8Array,
  ciphertext: Uint8Array,
  sealing: Sealing = systemSealing,
): Promise<Uint8Array | null> {
  const sealed = keyBytes(statement.sealedKeys[recipient] ?? '');
  const opening = { info: updateKeyInfo, aad: keyAad(statement, recipient), sealed };
  return openKey(statement, sealPrivateKey, opening, ciphertext, sealing);
}

/**
 * The plaintext of an update under its key.
 * @throws {CryptoError} 'bad_ciphertext': for every member alike, since the ciphertext commits to its key
 */
export function decryptUpdate(
  statement: UpdateStatement,
  key: Uint8Array,
  ciphertext: Uint8Array,
): Uint8Array {
  return decryptBulk(key, bulkContext(statement), ciphertext);
}

/**
 * The key of an update, sealed anew by a member that could open it to one that could not. Every member may read every
 * update, so it tells nothing new; and whoever gets it sees whether it is the right one.
 */
export function handOverKey(
  statement: UpdateStatement,
  from: NodeId,
  to: Pick<Member, 'id' | 'sealKey'>,
  key: Uint8Array,
  sealing: Sealing = systemSealing,
): Promise<Uint8Array> {
  const aad = handOverAad(statement, from, to.id);
  return sealing.sealTo(keyBytes(to.sealKey), utf8(handedKeyInfo), aad, key);
}

/** What `handOverKey` gave, opened by `to`; null when it is not the update's key. */
export function openHandedKey(
  statement: UpdateStatement,
  parties: { readonly from: NodeId; readonly to: NodeId },
  sealPrivateKey: Uint8Array,
  sealed: Uint8Array,
  ciphertext: Uint8Array,
  sealing: Sealing = systemSealing,
): Promise<Uint8Array | null> {
  const aad = handOverAad(statement, parties.from, parties.to);
  const opening = { info: handedKeyInfo, aad, sealed };
  return openKey(statement, sealPrivateKey, opening, ciphertext, sealing);
}

async function openKey(
  statement: UpdateStatement,
  sealPrivateKey: Uint8Array,
  {
    info,
    aad,
    sealed,
  }: { readonly info: string; readonly aad: Uint8Array; readonly sealed: Uint8Array },
  ciphertext: Uint8Array,
  sealing: Sealing,
): Promise<Uint8Array | null> {
  try {
    const key = await sealing.openSealed(sealPrivateKey, utf8(info), aad, sealed);
    return isBulkKey(key, bulkContext(statement), ciphertext) ? key : null;
  } catch (error) {
    if (error instanceof CryptoError) return null;
    throw error;
  }
}

function bulkContext({ cid, round, author }: UpdateContext): Uint8Array {
  return encodeCanonical({ author, cid, round, type: 'update' });
}

function keyAad({ cid, round, author }: UpdateContext, recipient: NodeId): Uint8Array {
  return encodeCanonical({ author, cid, recipient, round });
}

function handOverAad(statement: UpdateStatement, from: NodeId, recipient: NodeId): Uint8Array {
  const { cid, round, author, update } = statement;
  return encodeCanonical({ author, cid, from, recipient, round, update });
}
