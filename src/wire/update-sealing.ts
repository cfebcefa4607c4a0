/**
 * Secrecy of updates in mode `exact`: each update is encrypted under a key of its own, and that key is sealed
 * to every member. Round, author, recipient and consortium are bound in, so nothing can be replayed.
 */
import { base64, utf8, type Digest, type NodeId, type RoundNumber } from '../base/index.ts';
import {
  CryptoError,
  decryptBulk,
  digestOf,
  encryptBulk,
  openSealed,
  randomBulkKey,
  sealTo,
} from '../crypto/index.ts';
import { encodeCanonical } from './canonical.ts';
import { keyBytes, type Member } from './manifest.ts';
import type { UpdateStatement } from './update-statement.ts';

/** HPKE `info` of sealed update keys. */
export const updateKeyInfo = 'annulus/update-key/v1';

/** Which update: what its ciphertext is bound to. */
export interface UpdateContext {
  readonly cid: Digest;
  readonly round: RoundNumber;
  readonly author: NodeId;
}

/** An update ready to be announced: the fields of its statement, and the bytes to serve. */
export interface SealedUpdate extends Pick<
  UpdateStatement,
  'update' | 'updateBytes' | 'sealedKeys'
> {
  readonly ciphertext: Uint8Array;
}

/** Encrypts `plaintext` for all `members` (the author among them, who may need it after a restart). */
export async function sealUpdate(
  context: UpdateContext,
  members: readonly Pick<Member, 'id' | 'sealKey'>[],
  plaintext: Uint8Array,
): Promise<SealedUpdate> {
  const key = randomBulkKey();
  const ciphertext = encryptBulk(key, bulkContext(context), plaintext);
  const sealed = await Promise.all(
    members.map(async ({ id, sealKey }): Promise<[NodeId, string]> => {
      const bytes = await sealTo(keyBytes(sealKey), utf8(updateKeyInfo), keyAad(context, id), key);
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
 * The plaintext of an update, for `recipient` who holds `sealPrivateKey`. The digest of `ciphertext` must
 * have been checked against the statement.
 * @throws {CryptoError} 'bad_ciphertext' when the author sealed something else for us, or the bytes differ
 */
export async function openUpdate(
  statement: UpdateStatement,
  recipient: NodeId,
  sealPrivateKey: Uint8Array,
  ciphertext: Uint8Array,
): Promise<Uint8Array> {
  const sealed = keyBytes(statement.sealedKeys[recipient] ?? '');
  const aad = keyAad(statement, recipient);
  const key = await openSealed(sealPrivateKey, utf8(updateKeyInfo), aad, sealed);
  if (key.byteLength !== 32) {
    throw new CryptoError({ code: 'bad_ciphertext' }, 'expected a sealed key of 32 bytes');
  }
  return decryptBulk(key, bulkContext(statement), ciphertext);
}

function bulkContext({ cid, round, author }: UpdateContext): Uint8Array {
  return encodeCanonical({ author, cid, round, type: 'update' });
}

function keyAad({ cid, round, author }: UpdateContext, recipient: NodeId): Uint8Array {
  return encodeCanonical({ author, cid, recipient, round });
}
