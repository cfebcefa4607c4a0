/** Where the keys of a round's updates come from: a member's own seal key, or what a member disclosed. */
import type { NodeId } from '../base/index.ts';
import { bulkHeaderBytes, isBulkKey } from '../crypto/index.ts';
import { contentName, type UpdateFacts } from '../gossip/index.ts';
import { bulkContext, openUpdateKey } from '../wire/index.ts';
import type { LoggedRound } from './logged-round.ts';
import type { MemberFiles } from './replay-files.ts';
import type { RoundKeys } from './round-keys.ts';

/** What a member can open: null for an update whose author sealed it no key. */
export function keysOfMember(
  member: NodeId,
  sealPrivate: Uint8Array,
): (update: UpdateFacts) => Promise<Uint8Array | null> {
  return ({ statement }) => openUpdateKey(statement, member, sealPrivate);
}

/** What a member disclosed. */
export function disclosedKeys({
  keys,
}: RoundKeys): (update: UpdateFacts) => Promise<Uint8Array | null> {
  return ({ author }) => Promise.resolve(keys.get(author) ?? null);
}

/** The keys of a round that a member can disclose, and whose it cannot. */
export interface Disclosure {
  readonly keys: RoundKeys;
  /** Authors whose sealed key is none for this member, or does not open the update that lies here. */
  readonly withoutKey: readonly NodeId[];
}

/** Opens the key of every update of a round. Where the update itself is here the key is tried on it. */
export async function discloseRound(
  { open, updates, consortium }: LoggedRound,
  keyOf: (update: UpdateFacts) => Promise<Uint8Array | null>,
  files: MemberFiles,
): Promise<Disclosure> {
  const keys = new Map<NodeId, Uint8Array>();
  const withoutKey: NodeId[] = [];
  for (const update of updates) {
    const key = await keyOf(update);
    const isGood =
      key !== null && (open.rule.kind === 'sharded' || (await fits(update, key, files)));
    if (isGood) keys.set(update.author, key);
    else withoutKey.push(update.author);
  }
  return { keys: { cid: consortium.cid, round: open.r, keys }, withoutKey };
}

async function fits(
  { upd, statement }: UpdateFacts,
  key: Uint8Array,
  files: MemberFiles,
): Promise<boolean> {
  const header = await files.readPart(contentName(upd), 0, bulkHeaderBytes);
  return header === null || isBulkKey(key, bulkContext(statement), header);
}
