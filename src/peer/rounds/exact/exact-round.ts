/**
 * A round whose average is exact: every member gets every update and averages them by itself, to the same bytes. The parts:
 * this node's own training, the updates of all, the average of the cut, and who is still there.
 */
import { messageOf, type Digest, type NodeId } from '../../../base/index.ts';
import { GossipError, type UpdateFacts } from '../../../gossip/index.ts';
import type { Cut, CutUpdate, Open, Seal } from '../../../wire/index.ts';
import type { Judgement } from '../../local-view.ts';
import type { RoundMessage } from '../../peer-messages.ts';
import type { RoundContext, RoundProtocol } from '../../round-protocol.ts';
import { Presence } from '../presence.ts';
import { CutAverage } from './cut-average.ts';
import { EnvelopeReader } from '../envelope-reader.ts';
import { judgeSameSeal, type AveragedCut } from '../own-seal.ts';
import { OwnTraining } from '../own-training.ts';
import { RoundUpdates } from '../round-updates.ts';
import { wholeUpdate } from '../whole-update.ts';

/** See the file's header. What its methods promise is said at `RoundProtocol`. */
export class ExactRound implements RoundProtocol {
  readonly open: Open;
  readonly #presence: Presence;
  readonly #training: OwnTraining;
  readonly #updates: RoundUpdates;
  readonly #average: CutAverage;
  readonly #envelopes: EnvelopeReader;
  readonly #self: NodeId;

  constructor(context: RoundContext) {
    const { open, self, consortium, ports, settings, onEvent } = context;
    const { silenceMs } = settings;
    this.open = open;
    this.#self = self;
    this.#presence = new Presence({ self, clock: ports.clock, silenceMs });
    this.#training = new OwnTraining(context, wholeUpdate(context), {
      onEnvelope: (envelope) => {
        this.#updates.announce(envelope);
        onEvent({ kind: 'announced', round: open.r });
      },
      onFailed: () => {
        this.#presence.abstained(self);
      },
    });
    this.#envelopes = new EnvelopeReader(consortium, open, context.verifyBytes, ports.pure);
    this.#updates = new RoundUpdates(context, {
      envelopes: this.#envelopes,
      onOpened: () => {
        this.#average.goOn();
      },
    });
    this.#average = new CutAverage(context, this.#updates);
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
    return this.#average.result;
  }

  judgeSeal(seal: Seal): Judgement {
    return judgeSameSeal(seal, this.#average.result);
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
    this.#average.begin(cut);
  }

  judgeMessage(message: RoundMessage): string | null {
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
    // What is said in rounds of other kinds is nothing to this one.
    if (message.t === 'update' || message.t === 'holds' || message.t === 'key') {
      this.#updates.take(from, message);
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
    if (this.#average.result !== null) return;
    this.#updates.repeat(this.#average.isDue);
    if (this.#average.isDue) this.#average.goOn();
    else this.#training.retry();
  }
}
