/**
 * The updates of one round on one node: announced, fetched, opened, and claimed before the others. Fetching and opening
 * run beside the peer's queue and come back through `post`.
 */
import {
  base64,
  fromBase64,
  fromUtf8,
  invariant,
  messageOf,
  utf8,
  type Digest,
  type NodeId,
} from '../../../base/index.ts';
import {
  averagingRule,
  GossipError,
  openUpdate,
  UpdateBook,
  type OpenedUpdate,
  type UpdateBulk,
  type UpdateFacts,
  type Segment,
} from '../../../gossip/index.ts';
import { handOverKey, limits, type CutUpdate } from '../../../wire/index.ts';
import type { Judgement, RoundView } from '../../block-rules.ts';
import type { RoundContext } from '../../round-protocol.ts';
import type { ExactMessage, HoldsMessage, KeyMessage } from './exact-messages.ts';

/** A transfer not over after so long is begun once more elsewhere, ms; twice as long until the next time. */
const hastenAfterMs = 30_000;

/** What of a round its updates need. */
type UpdatesContext = Pick<
  RoundContext,
  | 'open'
  | 'self'
  | 'consortium'
  | 'keys'
  | 'ports'
  | 'shelf'
  | 'settings'
  | 'post'
  | 'broadcast'
  | 'send'
  | 'onTwoUpdates'
>;

/** What is asked of the round, and told to it. */
interface Callbacks {
  /** Of the stage's model. */
  readonly segments: () => Promise<readonly Segment[]>;
  /** One more update is open. */
  readonly onOpened: () => void;
}

/** See the file's header. */
export class RoundUpdates implements Pick<
  RoundView,
  'certified' | 'areHeldTogether' | 'judgeUpdate' | 'certifiedForMs'
> {
  readonly #context: UpdatesContext;
  readonly #callbacks: Callbacks;
  readonly #book: UpdateBook;
  /** Blobs under way. */
  readonly #fetching = new Set<Digest>();
  /** When a bulk under way is begun once more elsewhere, and after how long that was. */
  readonly #hastening = new Map<Digest, { atMs: number; afterMs: number }>();
  /** Members to whom a key was handed, or whose key was tried, since the last tick: one each, whatever they send. */
  readonly #helped = new Set<NodeId>();
  readonly #tried = new Set<NodeId>();
  #ownEnvelope: Uint8Array | null = null;
  #areHoldingsDue = false;

  constructor(context: UpdatesContext, callbacks: Callbacks) {
    this.#context = context;
    this.#callbacks = callbacks;
    this.#book = new UpdateBook(context.consortium, context.open);
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

  values(env: Digest): Int32Array | null {
    return this.#book.openedUpdate(env)?.values ?? null;
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
    this.#helped.clear();
    this.#tried.clear();
    if (this.#ownEnvelope !== null && this.certifiedForMs(this.#context.self) === null) {
      this.#sendEnvelope(this.#ownEnvelope);
    }
    if (!isCut || this.#book.inState('locked').length > 0) this.#sendHoldings();
    for (const { env, holder } of this.#book.missing()) this.#obtainEnvelope(env, holder, false);
    for (const facts of this.#book.inState('awaited')) {
      this.#obtainBulk(facts);
      this.#hasten(facts);
    }
  }

  /** @throws nothing: what is wrong with a message is its sender's fault and logged */
  take(from: NodeId, message: ExactMessage): void {
    switch (message.t) {
      case 'update':
        this.#tryEnvelope(utf8(message.envelope), false, from);
        return;
      case 'holds':
        this.#book.takeClaims(from, message.open, this.#context.ports.clock.nowMs());
        this.#help(from, message);
        return;
      case 'key':
        this.#tryKey(from, message);
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
    this.#once(env, async () => {
      const bytes = await this.#context.shelf.obtain(env, limits.entryBytesMax, from, null);
      this.#context.post(() => {
        this.#tryEnvelope(bytes, isDecided, from);
      });
    });
  }

  // Bulk.

  #obtainBulk(facts: UpdateFacts): void {
    const { shelf } = this.#context;
    this.#once(facts.upd, async () => {
      // Who claims to hold an update has both on its disk.
      const envelope = this.#book.envelope(facts.env);
      if (envelope !== null) await shelf.put(envelope, null);
      const opened = await this.#tryOpening(facts);
      this.#context.post(() => {
        if (opened === null) this.#book.mark(facts.env, 'locked');
        this.#keep(facts.env, opened);
        this.#sayHoldingsSoon();
      });
    });
  }

  /** An author may be quick with some and slow with others, who then get its update from the quick ones. */
  #hasten({ author, env, upd, statement }: UpdateFacts): void {
    const { self, shelf, ports } = this.#context;
    const nowMs = ports.clock.nowMs();
    const next = this.#hastening.get(upd) ?? {
      atMs: nowMs + hastenAfterMs,
      afterMs: hastenAfterMs,
    };
    this.#hastening.set(upd, next);
    const helpers = this.#book.helpers({ author, env }, self);
    const first = helpers[ports.random.integer(Math.max(1, helpers.length))];
    if (nowMs < next.atMs || first === undefined) return;
    const afterMs = 2 * next.afterMs;
    this.#hastening.set(upd, { atMs: nowMs + afterMs, afterMs });
    shelf.hasten(upd, statement.updateBytes, { first, shunned: author });
  }

  /** Fetches the bulk and opens it with the author's key, or with one that was handed over; null when it does not fit. */
  async #tryOpening(
    facts: UpdateFacts,
    handed?: UpdateBulk['handed'],
  ): Promise<OpenedUpdate | null> {
    const { shelf, open, consortium, keys, self: recipient } = this.#context;
    const { upd, author, statement } = facts;
    const of = { round: open.r, kind: 'update' } as const;
    const ciphertext = await shelf.obtain(upd, statement.updateBytes, author, of);
    const segments = await this.#callbacks.segments();
    const { sealPrivate } = keys;
    const rule = averagingRule(open.rule, consortium.manifest.members.length);
    const bulk = { rule, facts, recipient, ciphertext, segments, sealPrivate };
    try {
      return await openUpdate(handed === undefined ? bulk : { ...bulk, handed });
    } catch (error) {
      if (error instanceof GossipError) this.#book.mark(facts.env, 'spoilt');
      throw error;
    }
  }

  #keep(env: Digest, opened: OpenedUpdate | null): void {
    if (opened === null) return;
    const { self, ports } = this.#context;
    this.#book.opened(env, opened, self, ports.clock.nowMs());
    this.#callbacks.onOpened();
  }

  // What we hold, and keys for those whom an author shut out.

  /** One message for updates that come close together: each message goes to every member. */
  #sayHoldingsSoon(): void {
    const { ports, settings, post } = this.#context;
    if (this.#areHoldingsDue) return;
    this.#areHoldingsDue = true;
    ports.clock.setTimer(settings.holdsDelayMs, () => {
      post(() => {
        this.#areHoldingsDue = false;
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

  /** An author may seal its update to some members only: those who could open it hand the key on. */
  #help(member: NodeId, { locked }: HoldsMessage): void {
    const { consortium, self, open, send, post } = this.#context;
    const to = consortium.manifest.members.find(({ id }) => id === member);
    const env = locked.find((one) => this.#book.openedUpdate(one) !== null);
    if (to === undefined || env === undefined || this.#helped.has(member)) return;
    const [facts, opened] = [this.#book.facts(env), this.#book.openedUpdate(env)];
    if (facts === null || opened === null) return;
    this.#helped.add(member);
    this.#beside('a key was not handed on', async () => {
      const sealed = await handOverKey(facts.statement, self, to, opened.key);
      post(() => {
        send(member, { t: 'key', r: open.r, env, sealed: base64(sealed) });
      });
    });
  }

  #tryKey(from: NodeId, { env, sealed }: KeyMessage): void {
    const facts = this.#book.facts(env);
    const bytes = fromBase64(sealed);
    if (facts === null || bytes === null || this.#book.stateOf(env) !== 'locked') return;
    if (this.#tried.has(from)) return;
    this.#tried.add(from);
    this.#beside('a key was not tried', async () => {
      const opened = await this.#tryOpening(facts, { from, sealed: bytes });
      this.#context.post(() => {
        if (this.#book.stateOf(env) !== 'locked') return;
        this.#keep(env, opened);
        this.#sayHoldingsSoon();
      });
    });
  }

  /** Runs a fetch unless one for the same blob is under way; a failed one is tried again at the next tick. */
  #once(digest: Digest, work: () => Promise<void>): void {
    if (this.#fetching.has(digest)) return;
    this.#fetching.add(digest);
    this.#beside('an update is not here yet', () =>
      work().finally(() => {
        this.#fetching.delete(digest);
      }),
    );
  }

  #beside(otherwise: string, work: () => Promise<void>): void {
    void work().catch((error: unknown) => {
      const facts = { round: this.#context.open.r, reason: messageOf(error) };
      this.#context.ports.logger.log('warn', otherwise, facts);
    });
  }
}
