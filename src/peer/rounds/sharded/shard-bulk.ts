/** The bulk of updates in shards: lists and shards fetched by digest, and each shard checked before it counts as held. */
import type { Digest } from '../../../base/index.ts';
import {
  contentName,
  shardRange,
  updateBytesOf,
  type AveragingRule,
  type ShardPlan,
  type UpdateFacts,
  type UpdateFile,
  type ValueRange,
} from '../../../gossip/index.ts';
import { parameterCount, type ModelLayout } from '../../../weights/index.ts';
import {
  decodeShardList,
  openHandedKey,
  openUpdateKey,
  shardContext,
  shardListBytesMax,
  WireError,
  type ShardList,
} from '../../../wire/index.ts';
import type { RoundContext } from '../../round-protocol.ts';
import { ruleOf } from '../round-start.ts';
import type { HandedKey } from '../update-opening.ts';

/** What came of the check of one shard. */
export type ShardOutcome =
  | { readonly kind: 'open' }
  | { readonly kind: 'wrong_key' }
  /** It is so for every member. */
  | { readonly kind: 'bad'; readonly reason: string };

/** What of a round the bulk of its updates needs. */
export type BulkContext = Pick<
  RoundContext,
  'open' | 'stage' | 'self' | 'consortium' | 'keys' | 'ports' | 'content' | 'models'
>;

/** See the file's header. */
export class ShardBulk {
  readonly #context: BulkContext;
  readonly #plan: ShardPlan;
  readonly #rule: AveragingRule;

  constructor(context: BulkContext, plan: ShardPlan) {
    this.#context = context;
    this.#plan = plan;
    this.#rule = ruleOf(context);
  }

  /**
   * The shards of an update; null when what its digest names is no list of them: it is so for every member.
   * @throws {GossipError} when nobody has it
   */
  async list({ upd, author, statement }: UpdateFacts): Promise<ShardList | null> {
    const { content, models, stage } = this.#context;
    const { shardCount } = this.#plan;
    const layout = await models.layout(stage);
    await content.obtain(upd, shardListBytesMax(shardCount), author, this.#of);
    const bytes = await content.read(upd);
    if (bytes === null)
      throw new Error(`the list of the update of ${author} was damaged on the disk`);
    try {
      const shards = decodeShardList(bytes, shardCount);
      const total = shards.reduce((sum, shard) => sum + shard.bytes, 0);
      // Before any of them is fetched.
      const areRight = shards.every(({ bytes: size }, shard) => {
        const { start, end } = this.#range(layout, shard);
        return size === (updateBytesOf(this.#rule, end - start) ?? size);
      });
      return total === statement.updateBytes && areRight ? shards : null;
    } catch (error) {
      if (error instanceof WireError) return null;
      throw error;
    }
  }

  /** The key that the author, or another member, encrypted for this one; null when it is none. A shard shows whether it fits. */
  key({ statement }: UpdateFacts, handed?: HandedKey): Promise<Uint8Array | null> {
    const { self: to, keys, ports } = this.#context;
    const { sealing } = ports.crypto;
    if (handed === undefined) return openUpdateKey(statement, to, keys.sealPrivate, sealing);
    const parties = { from: handed.from, to };
    return openHandedKey(statement, parties, keys.sealPrivate, handed.sealed, sealing);
  }

  /** Fetches one shard and checks it to its last value. @throws {GossipError} when nobody has it, or the disk damaged it */
  async open(
    facts: UpdateFacts,
    list: ShardList,
    shard: number,
    key: Uint8Array,
  ): Promise<ShardOutcome> {
    const { models, stage, ports } = this.#context;
    await this.fetch(facts, list, shard);
    const layout = await models.layout(stage);
    const file = await this.file(facts, list, shard, key);
    const updateBytes = list[shard]?.bytes ?? 0;
    const outcome = await ports.averager.check({ ...file, layout, updateBytes, rule: this.#rule });
    switch (outcome.kind) {
      case 'fits':
        return { kind: 'open' };
      case 'damaged':
        throw new Error(`shard ${shard} of the update of ${facts.author} was damaged on the disk`);
      case 'wrong_key':
      case 'bad':
        return outcome;
    }
  }

  /** Sees to it that a shard is on the disk, sound. @throws {GossipError} when nobody has it */
  async fetch({ author }: UpdateFacts, list: ShardList, shard: number): Promise<void> {
    const listed = list[shard];
    if (listed === undefined) return;
    await this.#context.content.obtain(listed.digest, listed.bytes, author, this.#of);
  }

  /** One shard of an update as it lies in the store, under its key. */
  async file(
    { weight, heads, statement }: UpdateFacts,
    list: ShardList,
    shard: number,
    key: Uint8Array,
  ): Promise<UpdateFile> {
    const { models, stage } = this.#context;
    const { shardCount } = this.#plan;
    const digest = list[shard]?.digest ?? ('' as Digest);
    const context = shardContext(statement, shard, shardCount);
    const range = this.#range(await models.layout(stage), shard);
    return {
      ciphertext: contentName(digest),
      digest,
      key,
      context,
      range,
      weights: { weight, heads },
    };
  }

  #range(layout: ModelLayout, shard: number): ValueRange {
    return shardRange(parameterCount(layout), this.#plan.shardCount, shard, this.#rule);
  }

  get #of(): { readonly round: number; readonly kind: 'update' } {
    return { round: this.#context.open.r, kind: 'update' };
  }
}
