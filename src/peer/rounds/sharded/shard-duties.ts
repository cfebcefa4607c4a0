/**
 * Which shards this node adds up now: those of which it is one of the first R reducers, and those where it has to step in for
 * members before it that are silent or slow, or that disagree.
 */
import type { NodeId } from '../../../base/index.ts';
import type { ShardPlan } from '../../../gossip/index.ts';
import type { PlanStage } from '../../../wire/index.ts';
import type { Presence } from '../presence.ts';

/** How long others are waited for, ms. */
export interface ShardPatience {
  /** After this, and once more after each further such time, one more reducer of a shard steps in. */
  readonly callAfterMs: number;
  /** After this a member adds up by itself what it still lacks, whoever should have done it. */
  readonly selfAfterMs: number;
}

/** A sixteenth of a round's time for each step, so that several fit before its deadline and after it. */
export function patienceOf({ roundTimeoutMs }: Pick<PlanStage, 'roundTimeoutMs'>): ShardPatience {
  const callAfterMs = Math.min(30_000, Math.max(1_000, Math.floor(roundTimeoutMs / 16)));
  return { callAfterMs, selfAfterMs: 4 * callAfterMs };
}

/** See the file's header. */
export class ShardDuties {
  readonly #plan: ShardPlan;
  readonly #presence: Pick<Presence, 'isUnheard'>;
  /** The shards that this node may ever sign the sum of. */
  readonly #mine: readonly { readonly shard: number; readonly before: readonly NodeId[] }[];

  constructor(plan: ShardPlan, self: NodeId, presence: Pick<Presence, 'isUnheard'>) {
    this.#plan = plan;
    this.#presence = presence;
    this.#mine = Array.from({ length: plan.shardCount }, (_, shard) => shard).flatMap((shard) => {
      const place = plan.placeOf(shard, self);
      return place < 0 ? [] : [{ shard, before: plan.reducersOf(shard).slice(0, place) }];
    });
  }

  /** Ascending. @param called how many more than R a shard needs, beside those in place of silent ones */
  shards(called: (shard: number) => number): number[] {
    return this.#mine
      .filter(({ shard, before }) => {
        const absent = before.filter((member) => this.#presence.isUnheard(member)).length;
        const needed = this.#plan.reducers + absent;
        return before.length < needed || before.length < needed + called(shard);
      })
      .map(({ shard }) => shard);
  }

  /** Whether this node may sign the sum of a shard. */
  mayReduce(shard: number): boolean {
    return this.#mine.some((one) => one.shard === shard);
  }
}
