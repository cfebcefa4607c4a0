/**
 * What rounds of every kind have: each member trains, announces one signed update, and says which it holds. How they become a
 * model is the kind's own.
 */
import { messageOf, type Digest, type NodeId } from '../../base/index.ts';
import { digestOf } from '../../crypto/index.ts';
import { GossipError, type UpdateFacts } from '../../gossip/index.ts';
import type { CutUpdate, Open } from '../../wire/index.ts';
import type { RoundView } from '../local-view.ts';
import type { RoundMessage } from '../peer-messages.ts';
import type { RoundContext } from '../round-protocol.ts';
import { EnvelopeReader } from './envelope-reader.ts';
import { OwnTraining, type MakeUpdate } from './own-training.ts';
import { Presence } from './presence.ts';

/** The updates of a round, as its kind keeps them. */
export interface KeptUpdates extends Pick<
  RoundView,
  'certified' | 'areHeldTogether' | 'judgeUpdate' | 'certifiedForMs'
> {
  announce(envelope: Uint8Array): void;
  envelope(env: Digest): Uint8Array | null;
  facts(env: Digest): UpdateFacts | null;
}

/** See the file's header. What its methods promise is said at `RoundProtocol`. */
export abstract class UpdatesRound {
  readonly open: Open;
  protected readonly presence: Presence;
  protected readonly training: OwnTraining;
  protected readonly envelopes: EnvelopeReader;
  protected abstract readonly updates: KeptUpdates;
  readonly #record: RoundContext['record'];
  /** Envelopes whose refusal may still be written down: whoever sends many must not fill the disk. */
  #refusalsLeft: number;

  constructor(context: RoundContext, make: MakeUpdate) {
    const { open, self, consortium, ports, settings, onEvent } = context;
    const { silenceMs } = settings;
    this.open = open;
    this.#record = context.record;
    this.#refusalsLeft = open.participants.length;
    this.presence = new Presence({ self, clock: ports.clock, silenceMs });
    this.training = new OwnTraining(context, make, {
      onEnvelope: (envelope) => {
        this.updates.announce(envelope);
        onEvent({ kind: 'announced', round: open.r });
      },
      onFailed: () => {
        this.presence.abstained(self);
      },
    });
    this.envelopes = new EnvelopeReader(consortium, open, context.verifyBytes, ports.pure);
  }

  certified(): readonly CutUpdate[] {
    return this.updates.certified();
  }

  areHeldTogether(updates: readonly CutUpdate[]): boolean {
    return this.updates.areHeldTogether(updates);
  }

  judgeUpdate(update: CutUpdate): ReturnType<RoundView['judgeUpdate']> {
    return this.updates.judgeUpdate(update);
  }

  certifiedForMs(peer: NodeId): number | null {
    return this.updates.certifiedForMs(peer);
  }

  isSilent(peer: NodeId): boolean {
    return this.presence.isSilent(peer);
  }

  envelope(env: Digest): Uint8Array | null {
    return this.updates.envelope(env);
  }

  facts(env: Digest): UpdateFacts | null {
    return this.updates.facts(env);
  }

  train(): void {
    this.training.begin();
  }

  judgeMessage(message: RoundMessage): string | null {
    if (message.t !== 'update') return null;
    const bytes = this.envelopes.bytesOf(message);
    try {
      this.envelopes.read(bytes);
      return null;
    } catch (error) {
      if (!(error instanceof GossipError)) throw error;
      if (this.#refusalsLeft-- > 0) {
        const facts = { round: this.open.r, reason: 'bad_envelope', env: digestOf(bytes) } as const;
        this.#record.note({ event: 'update-refused', ...facts });
      }
      return messageOf(error);
    }
  }

  heard(from: NodeId, nowMs: number): void {
    this.presence.heard(from, nowMs);
  }

  abstained(from: NodeId): void {
    this.presence.abstained(from);
  }

  get isAbstaining(): boolean {
    return this.presence.isAbstaining;
  }
}
