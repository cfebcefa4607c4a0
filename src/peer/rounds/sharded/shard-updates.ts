/**
 * The updates of a round in shards on one node: announced, their lists fetched, the shards that this node adds up fetched
 * and checked, and claimed before the others. Fetching and checking run beside the peer's queue and come back through `post`.
 */
import { fromBase64, fromUtf8, messageOf, type Digest, type NodeId } from '../../../base/index.ts';
import {
  GossipError,
  ShardClaims,
  UpdateBook,
  type ShardPlan,
  type UpdateFacts,
  type UpdateFile,
} from '../../../gossip/index.ts';
import { limits, type CutUpdate, type ShardList } from '../../../wire/index.ts';
import type { Judgement, RoundView } from '../../local-view.ts';
import { updateOf } from '../../housekeeping.ts';
import type { RoundContext } from '../../round-protocol.ts';
import type { EnvelopeReader } from '../envelope-reader.ts';
import type { UpdatesMessage } from '../update-messages.ts';
import { KeyHelp } from '../key-help.ts';
import { SideWork } from '../side-work.ts';
import type { HandedKey } from '../update-opening.ts';
import { ShardBulk, type ShardOutcome } from './shard-bulk.ts';
import { ShardNews, type Holding } from './shard-news.ts';
import type { PiecesMessage } from './sharded-messages.ts';

const notHere = 'a shard is not here yet';

/** What the updates share with their round. */
interface RoundParts {
  readonly plan: ShardPlan;
  readonly envelopes: EnvelopeReader;
  /** The shards of an update that this node has to hold now. */
  readonly wanted: (env: Digest) => readonly number[];
  /** One more shard is open. */
  readonly onOpened: () => void;
}

/** What this node has of one update beside its envelope. */
interface Here {
  readonly sinceMs: number;
  list: ShardList | null;
  key: Uint8Array | null;
  readonly open: Set<number>;
  isSpoilt: boolean;
}

/** See the file's header. */
export class ShardUpdates implements Pick<
  RoundView,
  'certified' | 'areHeldTogether' | 'judgeUpdate' | 'certifiedForMs'
> {
  readonly #context: RoundContext;
  readonly #parts: RoundParts;
  /** Envelopes and keys, and who says that it holds anything of an update. */
  readonly #book: UpdateBook;
  readonly #claims: ShardClaims;
  readonly #bulk: ShardBulk;
  readonly #work: SideWork;
  readonly #keys: KeyHelp;
  readonly #news: ShardNews;
  readonly #here = new Map<Digest, Here>();
  /** The last claims of each member that named what was not here yet. */
  readonly #early = new Map<NodeId, PiecesMessage>();
  #ownEnvelope: Uint8Array | null = null;
  #certified: readonly CutUpdate[] | null = null;

  constructor(context: RoundContext, parts: RoundParts) {
    this.#context = context;
    this.#parts = parts;
    const read = (bytes: Uint8Array): UpdateFacts => parts.envelopes.read(bytes);
    const book = new UpdateBook(context.consortium, context.open, read);
    const work = new SideWork(context.open.r, context.ports.logger);
    this.#book = book;
    this.#work = work;
    this.#claims = new ShardClaims(parts.plan);
    this.#bulk = new ShardBulk(context, parts.plan);
    this.#news = new ShardNews(context, book, () => this.#holdings());
    this.#keys = new KeyHelp(context, {
      ...{ book, work },
      opening: { open: (facts, handed) => this.#tryKey(facts, handed) },
      onOpened: (env, key) => {
        this.#useKey(env, key);
      },
    });
  }

  // What the rules of blocks ask.

  certified(): readonly CutUpdate[] {
    if (this.#certified !== null) return this.#certified;
    const updates = new Map<NodeId, CutUpdate>();
    for (const [env, { isSpoilt }] of this.#here) {
      const facts = this.#book.facts(env);
      if (facts === null || isSpoilt || !this.#claims.isWhole(env)) continue;
      const { author: peer, upd, weight: n } = facts;
      if (!updates.has(peer)) updates.set(peer, { peer, env, upd, n });
    }
    this.#certified = [...updates.values()].sort((a, b) => (a.peer < b.peer ? -1 : 1));
    return this.#certified;
  }

  /** What every voter will see as well: who holds what is told to all. */
  areHeldTogether(updates: readonly CutUpdate[]): boolean {
    return updates.every(({ env }) => this.#claims.isWhole(env));
  }

  judgeUpdate({ peer, env, upd, n }: CutUpdate): Judgement {
    const facts = this.#book.facts(env);
    if (facts === null) {
      // A proposer alone cannot make this node fetch and keep what nobody holds.
      if (this.#book.isBelieved(env)) this.#obtainEnvelope(env, peer, false);
      return 'wait';
    }
    if (facts.author !== peer || facts.upd !== upd || facts.weight !== n) return 'reject';
    if (this.#here.get(env)?.isSpoilt === true) return 'reject';
    return this.#claims.isWhole(env) ? 'accept' : 'wait';
  }

  certifiedForMs(peer: NodeId): number | null {
    const nowMs = this.#context.ports.clock.nowMs();
    const times = [...this.#here].flatMap(([env, { isSpoilt }]) => {
      const wholeAtMs = this.#claims.wholeAtMs(env);
      const isOf = !isSpoilt && this.#book.facts(env)?.author === peer;
      return isOf && wholeAtMs !== null ? [nowMs - wholeAtMs] : [];
    });
    return times.length === 0 ? null : Math.max(...times);
  }

  // What the round asks.

  envelope(env: Digest): Uint8Array | null {
    return this.#book.envelope(env);
  }

  facts(env: Digest): UpdateFacts | null {
    return this.#book.facts(env);
  }

  /** For how long the longest of the updates that came has waited for enough members to hold this shard of it, ms. */
  shortForMs(shard: number): number {
    const nowMs = this.#context.ports.clock.nowMs();
    const waits = [...this.#here].map(([env, { sinceMs, isSpoilt }]) =>
      !isSpoilt && this.#claims.isShort(env, shard) ? nowMs - sinceMs : 0,
    );
    return Math.max(0, ...waits);
  }

  /** This shard of an update, if it is here and was checked. */
  async file(env: Digest, shard: number): Promise<UpdateFile | null> {
    const [facts, here] = [this.#book.facts(env), this.#here.get(env)];
    if (facts === null || here?.open.has(shard) !== true) return null;
    if (here.list === null || here.key === null) return null;
    return this.#bulk.file(facts, here.list, shard, here.key);
  }

  /** Sees to it that a shard that was checked is sound on the disk. */
  async mend(env: Digest, shard: number): Promise<void> {
    const [facts, list] = [this.#book.facts(env), this.#here.get(env)?.list ?? null];
    if (facts !== null && list !== null) await this.#bulk.fetch(facts, list, shard);
  }

  /** Tells the others of this node's own update, which is on the disk. */
  announce(envelope: Uint8Array): void {
    this.#ownEnvelope = envelope;
    this.#takeEnvelope(envelope, false);
    this.#sendEnvelope(envelope);
  }

  /** Fetches what a decided cut names and this node has not. */
  obtainDecided({ env, peer }: CutUpdate): void {
    const facts = this.#book.facts(env);
    if (facts === null) this.#obtainEnvelope(env, peer, true);
    else this.#obtain(facts);
  }

  /** Says and asks again what may have been lost: our update until enough hold it, and what we hold until it is cut. */
  repeat(isCut: boolean): void {
    this.#keys.renew();
    if (isCut) return;
    if (this.#ownEnvelope !== null && this.certifiedForMs(this.#context.self) === null) {
      this.#sendEnvelope(this.#ownEnvelope);
    }
    this.#news.say();
    for (const { env, holder } of this.#book.missing()) this.#obtainEnvelope(env, holder, false);
    for (const env of this.#here.keys()) {
      const facts = this.#book.facts(env);
      if (facts !== null) this.#obtain(facts);
    }
  }

  /** @throws nothing: what is wrong with a message is its sender's fault and logged */
  take(from: NodeId, message: UpdatesMessage | PiecesMessage): void {
    switch (message.t) {
      case 'update':
        this.#tryEnvelope(this.#parts.envelopes.bytesOf(message), false, from);
        return;
      case 'pieces':
        this.#takeClaims(from, message);
        this.#keys.help(from, message);
        return;
      case 'key':
        if (fromBase64(message.sealed) !== null) this.#keys.tryKey(from, message);
        return;
      case 'holds': // of an exact round
    }
  }

  #takeClaims(from: NodeId, message: PiecesMessage): void {
    const nowMs = this.#context.ports.clock.nowMs();
    this.#book.takeClaims(from, message.open, nowMs);
    for (const env of message.open) {
      if (this.#here.has(env)) this.#record(from, env, message.shards);
      else this.#early.set(from, message);
    }
  }

  #record(member: NodeId, env: Digest, shards: readonly number[]): void {
    const wasWhole = this.#claims.isWhole(env);
    this.#claims.record(member, env, shards, this.#context.ports.clock.nowMs());
    if (!wasWhole && this.#claims.isWhole(env)) this.#certified = null;
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
    const { onTwoUpdates, open, ports } = this.#context;
    const envelopes = this.#book.envelopesOf(facts.author);
    if (envelopes.length > 1) onTwoUpdates(facts.author, open.r, envelopes);
    const sinceMs = ports.clock.nowMs();
    const empty = { list: null, key: null, open: new Set<number>(), isSpoilt: false };
    this.#here.set(facts.env, { sinceMs, ...empty });
    for (const [from, message] of this.#early) {
      if (message.open.includes(facts.env)) this.#record(from, facts.env, message.shards);
    }
    this.#obtain(facts);
  }

  #obtainEnvelope(env: Digest, from: NodeId, isDecided: boolean): void {
    this.#work.once(env, 'an update is not here yet', async () => {
      const { content, open } = this.#context;
      const of = updateOf(open.r);
      const bytes = await content.obtainBytes(env, limits.entryBytesMax, from, of);
      this.#context.post(() => {
        this.#tryEnvelope(bytes, isDecided, from);
        this.#parts.onOpened();
      });
    });
  }

  // Shards.

  /** Fetches and checks what this node has to hold of an update and lacks. */
  #obtain(facts: UpdateFacts): void {
    const here = this.#here.get(facts.env);
    if (here === undefined || here.isSpoilt || this.#missing(facts.env, here).length === 0) return;
    // A key that fits nothing is not tried again: others may help.
    if (here.key === null && this.#book.stateOf(facts.env) === 'locked') return;
    this.#work.once(facts.upd, notHere, async () => {
      const { content, open: round, post } = this.#context;
      // Who claims to hold an update has its envelope on its disk.
      const envelope = this.#book.envelope(facts.env);
      if (envelope !== null) await content.put(envelope, updateOf(round.r), facts.env);
      const list = here.list ?? (await this.#bulk.list(facts));
      const key = here.key ?? (await this.#bulk.key(facts));
      if (list === null) {
        post(() => {
          this.#spoil(facts, 'what its digest names is no list of its shards');
        });
        return;
      }
      here.list = list;
      if (key === null) {
        post(() => {
          this.#lock(facts.env);
        });
        return;
      }
      const open = async (shard: number): Promise<void> => {
        const outcome = await this.#bulk.open(facts, list, shard, key);
        post(() => {
          this.#took(facts, shard, key, outcome);
        });
      };
      await Promise.all(this.#missing(facts.env, here).map(open));
    });
  }

  #missing(env: Digest, here: Here): number[] {
    return this.#parts.wanted(env).filter((shard) => !here.open.has(shard));
  }

  #took(facts: UpdateFacts, shard: number, key: Uint8Array, outcome: ShardOutcome): void {
    const { self, ports, open, onEvent } = this.#context;
    const here = this.#here.get(facts.env);
    if (here === undefined) return;
    switch (outcome.kind) {
      case 'bad':
        this.#spoil(facts, `shard ${shard}: ${outcome.reason}`);
        return;
      case 'wrong_key':
        if (here.key === null) this.#lock(facts.env);
        else this.#spoil(facts, `shard ${shard} is under another key than the others`);
        return;
      case 'open':
        here.key = key;
        here.open.add(shard);
        this.#record(self, facts.env, [shard]);
    }
    if (this.#missing(facts.env, here).length > 0) return;
    this.#book.opened(facts.env, key, self, ports.clock.nowMs());
    onEvent({ kind: 'update-held', round: open.r, member: facts.author });
    this.#parts.onOpened();
    this.#news.saySoon();
  }

  #lock(env: Digest): void {
    this.#book.mark(env, 'locked');
    this.#news.saySoon();
  }

  #spoil({ author, env }: UpdateFacts, reason: string): void {
    const here = this.#here.get(env);
    if (here === undefined || here.isSpoilt) return;
    here.isSpoilt = true;
    this.#certified = null;
    this.#book.mark(env, 'spoilt');
    const { r: round } = this.#context.open;
    const event = 'update-refused';
    this.#context.record.note({ event, round, reason: 'bad_bulk', env, author });
    this.#context.ports.logger.log('warn', 'an update is none', { author, reason });
  }

  /** A key that another member handed over: it fits if it opens a shard. */
  async #tryKey(facts: UpdateFacts, handed?: HandedKey): Promise<Uint8Array | null> {
    const here = this.#here.get(facts.env);
    const list = here?.list ?? null;
    const [shard] = this.#parts.wanted(facts.env);
    const key = await this.#bulk.key(facts, handed);
    if (list === null || key === null || shard === undefined) return null;
    const outcome = await this.#bulk.open(facts, list, shard, key);
    return outcome.kind === 'open' ? key : null;
  }

  #useKey(env: Digest, key: Uint8Array): void {
    const [facts, here] = [this.#book.facts(env), this.#here.get(env)];
    if (facts === null || here === undefined) return;
    here.key = key;
    this.#obtain(facts);
  }

  #holdings(): Holding[] {
    return [...this.#here].flatMap(([env, { open, isSpoilt }]) =>
      isSpoilt ? [] : [{ env, shards: [...open] }],
    );
  }
}
