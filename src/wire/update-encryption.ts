/**
 * Secrecy of updates in mode `exact`: each update is encrypted under a key of its own, and that key (HPKE)
 * to every member. Round, author, recipient and consortium are bound in, so nothing can be replayed.
 */
import { base64, utf8, type Digest, type NodeId, type RoundNumber } from '../base/index.ts';
import { CryptoError, systemSealing, type Sealing } from '../crypto/index.ts';
import { encodeCanonical } from './canonical.ts';
import { keyBytes, type Member } from './manifest.ts';
import type { StepStatement } from './mixing-statements.ts';
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

/** The key of an update, encrypted to all `members` (the author among them, who may need it after a restart). */
export async function encryptUpdateKey(
  context: UpdateContext,
  members: readonly Pick<Member, 'id' | 'sealKey'>[],
  key: Uint8Array,
  sealing: Sealing = systemSealing,
): Promise<UpdateStatement['sealedKeys']> {
  const sealed = members.map(async ({ id, sealKey }): Promise<[NodeId, string]> => {
    const aad = keyAad(context, id);
    const bytes = await sealing.sealTo(keyBytes(sealKey), utf8(updateKeyInfo), aad, key);
    return [id, base64(bytes)];
  });
  return Object.fromEntries(await Promise.all(sealed));
}

/**
 * The key that the author of an update encrypted for `recipient`; null when it is no key for it. Whether it is the update's,
 * the ciphertext says (`isBulkKey`).
 */
export function openUpdateKey(
  statement: UpdateStatement,
  recipient: NodeId,
  sealPrivateKey: Uint8Array,
  sealing: Sealing = systemSealing,
): Promise<Uint8Array | null> {
  const sealed = keyBytes(statement.sealedKeys[recipient] ?? '');
  const opening = { info: updateKeyInfo, aad: keyAad(statement, recipient), sealed };
  return openKey(sealPrivateKey, opening, sealing);
}

/** What the ciphertext of an update is bound to, beside its key. */
export function bulkContext({ cid, round, author }: UpdateContext): Uint8Array {
  return encodeCanonical({ author, cid, round, type: 'update' });
}

/** What the ciphertext of one shard of an update is bound to: none fits another place, nor another number of shards. */
export function shardContext(
  { cid, round, author }: UpdateContext,
  shard: number,
  shards: number,
): Uint8Array {
  return encodeCanonical({ author, cid, round, shard, shards, type: 'update-shard' });
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

/** What `handOverKey` gave, opened by `to`; null when it is no key for it. */
export function openHandedKey(
  statement: UpdateStatement,
  parties: { readonly from: NodeId; readonly to: NodeId },
  sealPrivateKey: Uint8Array,
  sealed: Uint8Array,
  sealing: Sealing = systemSealing,
): Promise<Uint8Array | null> {
  const aad = handOverAad(statement, parties.from, parties.to);
  return openKey(sealPrivateKey, { info: handedKeyInfo, aad, sealed }, sealing);
}

/** HPKE `info` of the sealed keys of steps. */
const stepKeyInfo = 'annulus/step-key/v1';

/** Which step of which mixing: what its ciphertext is bound to. */
export type StepContext = Pick<StepStatement, 'cid' | 'round' | 'cut' | 'author' | 'step'>;

/** What the ciphertext of a mixing step is bound to, beside its key. */
export function stepBulkContext({ cid, round, cut, author, step }: StepContext): Uint8Array {
  return encodeCanonical({ author, cid, cut, round, step, type: 'mixing-step' });
}

/** The key of a step's ciphertext, encrypted to each of `members`. */
export async function encryptStepKey(
  context: StepContext,
  members: readonly Pick<Member, 'id' | 'sealKey'>[],
  key: Uint8Array,
  sealing: Sealing = systemSealing,
): Promise<StepStatement['sealedKeys']> {
  const sealed = members.map(async ({ id, sealKey }): Promise<[NodeId, string]> => {
    const aad = stepKeyAad(context, id);
    const bytes = await sealing.sealTo(keyBytes(sealKey), utf8(stepKeyInfo), aad, key);
    return [id, base64(bytes)];
  });
  return Object.fromEntries(await Promise.all(sealed));
}

/** The key of a step that its author encrypted for `recipient`; null when it is no key for it. */
export function openStepKey(
  statement: StepStatement,
  recipient: NodeId,
  sealPrivateKey: Uint8Array,
  sealing: Sealing = systemSealing,
): Promise<Uint8Array | null> {
  const sealed = keyBytes(statement.sealedKeys[recipient] ?? '');
  const opening = { info: stepKeyInfo, aad: stepKeyAad(statement, recipient), sealed };
  return openKey(sealPrivateKey, opening, sealing);
}

function stepKeyAad({ cid, round, cut, author, step }: StepContext, recipient: NodeId): Uint8Array {
  return encodeCanonical({ author, cid, cut, recipient, round, step });
}

async function openKey(
  sealPrivateKey: Uint8Array,
  {
    info,
    aad,
    sealed,
  }: { readonly info: string; readonly aad: Uint8Array; readonly sealed: Uint8Array },
  sealing: Sealing,
): Promise<Uint8Array | null> {
  try {
    return await sealing.openSealed(sealPrivateKey, utf8(info), aad, sealed);
  } catch (error) {
    if (error instanceof CryptoError) return null;
    throw error;
  }
}

function keyAad({ cid, round, author }: UpdateContext, recipient: NodeId): Uint8Array {
  return encodeCanonical({ author, cid, recipient, round });
}

function handOverAad(statement: UpdateStatement, from: NodeId, recipient: NodeId): Uint8Array {
  const { cid, round, author, update } = statement;
  return encodeCanonical({ author, cid, from, recipient, round, update });
}
