/** A cut on one node while a reducer lies: what is under way when its sum is found out. */
import { expect } from 'chai';
import type { Digest, NodeId } from '../../../../src/base/index.ts';
import { utf8 } from '../../../../src/base/index.ts';
import { digestOf } from '../../../../src/crypto/index.ts';
import { ShardPlan } from '../../../../src/gossip/index.ts';
import type { RoundContext } from '../../../../src/peer/round-protocol.ts';
import { ShardSums } from '../../../../src/peer/rounds/sharded/shard-sums.ts';
import { cutDigest, type Cut } from '../../../../src/wire/index.ts';
import { plainRule } from '../../../wire/sample-stage.ts';

const members = ['L1', 'L2', 'L3', 'L4'] as NodeId[];
const self = 'L1' as NodeId;
const named = (text: string): Digest => digestOf(utf8(text));
const cid = named('cid');
const plan = new ShardPlan({ cid, round: 1, base: named('base') }, members, 1);
const update = { peer: self, env: named('env'), upd: named('upd'), n: 1 };
const cut: Cut = { op: 'CUT', r: 1, updates: [update] } as unknown as Cut;
const layout = [{ name: 'w', shape: [64] }];

interface Sum {
  readonly digest: Digest;
}

/** The node L1, whose averager ends what it is asked for when the test says so. */
class Bench {
  readonly logged: string[] = [];
  /** Sums that a model was made of, by try. */
  readonly assembled: Digest[][] = [];
  readonly false: NodeId[] = [];
  /** Ends the work on the shard that begins there. */
  readonly sums = new Map<number, (digest: Digest) => void>();
  endAssembly: (outcome: object) => void = () => undefined;
  own: readonly number[] = [];
  readonly #tasks: Promise<void>[] = [];
  readonly cutSums: ShardSums;

  constructor() {
    const context = {
      ...{ self, open: { r: 1, rule: plainRule, base: named('base') }, stage: { id: 'student' } },
      consortium: { cid, manifest: { members: members.map((id) => ({ id })) } },
      keys: { log: { signRaw: () => new Uint8Array(64) } },
      before: null,
      content: { adopt: () => Promise.resolve(), obtain: () => Promise.resolve() },
      models: { layout: () => Promise.resolve(layout), obtain: () => Promise.resolve('base') },
      ports: {
        clock: { nowMs: () => 0 },
        logger: {
          log: (_level: string, message: string, facts: { reason?: string }) =>
            this.logged.push(`${message}: ${facts.reason ?? ''}`),
        },
        averager: {
          reduce: ({ range }: { range: { start: number } }) =>
            new Promise((resolve) => {
              this.sums.set(range.start, (digest) => {
                resolve({ kind: 'reduced', sum: { digest, bytes: 1 } });
              });
            }),
          assemble: ({ sums }: { sums: readonly Sum[] }) => {
            this.assembled.push(sums.map(({ digest }) => digest));
            return new Promise((resolve) => {
              this.endAssembly = resolve;
            });
          },
        },
      },
      post: (task: () => Promise<void> | void) => this.#tasks.push(Promise.resolve().then(task)),
      isCurrent: () => true,
      broadcast: () => undefined,
      onFalseSum: (reducer: NodeId) => this.false.push(reducer),
    };
    const file = { name: 'update', digest: update.upd };
    const updates = {
      obtainDecided: () => undefined,
      facts: () => ({ weight: 1, heads: {} }),
      file: () => Promise.resolve(file),
    };
    const duties = { shards: () => this.own, mayReduce: () => true };
    const patience = { callAfterMs: 1_000, selfAfterMs: 4_000 };
    const parts = { plan, duties, patience, updates };
    this.cutSums = new ShardSums(
      context as unknown as RoundContext,
      parts as unknown as ConstructorParameters<typeof ShardSums>[1],
    );
  }

  /** Lets everything come to its end that can. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    await Promise.all(this.#tasks);
  }

  /** What the only reducer of a shard says. */
  say(shard: number, sum: Digest): void {
    const [reducer] = plan.reducersOf(shard);
    const i = members.findIndex((id) => id === reducer);
    const said = { cid, r: 1, cut: cutDigest(cut), i, sums: [{ shard, sum }] };
    const message = { t: 'sums', r: 1, said };
    this.cutSums.take(message as unknown as Parameters<ShardSums['take']>[0]);
  }
}

describe('the sums of a cut', () => {
  const lie = named('a lie');
  const sumOf = (shard: number): Digest => named(`sum ${shard}`);
  const shards = [0, 1, 2, 3];
  // 64 numbers in 4 shards.
  const startOf = (shard: number): number => 16 * shard;

  it('go on with the own sum when a false one is found out after it was made', async () => {
    const liarShard = shards.find((shard) => plan.reducersOf(shard)[0] !== self)!;
    const bench = new Bench();
    // This node has stepped in for the liar, and is not done yet.
    bench.own = [liarShard];
    bench.cutSums.begin(cut);
    for (const shard of shards) bench.say(shard, shard === liarShard ? lie : sumOf(shard));
    await bench.settle();
    expect(bench.assembled).deep.equal([
      shards.map((shard) => (shard === liarShard ? lie : sumOf(shard))),
    ]);
    bench.sums.get(startOf(liarShard))!(sumOf(liarShard));
    await bench.settle();
    bench.endAssembly({ kind: 'bad', at: liarShard });
    await bench.settle();
    expect(bench.logged).deep.equal([]);
    expect(bench.false).deep.equal([plan.reducersOf(liarShard)[0]]);
    expect(bench.assembled.slice(1)).deep.equal([shards.map(sumOf)]);
  });

  it('make the shard of a false sum that is found out before the own one is there', async () => {
    const liarShard = shards.find((shard) => plan.reducersOf(shard)[0] !== self)!;
    const bench = new Bench();
    bench.cutSums.begin(cut);
    for (const shard of shards) bench.say(shard, shard === liarShard ? lie : sumOf(shard));
    await bench.settle();
    bench.endAssembly({ kind: 'bad', at: liarShard });
    await bench.settle();
    bench.sums.get(startOf(liarShard))!(sumOf(liarShard));
    await bench.settle();
    expect(bench.logged).deep.equal([]);
    expect(bench.false).deep.equal([plan.reducersOf(liarShard)[0]]);
    expect(bench.assembled.slice(1)).deep.equal([shards.map(sumOf)]);
  });
});
