/**
 * What reducers say that the shards of a cut sum up to, and what this node has added up itself. A sum counts when enough of a
 * shard's reducers signed it, or this node made it. Who signed another one for the same shard, or two, is told by its signature.
 */
import type { Digest, NodeId } from '../../base/index.ts';
import type { SignedSums } from '../../wire/index.ts';
import type { ShardPlan } from './shard-plan.ts';

/** What convicts a reducer: one statement that names a false sum, or two that name different ones for a shard. */
export interface FalseSum {
  readonly reducer: NodeId;
  readonly shard: number;
  readonly signed: readonly SignedSums[];
}

interface Shard {
  /** First word of each reducer. */
  readonly said: Map<NodeId, { readonly sum: Digest; readonly signed: SignedSums }>;
  own: Digest | null;
  /** Sums that are none of such updates, whoever signed them. */
  readonly refuted: Set<Digest>;
}

/** See the file's header. Statements come checked: signature, round and cut. */
export class SumBook {
  readonly #plan: ShardPlan;
  /** Whether this many the same say so that one of them is honest. */
  readonly #isProof: boolean;
  readonly #shards: readonly Shard[];
  readonly #twice = new Map<NodeId, FalseSum>();

  /** @param liarsMax f: among more members than this there is an honest one */
  constructor(plan: ShardPlan, liarsMax: number) {
    this.#plan = plan;
    this.#isProof = plan.agreeMin > liarsMax;
    this.#shards = Array.from({ length: plan.shardCount }, () => {
      return { said: new Map(), own: null, refuted: new Set<Digest>() };
    });
  }

  /** Takes what a reducer signed. What it says of shards that it does not add up is passed over. */
  take(reducer: NodeId, signed: SignedSums): void {
    for (const { shard, sum } of signed.sums) {
      const known = this.#shards[shard];
      if (known === undefined || this.#plan.placeOf(shard, reducer) < 0) continue;
      const first = known.said.get(reducer);
      if (first === undefined) known.said.set(reducer, { sum, signed });
      else if (first.sum !== sum && !this.#twice.has(reducer)) {
        this.#twice.set(reducer, { reducer, shard, signed: [first.signed, signed] });
      }
    }
  }

  /** This node added the shard up itself. */
  made(shard: number, sum: Digest): void {
    const known = this.#shards[shard];
    if (known !== undefined) known.own = sum;
  }

  /** No updates of this cut can have come to `sum`. */
  refute(shard: number, sum: Digest): void {
    this.#shards[shard]?.refuted.add(sum);
  }

  /** Whether a sum was refuted and this node has none of its own: then it has to make it. */
  isRefuted(shard: number): boolean {
    const known = this.#shards[shard];
    return known?.own === null && known.refuted.size > 0;
  }

  /** The sum that counts; null while too few say the same. */
  accepted(shard: number): Digest | null {
    const known = this.#shards[shard];
    if (known === undefined) return null;
    return known.own ?? this.#agreed(known);
  }

  /** Reducers that signed the sum, in the order of the shard. */
  signersOf(shard: number, sum: Digest): NodeId[] {
    const said = this.#shards[shard]?.said;
    return this.#plan.reducersOf(shard).filter((member) => said?.get(member)?.sum === sum);
  }

  /** How many reducers say something else than most do: so many more have to be asked. */
  dissentersOf(shard: number): number {
    const said = [...(this.#shards[shard]?.said.values() ?? [])].map(({ sum }) => sum);
    const most = Math.max(0, ...said.map((sum) => said.filter((other) => other === sum).length));
    return said.length - most;
  }

  /** All that is known to be false: by this node's own sum, by two answers, or by so many others that one of them is honest. */
  falseSums(): FalseSum[] {
    const found = new Map(this.#twice);
    for (const [shard, known] of this.#shards.entries()) {
      const truth = known.own ?? (this.#isProof ? this.#agreed(known) : null);
      for (const [reducer, { sum, signed }] of known.said) {
        const isFalse = known.refuted.has(sum) || (truth !== null && sum !== truth);
        if (isFalse && !found.has(reducer)) {
          found.set(reducer, { reducer, shard, signed: [signed] });
        }
      }
    }
    return [...found.values()];
  }

  #agreed({ said, refuted }: Shard): Digest | null {
    const counts = new Map<Digest, number>();
    for (const { sum } of said.values()) {
      if (refuted.has(sum)) continue;
      const count = (counts.get(sum) ?? 0) + 1;
      if (count >= this.#plan.agreeMin) return sum;
      counts.set(sum, count);
    }
    return null;
  }
}
