/**
 * Who adds up which shard of a round. There are as many shards as members. Each shard has an order of members that may take it
 * on: the first R do, and of the f behind them one steps in for each that is silent or disagrees. So R honest ones are among
 * them whoever lies, and each member is on each place of exactly one order. docs/decisions/025
 */
import { invariant, utf8, type Digest, type NodeId } from '../../base/index.ts';
import { digestOf } from '../../crypto/index.ts';
import { encodeCanonical, faultCountMax } from '../../wire/index.ts';

/** What an order is drawn from: nothing that the leader of one block can choose. */
export interface ShardSeed {
  readonly cid: Digest;
  readonly round: number;
  /** The model that the round begins with. */
  readonly base: Digest;
}

/** See the file's header. */
export class ShardPlan {
  readonly shardCount: number;
  /** R: how many add up a shard where nothing goes wrong. */
  readonly reducers: number;
  /** How many of a shard's reducers must say the same: one of them is honest if they are more than the liars, else all of R. */
  readonly agreeMin: number;
  /** For each shard its reducers, those who step in last. */
  readonly #orders: readonly (readonly NodeId[])[];

  /** @param members of the manifest @param reducers R of the rule */
  constructor(seed: ShardSeed, members: readonly NodeId[], reducers: number) {
    const count = members.length;
    invariant(count > 0, 'a consortium has a member');
    const liarsMax = faultCountMax(count);
    this.shardCount = count;
    this.reducers = Math.min(reducers, count);
    this.agreeMin = Math.min(liarsMax + 1, this.reducers);
    const drawn = sortedBy(members, (id) => drawOf(seed, 'member', id));
    const steps = sortedBy(
      Array.from({ length: count - 1 }, (_, at) => at + 1),
      (step) => drawOf(seed, 'step', step),
    );
    const places = [0, ...steps].slice(0, Math.min(count, this.reducers + liarsMax));
    this.#orders = members.map((_, shard) =>
      places.flatMap((step) => drawn[(shard + step) % count] ?? []),
    );
  }

  /** Who may add up a shard, in the order in which they do. */
  reducersOf(shard: number): readonly NodeId[] {
    return this.#orders[shard] ?? [];
  }

  /** The member's place among the reducers of a shard, from 0; -1 when it is none. */
  placeOf(shard: number, member: NodeId): number {
    return this.reducersOf(shard).indexOf(member);
  }
}

function drawOf(seed: ShardSeed, what: string, of: string | number): Digest {
  return digestOf(utf8('annulus/shards/v1\n'), encodeCanonical({ ...seed, what, of }));
}

function sortedBy<T>(items: readonly T[], key: (item: T) => string): T[] {
  const keyed = items.map((item) => ({ item, key: key(item) }));
  return keyed.sort((a, b) => (a.key < b.key ? -1 : 1)).map(({ item }) => item);
}
