/**
 * From a decided cut to its model on one node: the shards that it has to add up, what the others signed that the rest comes
 * to, and the model of all sums. Long work runs beside the peer's queue and comes back through `post`.
 */
import { invariant, messageOf, type Digest, type NodeId } from '../../../base/index.ts';
import {
  contentName,
  shardRange,
  SumBook,
  type ShardPlan,
  type UpdateFile,
  type ValueRange,
} from '../../../gossip/index.ts';
import { parameterCount, type ModelLayout } from '../../../weights/index.ts';
import {
  cutDigest,
  faultCountMax,
  signSums,
  verifySums,
  type Cut,
  type SignedSums,
} from '../../../wire/index.ts';
import { workName } from '../../housekeeping.ts';
import type { RoundContext } from '../../round-protocol.ts';
import { sealOf, type AveragedCut } from '../own-seal.ts';
import { ruleOf, startOf } from '../round-start.ts';
import { SideWork } from '../side-work.ts';
import type { ShardDuties, ShardPatience } from './shard-duties.ts';
import type { ShardUpdates } from './shard-updates.ts';
import type { SumsMessage } from './sharded-messages.ts';

/** What the sums share with their round. */
interface SumParts {
  readonly plan: ShardPlan;
  readonly duties: ShardDuties;
  readonly patience: ShardPatience;
  readonly updates: ShardUpdates;
}

/** The cut under way. */
interface Begun {
  readonly cut: Cut;
  readonly digest: Digest;
  readonly envs: ReadonlySet<Digest>;
  readonly sinceMs: number;
}

/** See the file's header. */
export class ShardSums {
  readonly #context: RoundContext;
  readonly #parts: SumParts;
  readonly #book: SumBook;
  readonly #work: SideWork;
  #begun: Begun | null = null;
  /** Checked statements of each member's index; those of before the cut wait here. */
  readonly #checked = new Map<number, SignedSums>();
  /** By shard: the sum that is on the disk. */
  readonly #held: (Digest | null)[];
  /** Shards whose sum this node made. */
  readonly #made = new Map<number, Digest>();
  readonly #adding = new Set<number>();
  readonly #named = new Set<NodeId>();
  #said: SignedSums | null = null;
  #tries = 0;
  #isAssembling = false;
  #result: AveragedCut | null = null;

  constructor(context: RoundContext, parts: SumParts) {
    this.#context = context;
    this.#parts = parts;
    const liarsMax = faultCountMax(context.consortium.manifest.members.length);
    this.#book = new SumBook(parts.plan, liarsMax);
    this.#work = new SideWork(context.open.r, context.ports.logger);
    this.#held = new Array<Digest | null>(parts.plan.shardCount).fill(null);
  }

  /** Whether a cut was decided. */
  get isDue(): boolean {
    return this.#begun !== null;
  }

  /** The average, once it is there. */
  get result(): AveragedCut | null {
    return this.#result;
  }

  /** The shards of an update that this node needs now to add them up; null before the cut. */
  wanted(env: Digest): readonly number[] | null {
    if (this.#begun === null) return null;
    return this.#begun.envs.has(env) ? this.#duties(this.#begun) : [];
  }

  /** Takes the decided cut. Safe to call again. */
  begin(cut: Cut): void {
    if (this.#begun === null) {
      const envs = new Set(cut.updates.map(({ env }) => env));
      const sinceMs = this.#context.ports.clock.nowMs();
      this.#begun = { cut, digest: cutDigest(cut), envs, sinceMs };
      for (const said of this.#checked.values()) this.#enter(said);
    }
    this.goOn();
  }

  /** Why no honest member sends this; null when one may. Each statement is checked once. */
  refusal({ r, said }: SumsMessage): string | null {
    const { consortium, verifyBytes } = this.#context;
    if (this.#checked.get(said.i)?.sig === said.sig) return null;
    const member = consortium.manifest.members[said.i]?.id;
    if (said.cid !== consortium.cid || said.r !== r) return 'sums of another round';
    if (member === undefined) return 'sums of no member';
    const isForeign = said.sums.some(({ shard }) => this.#parts.plan.placeOf(shard, member) < 0);
    if (isForeign) return 'a sum of a shard that its signer does not add up';
    if (!verifySums(said, consortium.manifest, verifyBytes)) return 'bad signature on sums';
    return null;
  }

  /** Statements that `refusal` let pass. */
  take({ said }: SumsMessage): void {
    this.#checked.set(said.i, said);
    if (this.#begun === null) return;
    this.#enter(said);
    this.goOn();
  }

  /** Says again what may have been lost, and tries again what could not be done. */
  repeat(): void {
    this.#tries += 1;
    this.#say();
    this.goOn();
  }

  /** Does what can be done now. */
  goOn(): void {
    const begun = this.#begun;
    if (begun === null || this.#result !== null) return;
    const { updates } = this.#parts;
    for (const update of begun.cut.updates) updates.obtainDecided(update);
    if (!begun.cut.updates.every(({ env }) => updates.facts(env) !== null)) return;
    for (const shard of this.#duties(begun)) this.#add(begun, shard);
    for (const [shard, held] of this.#held.entries()) if (held === null) this.#fetch(shard);
    if (this.#held.every((held) => held !== null)) this.#assemble(begun);
  }

  /** The shards that this node has to add up: its own, those where it steps in, and what it got from nobody. */
  #duties({ sinceMs }: Begun): number[] {
    const { duties, patience } = this.#parts;
    const waitedMs = this.#context.ports.clock.nowMs() - sinceMs;
    const own = duties.shards((shard) => {
      if (this.#held[shard] !== null) return 0;
      return Math.floor(waitedMs / patience.callAfterMs) + this.#book.dissentersOf(shard);
    });
    const isAlone = waitedMs > patience.selfAfterMs;
    const lacking = this.#held.flatMap((held, shard) => {
      const isLacking = (held === null && isAlone) || this.#book.isRefuted(shard);
      return isLacking && !own.includes(shard) ? [shard] : [];
    });
    return [...own, ...lacking];
  }

  #enter(said: SignedSums): void {
    const member = this.#context.consortium.manifest.members[said.i]?.id;
    if (member === undefined || said.cut !== this.#begun?.digest) return;
    this.#book.take(member, said);
    this.#name();
  }

  /** Tells of members whose signature stands under a false sum, each once. */
  #name(): void {
    const { open, onFalseSum } = this.#context;
    for (const { reducer, signed } of this.#book.falseSums()) {
      if (this.#named.has(reducer)) continue;
      this.#named.add(reducer);
      onFalseSum(reducer, open.r, signed);
    }
  }

  // The shards that this node adds up.

  #add(begun: Begun, shard: number): void {
    if (this.#made.has(shard) || this.#adding.has(shard)) return;
    this.#adding.add(shard);
    this.#work.run('a shard was not added up', async () => {
      const sum = await this.#summed(begun, shard).catch((error: unknown) => {
        this.#adding.delete(shard);
        throw error;
      });
      this.#context.post(() => {
        this.#adding.delete(shard);
        if (sum !== null) this.#madeOne(shard, sum);
      });
    });
  }

  #madeOne(shard: number, sum: Digest): void {
    this.#made.set(shard, sum);
    this.#held[shard] = sum;
    this.#book.made(shard, sum);
    this.#name();
    if (this.#adding.size === 0) this.#say();
    this.goOn();
  }

  /** Null while one of the updates is not here. */
  async #summed({ cut }: Begun, shard: number): Promise<Digest | null> {
    const { open, stage, models, ports, content } = this.#context;
    const { updates } = this.#parts;
    const found = await Promise.all(cut.updates.map(({ env }) => updates.file(env, shard)));
    const files = found.filter((file): file is UpdateFile => file !== null);
    if (files.length < found.length) return null;
    const layout = await models.layout(stage);
    const into = workName(open.r, `sum-${shard}`);
    const rule = ruleOf(this.#context);
    const range = this.#rangeOf(layout, shard);
    const outcome = await ports.averager.reduce({ layout, range, updates: files, rule, into });
    if (outcome.kind === 'damaged') {
      const at = files.findIndex(({ digest }) => digest === outcome.digest);
      const update = cut.updates[at];
      if (update !== undefined) await updates.mend(update.env, shard);
      throw new Error(`shard ${shard} of an update was damaged on the disk and is fetched again`);
    }
    await content.adopt(into, outcome.sum, { round: open.r, kind: 'update' });
    return outcome.sum.digest;
  }

  #say(): void {
    const { open, self, consortium, keys, broadcast } = this.#context;
    const { duties } = this.#parts;
    const sums = [...this.#made]
      .filter(([shard]) => duties.mayReduce(shard))
      .map(([shard, sum]) => ({ shard, sum }))
      .sort((a, b) => a.shard - b.shard);
    const i = consortium.manifest.members.findIndex(({ id }) => id === self);
    if (this.#begun === null || sums.length === 0 || i < 0) return;
    if (this.#said?.sums.length !== sums.length) {
      const statement = { cid: consortium.cid, r: open.r, cut: this.#begun.digest, i, sums };
      this.#said = signSums(statement, keys.log);
    }
    broadcast({ t: 'sums', r: open.r, said: this.#said });
  }

  // The shards that others added up.

  #fetch(shard: number): void {
    const sum = this.#book.accepted(shard);
    if (sum === null) return;
    const { open, stage, self, consortium, content, models, post } = this.#context;
    this.#work.once(sum, 'the sum of a shard is not here yet', async () => {
      const signers = this.#book.signersOf(shard, sum);
      // Each member asks another of them first, and another one at each try.
      const turn = consortium.manifest.members.findIndex(({ id }) => id === self) + this.#tries;
      const first = signers[Math.max(0, turn) % Math.max(1, signers.length)] ?? null;
      const range = this.#rangeOf(await models.layout(stage), shard);
      const of = { round: open.r, kind: 'update' } as const;
      await content.obtain(sum, sumBytesMax(range), first, of);
      post(() => {
        for (const at of this.#held.keys()) {
          if (this.#book.accepted(at) === sum) this.#held[at] ??= sum;
        }
        this.goOn();
      });
    });
  }

  // The model.

  #assemble(begun: Begun): void {
    if (this.#isAssembling) return;
    this.#isAssembling = true;
    void this.#assembled(begun).then(
      (average) => {
        this.#isAssembling = false;
        this.#context.post(() => {
          if (average === null) this.goOn();
          else this.#result = average;
        });
      },
      (error: unknown) => {
        if (!this.#context.isCurrent()) return;
        this.#isAssembling = false; // the tick tries again
        const facts = { round: begun.cut.r, reason: messageOf(error) };
        this.#context.ports.logger.log('error', 'averaging failed', facts);
      },
    );
  }

  /** Null when a sum was not what it should be, or the round went on meanwhile. */
  async #assembled({ cut }: Begun): Promise<AveragedCut | null> {
    const { open, stage, models, ports, content } = this.#context;
    const { updates } = this.#parts;
    const layout = await models.layout(stage);
    const start = await startOf(this.#context);
    const rule = ruleOf(this.#context);
    const base = await models.obtain(stage, open.base);
    const into = workName(open.r, 'average');
    const sums = this.#held.map((digest, shard) => {
      invariant(digest !== null, 'all sums are here');
      return { name: contentName(digest), digest, range: this.#rangeOf(layout, shard) };
    });
    const weights = cut.updates.map(({ env }) => {
      const facts = updates.facts(env);
      invariant(facts !== null, 'all updates of the cut are known');
      return { weight: facts.weight, heads: facts.heads };
    });
    const job = { layout, start, sums, weights, rule, into };
    const outcome = await ports.averager.assemble(job);
    switch (outcome.kind) {
      case 'averaged':
        return sealOf(this.#context, cut, { model: outcome.model, into, base }, (env) =>
          updates.facts(env),
        );
      case 'damaged': {
        const { digest, range } = sums[outcome.at] ?? { digest: null, range: { start: 0, end: 0 } };
        const of = { round: open.r, kind: 'update' } as const;
        if (digest !== null) await content.obtain(digest, sumBytesMax(range), null, of);
        return null;
      }
      case 'bad': {
        const digest = sums[outcome.at]?.digest;
        if (digest !== undefined) this.#refute(outcome.at, digest);
        return null;
      }
    }
  }

  /** A sum that no such updates can have come to, whoever signed it. */
  #refute(shard: number, sum: Digest): void {
    invariant(this.#made.get(shard) !== sum, 'what this node added up is a sum');
    this.#book.refute(shard, sum);
    // Meanwhile this node may have added the shard up itself: that stays.
    if (this.#held[shard] === sum) this.#held[shard] = null;
    this.#context.post(() => {
      this.#name();
    });
  }

  #rangeOf(layout: ModelLayout, shard: number): ValueRange {
    const { shardCount } = this.#parts.plan;
    return shardRange(parameterCount(layout), shardCount, shard, ruleOf(this.#context));
  }
}

/** Packed integers of 32 bits and a width for each 64 of them. */
function sumBytesMax({ start, end }: ValueRange): number {
  return 4 * (end - start) + Math.ceil((end - start) / 64);
}
