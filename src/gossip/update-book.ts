/**
 * The updates of one round as one node sees them: envelopes, whether their bulk is here and opens, and who else says that
 * it holds them. What others say decides nothing but when it is worth while to ask for votes. Synchronous: the caller
 * fetches bulk and tells the book what came of it.
 */
import type { Digest, NodeId } from '../base/index.ts';
import {
  faultCountMax,
  quorumOf,
  type CutUpdate,
  type Open,
  type SignedManifest,
} from '../wire/index.ts';
import { readUpdate, type UpdateFacts } from './update-envelope.ts';

/** How far this node has come with an update. */
export type BulkState =
  /** Its bulk is not here yet. */
  | 'awaited'
  /** Its bulk is here; its author sealed this node no key that opens it. */
  | 'locked'
  /** Its bulk is not what the envelope promises, for no member: asking again would not help. */
  | 'spoilt'
  | 'open';

interface Entry {
  readonly facts: UpdateFacts;
  readonly bytes: Uint8Array;
  state: BulkState;
  /** What opened it. */
  key: Uint8Array | null;
}

/** Who says that it holds an update. */
interface Claims {
  /** By index in the manifest: 1 of who does. */
  readonly by: Uint8Array;
  count: number;
  /** When a quorum was reached here, ms since 1970. */
  quorumAtMs: number | null;
}

/** Envelopes of one author that are kept: an honest one signs one a round, a second is evidence. */
export const envelopesPerAuthorMax = 2;

/** See the file's header. */
export class UpdateBook {
  readonly #open: Open;
  readonly #read: (bytes: Uint8Array) => UpdateFacts;
  readonly #quorum: number;
  /** Among more members than this there is an honest one. */
  readonly #liarsMax: number;
  readonly #entries = new Map<Digest, Entry>();
  #heldCount = 0;
  readonly #claims = new Map<Digest, Claims>();
  /** By index in the manifest. */
  readonly #members: readonly NodeId[];
  readonly #indexOf: ReadonlyMap<NodeId, number>;
  /** How many updates each claims. */
  readonly #claimCounts: Uint32Array;
  /** What `certified` gave, until something changes. */
  #certified: readonly CutUpdate[] | null = null;

  /** @param read checks an envelope against `open`, as `readUpdate`, which it is when absent */
  constructor(
    consortium: SignedManifest,
    open: Open,
    read: (bytes: Uint8Array) => UpdateFacts = (bytes) => readUpdate(consortium, open, bytes),
  ) {
    this.#members = consortium.manifest.members.map(({ id }) => id);
    this.#indexOf = new Map(this.#members.map((id, index) => [id, index]));
    const memberCount = this.#members.length;
    this.#claimCounts = new Uint32Array(memberCount);
    this.#open = open;
    this.#read = read;
    this.#quorum = quorumOf(memberCount);
    this.#liarsMax = faultCountMax(memberCount);
  }

  /** Updates that one member can claim to hold: two of each author. */
  get claimsMax(): number {
    return envelopesPerAuthorMax * this.#open.participants.length;
  }

  /**
   * Takes an envelope, from whomever: its signature names the author.
   *
   * @param isDecided whether a decided cut names it: then it is taken even if its author signed too many
   * @returns its facts when it is new, or null when it is known or one too many
   * @throws {GossipError} 'bad_update'
   */
  takeEnvelope(bytes: Uint8Array, isDecided = false): UpdateFacts | null {
    const facts = this.#read(bytes);
    const { env } = facts;
    if (this.#entries.has(env)) return null;
    const isOneMore = this.#entriesOf(facts.author).length >= envelopesPerAuthorMax;
    if (isOneMore && !isDecided && !this.isBelieved(env)) return null;
    this.#entries.set(env, { facts, bytes, state: 'awaited', key: null });
    return facts;
  }

  /** Envelopes of an author that are here: two of one round, both signed, are evidence. */
  envelopesOf(author: NodeId): Uint8Array[] {
    return this.#entriesOf(author).map(({ bytes }) => bytes);
  }

  /** Bytes of an envelope that is here. */
  envelope(env: Digest): Uint8Array | null {
    return this.#entries.get(env)?.bytes ?? null;
  }

  /** What an envelope that is here says. */
  facts(env: Digest): UpdateFacts | null {
    return this.#entries.get(env)?.facts ?? null;
  }

  /** How far an update is whose envelope is here. */
  stateOf(env: Digest): BulkState | null {
    return this.#entries.get(env)?.state ?? null;
  }

  /** The key of an update that opened. */
  keyOf(env: Digest): Uint8Array | null {
    return this.#entries.get(env)?.key ?? null;
  }

  /** Updates whose envelopes are here, by how far they are. */
  inState(state: BulkState): UpdateFacts[] {
    return [...this.#entries.values()]
      .filter((entry) => entry.state === state)
      .map(({ facts }) => facts);
  }

  /** How many updates are here with their bulk, opened or locked. */
  get heldCount(): number {
    return this.#heldCount;
  }

  /** What came of the bulk of `env`. */
  mark(env: Digest, state: 'locked' | 'spoilt'): void {
    const entry = this.#entries.get(env);
    if (entry?.key === null) this.#change(entry, state);
  }

  /** The bulk of `env` is on the disk of `self`, this node, and `key` opened it. */
  opened(env: Digest, key: Uint8Array, self: NodeId, nowMs: number): void {
    const entry = this.#entries.get(env);
    if (entry === undefined) return;
    entry.key = key;
    this.#change(entry, 'open');
    const index = this.#indexOf.get(self);
    if (index !== undefined) this.#record(index, env, nowMs);
  }

  /** What `from` says that it holds. Claims are never taken back, and bounded for each member by itself. */
  takeClaims(from: NodeId, envs: readonly Digest[], nowMs: number): void {
    const index = this.#indexOf.get(from);
    if (index === undefined) return;
    for (const env of envs) {
      if ((this.#claimCounts[index] ?? 0) >= this.claimsMax) return;
      this.#record(index, env, nowMs);
    }
  }

  /** Whether so many claim to hold it that an honest member is among them. */
  isBelieved(env: Digest): boolean {
    return (this.#claims.get(env)?.count ?? 0) > this.#liarsMax;
  }

  /** Who claims to hold an update, beside its author and `self`; nobody unless an honest member is among all who do. */
  helpers({ author, env }: Pick<UpdateFacts, 'author' | 'env'>, self: NodeId): NodeId[] {
    if (!this.isBelieved(env)) return [];
    return this.#claimantsOf(env).filter((id) => id !== author && id !== self);
  }

  /** Updates that an honest member holds and whose envelope is not here, with one that claims to have it. */
  missing(): { readonly env: Digest; readonly holder: NodeId }[] {
    return [...this.#claims.keys()].flatMap((env) => {
      const [holder] = this.#claimantsOf(env);
      if (holder === undefined || this.#entries.has(env) || !this.isBelieved(env)) return [];
      return [{ env, holder }];
    });
  }

  /** Updates that this node holds open and a quorum claims to hold, ascending by peer; one per peer. */
  certified(): readonly CutUpdate[] {
    if (this.#certified !== null) return this.#certified;
    const updates = new Map<NodeId, CutUpdate>();
    for (const [env, { quorumAtMs }] of this.#claims) {
      const entry = this.#entries.get(env);
      if (quorumAtMs === null || entry?.state !== 'open') continue;
      const { author: peer, upd, weight: n } = entry.facts;
      if (!updates.has(peer)) updates.set(peer, { peer, env, upd, n });
    }
    this.#certified = [...updates.values()].sort((a, b) => (a.peer < b.peer ? -1 : 1));
    return this.#certified;
  }

  /** Whether a quorum claims to hold every one of `updates`: only they can vote for a cut of them. */
  areHeldTogether(updates: readonly CutUpdate[]): boolean {
    const claims = updates.map(({ env }) => this.#claims.get(env));
    // Who claims fewer than these cannot claim them all: a quick look before the long one.
    const holdsAll = (count: number, index: number): boolean =>
      count >= updates.length && claims.every((one) => one?.by[index] === 1);
    return this.#claimCounts.filter(holdsAll).length >= this.#quorum;
  }

  /** For how long this node has known that a quorum claims the author's update, which it holds; null if it does not. */
  certifiedForMs(author: NodeId, nowMs: number): number | null {
    const times = [...this.#claims].flatMap(([env, { quorumAtMs }]) => {
      const entry = this.#entries.get(env);
      const isHeld = entry?.state === 'open' && entry.facts.author === author;
      return isHeld && quorumAtMs !== null ? [nowMs - quorumAtMs] : [];
    });
    return times.length === 0 ? null : Math.max(...times);
  }

  #change(entry: Entry, state: BulkState): void {
    this.#heldCount += Number(isHere(state)) - Number(isHere(entry.state));
    entry.state = state;
    // Without a quorum it is in no list of certified ones, whatever becomes of it.
    const hasQuorum = (this.#claims.get(entry.facts.env)?.quorumAtMs ?? null) !== null;
    if (hasQuorum) this.#certified = null;
  }

  #entriesOf(author: NodeId): Entry[] {
    return [...this.#entries.values()].filter(({ facts }) => facts.author === author);
  }

  /** Who claims to hold it, in the order of the manifest. */
  #claimantsOf(env: Digest): NodeId[] {
    const by = this.#claims.get(env)?.by;
    return this.#members.filter((_, index) => by?.[index] === 1);
  }

  #record(member: number, env: Digest, nowMs: number): void {
    let claims = this.#claims.get(env);
    if (claims === undefined) {
      claims = { by: new Uint8Array(this.#members.length), count: 0, quorumAtMs: null };
      this.#claims.set(env, claims);
    }
    if (claims.by[member] === 1) return;
    claims.by[member] = 1;
    claims.count += 1;
    this.#claimCounts[member] = (this.#claimCounts[member] ?? 0) + 1;
    if (claims.count < this.#quorum || claims.quorumAtMs !== null) return;
    claims.quorumAtMs = nowMs;
    this.#certified = null;
  }
}

function isHere(state: BulkState): boolean {
  return state === 'open' || state === 'locked';
}
