/** A round in shards repeated: every shard of every update is added up, and the sums are put together. */
import type { NodeId, Store } from '../base/index.ts';
import {
  assembleRound,
  checkRoundUpdate,
  contentName,
  fileDigest,
  reduceShard,
  shardRange,
  type SumFile,
  type UpdateFacts,
  type UpdateFile,
} from '../gossip/index.ts';
import { parameterCount, type WrittenModel } from '../weights/index.ts';
import { decodeShardList, shardContext, type ShardList } from '../wire/index.ts';
import { AuditorError } from './errors.ts';
import { damaged, filesMissing, refusal, type ReplayedCut } from './replayed-cut.ts';

interface ListedUpdate {
  readonly facts: UpdateFacts;
  readonly shards: ShardList;
}

/** The model of the cut. @throws {AuditorError} as `replayRound` */
export async function averageShards(
  store: Store,
  cut: ReplayedCut,
  into: string,
): Promise<WrittenModel> {
  const { round, layout, rule, start } = cut;
  const shardCount = round.consortium.manifest.members.length;
  const updates: ListedUpdate[] = [];
  for (const facts of round.updates) {
    updates.push({ facts, shards: await shardsOf(store, facts, shardCount) });
  }
  await requireShards(store, round.open.r, updates);
  const sums: SumFile[] = [];
  for (let shard = 0; shard < shardCount; shard++) {
    sums.push(await sumOf(store, { cut, updates, shard, shardCount }));
  }
  const weights = round.updates.map(({ weight, heads }) => ({ weight, heads }));
  const outcome = await assembleRound(store, { layout, start, sums, weights, rule, into });
  if (outcome.kind === 'averaged') return outcome.model;
  throw damaged(sums[outcome.at]?.name ?? 'a sum');
}

async function shardsOf(
  store: Store,
  { upd, author }: UpdateFacts,
  shardCount: number,
): Promise<ShardList> {
  const name = contentName(upd);
  const bytes = await store.read(name);
  if (bytes === null || (await fileDigest(store, name)) !== upd) throw damaged(name);
  try {
    return decodeShardList(bytes, shardCount);
  } catch {
    const reason = `expected a list of ${shardCount} shards`;
    throw refusal(author, { kind: 'bad', reason });
  }
}

async function requireShards(
  store: Store,
  round: number,
  updates: readonly ListedUpdate[],
): Promise<void> {
  const missing: string[] = [];
  for (const { facts, shards } of updates) {
    const held: boolean[] = [];
    for (const { digest } of shards) held.push((await store.size(contentName(digest))) !== null);
    const lacking = held.filter((isHeld) => !isHeld).length;
    if (lacking > 0) missing.push(`${lacking} of ${shards.length} shards of ${facts.author}`);
  }
  if (missing.length === 0) return;
  const advice =
    'each member keeps its own update and the shards that it adds up: name the folders of the others with --more';
  throw filesMissing(round, missing, advice);
}

async function sumOf(
  store: Store,
  {
    cut,
    updates,
    shard,
    shardCount,
  }: {
    readonly cut: ReplayedCut;
    readonly updates: readonly ListedUpdate[];
    readonly shard: number;
    readonly shardCount: number;
  },
): Promise<SumFile> {
  const { layout, rule, keys } = cut;
  const range = shardRange(parameterCount(layout), shardCount, shard);
  const files: UpdateFile[] = [];
  const authors = new Map<string, NodeId>();
  for (const { facts, shards } of updates) {
    const listed = shards[shard];
    if (listed === undefined) continue;
    const { author, weight, heads, statement } = facts;
    const { digest, bytes: updateBytes } = listed;
    const file = {
      ...{ ciphertext: contentName(digest), digest, weights: { weight, heads }, range },
      ...{ key: keys.get(author) ?? new Uint8Array() },
      context: shardContext(statement, shard, shardCount),
    };
    authors.set(digest, author);
    if ((await fileDigest(store, file.ciphertext)) !== digest) throw damaged(file.ciphertext);
    const found = await checkRoundUpdate(store, { ...file, layout, rule, updateBytes });
    if (found.kind !== 'fits') throw refusal(author, found);
    files.push(file);
  }
  const into = `work/replay/sum-${shard}`;
  const outcome = await reduceShard(store, { layout, range, updates: files, rule, into });
  if (outcome.kind === 'reduced') return { name: into, digest: outcome.sum.digest, range };
  const file = `a shard of ${authors.get(outcome.digest) ?? 'an update'}`;
  throw new AuditorError(
    { code: 'damaged_file', file },
    `${file} changed on the disk while it was read`,
  );
}
