/**
 * A round whose average is made in shards: each member adds up some shards of all updates, and all hand each other the sums.
 * The model is that of an exact round over the same updates, to the byte. The parts: this node's own training, the updates,
 * the sums, and who is still there. docs/decisions/025
 */
import { messageOf, type Digest, type NodeId } from '../../../base/index.ts';
import { GossipError, ShardPlan, type UpdateFacts } from '../../../gossip/index.ts';
import type { Cut, CutUpdate, Open, Seal } from '../../../wire/index.ts';
import type { Judgement } from '../../local-view.ts';
import type { RoundMessage } from '../../peer-messages.ts';
import type { RoundContext, RoundProtocol } from '../../round-protocol.ts';
import { EnvelopeReader } from '../envelope-reader.ts';
import { judgeSameSeal, type AveragedCut } from '../own-seal.ts';
import { OwnTraining } from '../own-training.ts';
import { Presence } from '../presence.ts';
import { patienceOf, ShardDuties } from './shard-duties.ts';
import { shardedUpdate } from './sharded-update.ts';
import { ShardSums } from './shard-sums.ts';
import { ShardUpdates } from './shard-updates.ts';

/** See the file's header. What its methods promise is said at `RoundProtocol`. */
export class ShardedRound implements RoundProtocol {
  readonly open: Open;
  readonly #presence: Presence;
  readonly #training: OwnTraining;
  readonly #updates: ShardUpdates;
  readonly #sums: ShardSums;
  readonly #envelopes: EnvelopeReader;
  readonly #self: NodeId;

  constructor(context: RoundContext) {
    const { open, self, stage, consortium, ports, settings, onEvent } = context;
    this.open = open;
    this.#self = self;
    const presence = new Presence({ self, clock: ports.clock, silenceMs: settings.silenceMs });
    const plan = shardPlanOf(context);
    const duties = new ShardDuties(plan, self, presence);
    const patience = patienceOf(stage);
    this.#presence = presence;
    this.#training = new OwnTraining(context, shardedUpdate(context, plan), {
      onEnvelope: (envelope) => {
        this.#updates.announce(envelope);
        onEvent({ kind: 'announced', round: open.r });
      },
      onFailed: () => {
        presence.abstained(self);
      },
    });
    this.#envelopes = new EnvelopeReader(consortium, open, context.verifyBytes, ports.pure);
    this.#updates = new ShardUpdates(context, {
      ...{ plan, envelopes: this.#envelopes },
      wanted: (env) =>
        this.#sums.wanted(env) ??
        duties.shards((shard) =>
          Math.floor(this.#updates.shortForMs(shard) / patience.callAfterMs),
        ),
      onOpened: () => {
        this.#sums.goOn();
      },
    });
    this.#sums = new ShardSums(context, { plan, duties, patience, updates: this.#updates });
  }

  // What the rules of blocks ask.

  certified(): readonly CutUpdate[] {
    return this.#updates.certified();
  }

  areHeldTogether(updates: readonly CutUpdate[]): boolean {
    return this.#updates.areHeldTogether(updates);
  }

  judgeUpdate(update: CutUpdate): Judgement {
    return this.#updates.judgeUpdate(update);
  }

  certifiedForMs(peer: NodeId): number | null {
    return this.#updates.certifiedForMs(peer);
  }

  isSilent(peer: NodeId): boolean {
    return this.#presence.isSilent(peer);
  }

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

  envelope(env: Digest): Uint8Array | null {
    return this.#updates.envelope(env);
  }

  facts(env: Digest): UpdateFacts | null {
    return this.#updates.facts(env);
  }

  // What the peer tells.

  train(): void {
    this.#training.begin();
  }

  average(cut: Cut): void {
    if (cut.updates.some(({ peer }) => peer === this.#self)) this.#training.settle();
    this.#sums.begin(cut);
  }

  judgeMessage(message: RoundMessage): string | null {
    if (message.t === 'sums') return this.#sums.refusal(message);
    if (message.t !== 'update') return null;
    try {
      this.#envelopes.read(this.#envelopes.bytesOf(message));
      return null;
    } catch (error) {
      if (error instanceof GossipError) return messageOf(error);
      throw error;
    }
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
        this.#updates.take(from, message);
        return;
      // What is said in a mixing is nothing to this round.
      case 'step':
      case 'report':
      case 'lacks':
      case 'near':
    }
  }

  heard(from: NodeId, nowMs: number): void {
    this.#presence.heard(from, nowMs);
  }

  abstained(from: NodeId): void {
    this.#presence.abstained(from);
  }

  get isAbstaining(): boolean {
    return this.#presence.isAbstaining;
  }

  repeat(): void {
    this.#updates.repeat(this.#sums.isDue);
    if (this.#sums.isDue) this.#sums.repeat();
    else this.#training.retry();
  }
}

/** Who adds up what in this round: the same at every member. */
function shardPlanOf({ open, consortium }: Pick<RoundContext, 'open' | 'consortium'>): ShardPlan {
  const { cid, manifest } = consortium;
  const members = manifest.members.map(({ id }) => id);
  const reducers = open.rule.kind === 'sharded' ? open.rule.reducers : 1;
  return new ShardPlan({ cid, round: open.r, base: open.base }, members, reducers);
}
