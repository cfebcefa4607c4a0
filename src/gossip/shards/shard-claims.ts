/**
 * Who says that it holds which shards of which updates of a round, itself among them. An update is whole among the members
 * when enough reducers of every shard say so. What is said is never taken back, and it decides nothing but when to ask for votes.
 */
import type { Digest, NodeId } from '../../base/index.ts';
import type { ShardPlan } from './shard-plan.ts';

interface Held {
  /** For each shard the members that hold it. */
  readonly by: readonly Set<NodeId>[];
  /** Shards that too few hold. */
  short: number;
  /** When none was short any more, ms since 1970. */
  wholeAtMs: number | null;
}

/** See the file's header. */
export class ShardClaims {
  readonly #plan: ShardPlan;
  readonly #held = new Map<Digest, Held>();

  constructor(plan: ShardPlan) {
    this.#plan = plan;
  }

  /**
   * `member` says that it holds these shards of the update. Counted where it is one of a shard's reducers.
   * @param env of an update whose envelope is here: so there are not many
   */
  record(member: NodeId, env: Digest, shards: readonly number[], nowMs: number): void {
    const held = this.#of(env);
    for (const shard of shards) {
      const by = held.by[shard];
      if (by === undefined || by.has(member) || this.#plan.placeOf(shard, member) < 0) continue;
      by.add(member);
      if (by.size === this.#plan.agreeMin) held.short -= 1;
    }
    if (held.short === 0) held.wholeAtMs ??= nowMs;
  }

  /** Whether enough reducers of every shard hold the update. */
  isWhole(env: Digest): boolean {
    return this.wholeAtMs(env) !== null;
  }

  /** Since when, ms since 1970; null when they do not. */
  wholeAtMs(env: Digest): number | null {
    return this.#held.get(env)?.wholeAtMs ?? null;
  }

  /** Whether fewer than enough hold this shard of the update. */
  isShort(env: Digest, shard: number): boolean {
    return (this.#held.get(env)?.by[shard]?.size ?? 0) < this.#plan.agreeMin;
  }

  /** Who holds a shard of the update, in the order of the shard's reducers. */
  holdersOf(env: Digest, shard: number): NodeId[] {
    const by = this.#held.get(env)?.by[shard];
    return this.#plan.reducersOf(shard).filter((member) => by?.has(member) === true);
  }

  #of(env: Digest): Held {
    let held = this.#held.get(env);
    if (held === undefined) {
      const { shardCount } = this.#plan;
      const by = Array.from({ length: shardCount }, () => new Set<NodeId>());
      held = { by, short: shardCount, wholeAtMs: null };
      this.#held.set(env, held);
    }
    return held;
  }
}
