/**
 * A round whose average is made in shards: each member adds up some shards of all updates, and all hand each other the sums.
 * The model is that of an exact round over the same updates, to the byte. The parts: this node's own training, the updates,
 * the sums, and who is still there. docs/decisions/025
 */
import type { NodeId } from '../../../base/index.ts';
import { ShardPlan } from '../../../gossip/index.ts';
import type { Cut, Seal } from '../../../wire/index.ts';
import type { Judgement } from '../../local-view.ts';
import type { RoundMessage } from '../../peer-messages.ts';
import type { RoundContext, RoundProtocol } from '../../round-protocol.ts';
import { UpdatesRound } from '../updates-round.ts';
import { judgeSameSeal, type AveragedCut } from '../own-seal.ts';
import { patienceOf, ShardDuties } from './shard-duties.ts';
import { shardedUpdate } from './sharded-update.ts';
import { ShardSums } from './shard-sums.ts';
import { ShardUpdates } from './shard-updates.ts';

/** See the file's header. What its methods promise is said at `RoundProtocol`. */
export class ShardedRound extends UpdatesRound implements RoundProtocol {
  protected readonly updates: ShardUpdates;
  readonly #sums: ShardSums;

  constructor(context: RoundContext, plan: ShardPlan = shardPlanOf(context)) {
    super(context, shardedUpdate(context, plan));
    const duties = new ShardDuties(plan, context.self, this.presence);
    const patience = patienceOf(context.stage);
    this.updates = new ShardUpdates(context, {
      ...{ plan, envelopes: this.envelopes },
      wanted: (env) =>
        this.#sums.wanted(env) ??
        duties.shards((shard) => Math.floor(this.updates.shortForMs(shard) / patience.callAfterMs)),
      onOpened: () => {
        this.#sums.goOn();
      },
    });
    this.#sums = new ShardSums(context, { plan, duties, patience, updates: this.updates });
  }

  // What the rules of blocks ask.

  aggregate(): AveragedCut | null {
    return this.#sums.result;
  }

  judgeSeal(seal: Seal): Judgement {
    return judgeSameSeal(seal, this.#sums.result);
  }

  smallerCut(): null {
    return null;
  }

  mayLeaveOut(): boolean {
    return false;
  }

  // What the peer tells.

  average(cut: Cut): void {
    this.#sums.begin(cut);
  }

  override judgeMessage(message: RoundMessage): string | null {
    return message.t === 'sums' ? this.#sums.refusal(message) : super.judgeMessage(message);
  }

  take(from: NodeId, message: RoundMessage): void {
    switch (message.t) {
      case 'sums':
        this.#sums.take(message);
        return;
      case 'update':
      case 'holds':
      case 'key':
      case 'pieces':
        this.updates.take(from, message);
        return;
      // What is said in a mixing is nothing to this round.
      case 'step':
      case 'report':
      case 'lacks':
      case 'near':
    }
  }

  repeat(): void {
    this.updates.repeat(this.#sums.isDue);
    if (this.#sums.isDue) this.#sums.repeat();
    else this.training.retry();
  }
}

/** Who adds up what in this round: the same at every member. */
function shardPlanOf({ open, consortium }: Pick<RoundContext, 'open' | 'consortium'>): ShardPlan {
  const { cid, manifest } = consortium;
  const members = manifest.members.map(({ id }) => id);
  const reducers = open.rule.kind === 'sharded' ? open.rule.reducers : 1;
  return new ShardPlan({ cid, round: open.r, base: open.base }, members, reducers);
}
