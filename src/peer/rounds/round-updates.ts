/**
 * The updates of one round on one node: announced, fetched, opened, and claimed before the others. Fetching and opening
 * run beside the peer's queue and come back through `post`.
 */
import {
  fromUtf8,
  invariant,
  messageOf,
  type CancelTimer,
  type Digest,
  type NodeId,
} from '../../base/index.ts';
import { GossipError, UpdateBook, type UpdateFacts, type UpdateFile } from '../../gossip/index.ts';
import { limits, type CutUpdate } from '../../wire/index.ts';
import type { Judgement, RoundView } from '../local-view.ts';
import { updateOf } from '../housekeeping.ts';
import type { RoundContext } from '../round-protocol.ts';
import type { UpdatesMessage } from './update-messages.ts';
import type { EnvelopeReader } from './envelope-reader.ts';
import { KeyHelp } from './key-help.ts';
import { SideWork } from './side-work.ts';
import { updateFile, UpdateOpening, type Opening } from './update-opening.ts';

/** What the log says while a fetch fails. */
const notHere = 'an update is not here yet';

/** What the updates share with their round. */
interface RoundParts {
  readonly envelopes: EnvelopeReader;
  /** One more update is open. */
  readonly onOpened: () => void;
  /** How bulk comes here; fetched and decrypted where absent. */
  readonly opening?: Opening;
}

/** See the file's header. */
export class RoundUpdates implements Pick<
  RoundView,
  'certified' | 'areHeldTogether' | 'judgeUpdate' | 'certifiedForMs'
> {
  readonly #context: RoundContext;
  readonly #parts: RoundParts;
  readonly #book: UpdateBook;
  readonly #work: SideWork;
  readonly #opening: Opening;
  readonly #keys: KeyHelp;
  #ownEnvelope: Uint8Array | null = null;
  /** Takes the news that waits back. */
  #takeNewsBack: CancelTimer | null = null;

  constructor(context: RoundContext, parts: RoundParts) {
    this.#context = context;
    this.#parts = parts;
    const book = new UpdateBook(context.consortium, context.open, (bytes) =>
      parts.envelopes.read(bytes),
    );
    const work = new SideWork(context.open.r, context.ports.logger);
    const opening = parts.opening ?? new UpdateOpening(context, book);
    this.#book = book;
    this.#work = work;
    this.#opening = opening;
    this.#keys = new KeyHelp(context, {
      ...{ book, opening, work },
      onOpened: (env, key) => {
        this.#keep(env, key);
        this.#sayHoldingsSoon();
      },
    });
  }

  // What the rules of blocks ask.

  certified(): readonly CutUpdate[] {
    return this.#book.certified();
  }

  areHeldTogether(updates: readonly CutUpdate[]): boolean {
    return this.#book.areHeldTogether(updates);
  }

  judgeUpdate({ peer, env, upd, n }: CutUpdate): Judgement {
    const facts = this.#book.facts(env);
    if (facts === null) {
      // A proposer alone cannot make this node fetch and keep what nobody holds.
      if (this.#book.isBelieved(env)) this.#obtainEnvelope(env, peer, false);
      return 'wait';
    }
    if (facts.author !== peer || facts.upd !== upd || facts.weight !== n) return 'reject';
    switch (this.#book.stateOf(env)) {
      case 'open':
        return 'accept';
      case 'spoilt':
        return 'reject';
      case 'awaited':
      case 'locked':
      case null:
        return 'wait';
    }
  }

  certifiedForMs(peer: NodeId): number | null {
    return this.#book.certifiedForMs(peer, this.#context.ports.clock.nowMs());
  }

  // What the round asks.

  envelope(env: Digest): Uint8Array | null {
    return this.#book.envelope(env);
  }

  facts(env: Digest): UpdateFacts | null {
    return this.#book.facts(env);
  }

  /** The ciphertext of an update that is here and opened, under its key; null for another. */
  file(env: Digest): UpdateFile | null {
    const [facts, key] = [this.#book.facts(env), this.#book.keyOf(env)];
    return facts === null || key === null ? null : updateFile(facts, key);
  }

  /** Sees to it that the ciphertext of an update that was opened is sound: a disk may have lost a bit of it since. */
  async mend(env: Digest): Promise<void> {
    const facts = this.#book.facts(env);
    if (facts !== null) await this.#opening.fetch(facts);
  }

  /** Tells the others of this node's own update, which is on the disk. */
  announce(envelope: Uint8Array): void {
    this.#ownEnvelope = envelope;
    this.#takeEnvelope(envelope, false);
    this.#sendEnvelope(envelope);
  }

  /** Fetches what a decided cut names and this node has not. */
  obtainDecided({ env, peer }: CutUpdate): void {
    if (this.#book.facts(env) === null) this.#obtainEnvelope(env, peer, true);
  }

  /** Says and asks again what may have been lost: our update until a quorum holds it, and what we hold until it is cut. */
  repeat(isCut: boolean): void {
    this.#keys.renew();
    if (this.#ownEnvelope !== null && this.certifiedForMs(this.#context.self) === null) {
      this.#sendEnvelope(this.#ownEnvelope);
    }
    if (!isCut || this.#book.inState('locked').length > 0) this.#sendHoldings();
    for (const { env, holder } of this.#book.missing()) this.#obtainEnvelope(env, holder, false);
    for (const facts of this.#book.inState('awaited')) {
      this.#obtainBulk(facts);
      this.#opening.hasten(facts);
    }
  }

  /** @throws nothing: what is wrong with a message is its sender's fault and logged */
  take(from: NodeId, message: UpdatesMessage): void {
    switch (message.t) {
      case 'update':
        this.#tryEnvelope(this.#parts.envelopes.bytesOf(message), false, from);
        return;
      case 'holds':
        this.#book.takeClaims(from, message.open, this.#context.ports.clock.nowMs());
        this.#keys.help(from, message);
        return;
      case 'key':
        this.#keys.tryKey(from, message);
    }
  }

  // Envelopes.

  #sendEnvelope(envelope: Uint8Array): void {
    const { open, broadcast } = this.#context;
    broadcast({ t: 'update', r: open.r, envelope: fromUtf8(envelope) });
  }

  #tryEnvelope(bytes: Uint8Array, isDecided: boolean, from: NodeId): void {
    try {
      this.#takeEnvelope(bytes, isDecided);
    } catch (error) {
      if (!(error instanceof GossipError)) throw error;
      const facts = { from, reason: messageOf(error) };
      this.#context.ports.logger.log('warn', 'update refused', facts);
    }
  }

  #takeEnvelope(bytes: Uint8Array, isDecided: boolean): void {
    const facts = this.#book.takeEnvelope(bytes, isDecided);
    if (facts === null) return;
    const envelopes = this.#book.envelopesOf(facts.author);
    const { onTwoUpdates, open } = this.#context;
    if (envelopes.length > 1) onTwoUpdates(facts.author, open.r, envelopes);
    this.#obtainBulk(facts);
  }

  #obtainEnvelope(env: Digest, from: NodeId, isDecided: boolean): void {
    this.#work.once(env, notHere, async () => {
      const { content, open } = this.#context;
      const of = updateOf(open.r);
      const bytes = await content.obtainBytes(env, limits.entryBytesMax, from, of);
      this.#context.post(() => {
        this.#tryEnvelope(bytes, isDecided, from);
      });
    });
  }

  // Bulk.

  #obtainBulk(facts: UpdateFacts): void {
    const { content, open } = this.#context;
    this.#work.once(facts.upd, notHere, async () => {
      // Who claims to hold an update has both on its disk.
      const envelope = this.#book.envelope(facts.env);
      if (envelope !== null) await content.put(envelope, updateOf(open.r), facts.env);
      const key = await this.#opening.open(facts);
      this.#context.post(() => {
        if (key === null) this.#book.mark(facts.env, 'locked');
        else this.#keep(facts.env, key);
        this.#sayHoldingsSoon();
      });
    });
  }

  #keep(env: Digest, key: Uint8Array): void {
    const { self, ports, open, onEvent } = this.#context;
    this.#book.opened(env, key, self, ports.clock.nowMs());
    const member = this.#book.facts(env)?.author;
    if (member !== undefined) onEvent({ kind: 'update-held', round: open.r, member });
    this.#parts.onOpened();
  }

  // What we hold.

  /** One message for updates that come close together, since each goes to every member; at once when none is to come. */
  #sayHoldingsSoon(): void {
    const { open, ports, settings, post } = this.#context;
    this.#takeNewsBack?.();
    this.#takeNewsBack = null;
    if (this.#book.heldCount >= open.participants.length) {
      this.#sendHoldings();
      return;
    }
    this.#takeNewsBack = ports.clock.setTimer(settings.holdsDelayMs, () => {
      post(() => {
        this.#sendHoldings();
      });
    });
  }

  #sendHoldings(): void {
    const { open, broadcast } = this.#context;
    const [held, locked] = (['open', 'locked'] as const).map((state) =>
      this.#book.inState(state).map(({ env }) => env),
    );
    invariant(held !== undefined && locked !== undefined, 'two lists of two states');
    if (held.length + locked.length === 0) return;
    const max = this.#book.claimsMax;
    const lists = { open: held.slice(0, max), locked: locked.slice(0, max) };
    broadcast({ t: 'holds', r: open.r, ...lists });
  }
}
