/**
 * The updates of one round as one node sees them: envelopes, whether their bulk is here and opens, and who else says
 * so. Synchronous: the caller fetches bulk and tells the book what came of it.
 */
import { fromBase64, type Digest, type NodeId } from '../base/index.ts';
import { digestOf, verifySignature, type Signer } from '../crypto/index.ts';
import {
  keyBytes,
  memberIndex,
  receiptBytes,
  receiptDomain,
  type CutUpdate,
  type Open,
  type SignedManifest,
} from '../wire/index.ts';
import { readUpdate, type UpdateFacts } from './sealed-update.ts';

/** A signed statement that a member holds an update and could open it. */
export interface ReceiptClaim {
  readonly peer: NodeId;
  readonly env: Digest;
  readonly upd: Digest;
  readonly sig: string;
}

interface Entry {
  readonly facts: UpdateFacts;
  readonly bytes: Uint8Array;
  /** Weighted integers, once the bulk is here and opened. */
  values: Int32Array | null;
}

interface Receipts {
  readonly peer: NodeId;
  readonly upd: Digest;
  readonly byMember: Map<number, string>;
  /** When a quorum was reached here, ms since 1970. */
  certifiedAtMs: number | null;
}

/** Envelopes of one author that are kept: an honest one signs one a round, a second is evidence. */
const envelopesPerAuthorMax = 2;

export class UpdateBook {
  readonly #consortium: SignedManifest;
  readonly #open: Open;
  readonly #quorum: number;
  readonly #entries = new Map<Digest, Entry>();
  readonly #receipts = new Map<Digest, Receipts>();

  constructor(consortium: SignedManifest, open: Open) {
    this.#consortium = consortium;
    this.#open = open;
    this.#quorum = Math.floor((2 * consortium.manifest.members.length) / 3) + 1;
  }

  /**
   * Takes an envelope, from whomever: its signature names the author.
   * @returns its facts when it is new, or null when it is known or one too many
   * @throws {GossipError} 'bad_update'
   */
  takeEnvelope(bytes: Uint8Array): UpdateFacts | null {
    const env = digestOf(bytes);
    if (this.#entries.has(env)) return null;
    const facts = readUpdate(this.#consortium, this.#open, bytes);
    const ofAuthor = [...this.#entries.values()].filter(({ facts: { author } }) => author === facts.author);
    if (ofAuthor.length >= envelopesPerAuthorMax) return null;
    this.#entries.set(env, { facts, bytes, values: null });
    return facts;
  }

  /** Two different envelopes of one author for this round: both signed, so both are evidence. */
  isEquivocated(author: NodeId): boolean {
    return [...this.#entries.values()].filter(({ facts }) => facts.author === author).length > 1;
  }

  envelope(env: Digest): Uint8Array | null {
    return this.#entries.get(env)?.bytes ?? null;
  }

  facts(env: Digest): UpdateFacts | null {
    return this.#entries.get(env)?.facts ?? null;
  }

  values(env: Digest): Int32Array | null {
    return this.#entries.get(env)?.values ?? null;
  }

  /** Envelopes whose bulk is not here yet. */
  pending(): UpdateFacts[] {
    return [...this.#entries.values()].filter(({ values }) => values === null).map(({ facts }) => facts);
  }

  /** The bulk of `env` came and opened. Returns this node's receipt for it. */
  opened(env: Digest, values: Int32Array, self: NodeId, signer: Signer, nowMs: number): ReceiptClaim | null {
    const entry = this.#entries.get(env);
    if (entry === undefined) return null;
    entry.values = values;
    const { author: peer, upd } = entry.facts;
    const { cid } = this.#consortium;
    const bytes = receiptBytes({ cid, r: this.#open.r, peer, env, upd });
    const sig = Buffer.from(signer.sign(receiptDomain, bytes)).toString('base64');
    const claim = { peer, env, upd, sig };
    this.#record(memberIndex(this.#consortium.manifest, self), claim, nowMs);
    return claim;
  }

  /** Takes receipts of a member; those that do not hold are passed over. */
  takeReceipts(from: NodeId, claims: readonly ReceiptClaim[], nowMs: number): void {
    const index = memberIndex(this.#consortium.manifest, from);
    for (const claim of claims) {
      const known = this.#receipts.get(claim.env);
      if (known?.byMember.has(index) === true || !this.#isOfRound(claim)) continue;
      if (this.isReceipt(index, claim)) this.#record(index, claim, nowMs);
    }
  }

  /** Whether member `index` signed this receipt for an update of this round. */
  isReceipt(index: number, claim: ReceiptClaim): boolean {
    const member = this.#consortium.manifest.members[index];
    const signature = fromBase64(claim.sig);
    if (member === undefined || signature === null) return false;
    const { peer, env, upd } = claim;
    const bytes = receiptBytes({ cid: this.#consortium.cid, r: this.#open.r, peer, env, upd });
    return verifySignature(keyBytes(member.consensusKey), receiptDomain, bytes, signature);
  }

  /** Whether `update` carries valid receipts of a quorum. */
  isCertified(update: CutUpdate): boolean {
    const { peer, env, upd, ack } = update;
    const isNew = ([index, sig]: readonly [number, string]): boolean =>
      this.#receipts.get(env)?.byMember.get(index) !== sig;
    return (
      ack.length >= this.#quorum &&
      ack.every((receipt) => !isNew(receipt) || this.isReceipt(receipt[0], { peer, env, upd, sig: receipt[1] }))
    );
  }

  /** Updates that a quorum holds and whose envelope is here, ascending by peer; one per peer. */
  certified(): CutUpdate[] {
    const updates = new Map<NodeId, CutUpdate>();
    for (const [env, { peer, upd, byMember, certifiedAtMs }] of this.#receipts) {
      const entry = this.#entries.get(env);
      if (certifiedAtMs === null || entry === undefined || updates.has(peer)) continue;
      const ack = [...byMember].sort(([a], [b]) => a - b);
      updates.set(peer, { peer, env, upd, n: entry.facts.weight, ack });
    }
    return [...updates.values()].sort((a, b) => (a.peer < b.peer ? -1 : 1));
  }

  /** For how long this node has held a certificate for the author's update; null if it holds none. */
  certifiedForMs(author: NodeId, nowMs: number): number | null {
    const times = [...this.#receipts.values()]
      .filter(({ peer, certifiedAtMs }) => peer === author && certifiedAtMs !== null)
      .map(({ certifiedAtMs }) => nowMs - (certifiedAtMs ?? nowMs));
    return times.length === 0 ? null : Math.max(...times);
  }

  /** Receipts of a member that this book holds, to be sent again. */
  receiptsOf(self: NodeId): ReceiptClaim[] {
    const index = memberIndex(this.#consortium.manifest, self);
    return [...this.#receipts].flatMap(([env, { peer, upd, byMember }]) => {
      const sig = byMember.get(index);
      return sig === undefined ? [] : [{ peer, env, upd, sig }];
    });
  }

  #isOfRound({ peer, env }: ReceiptClaim): boolean {
    if (!this.#open.participants.includes(peer)) return false;
    // Bounds what members can make us keep: two updates per participant.
    const ofPeer = [...this.#receipts].filter(([other, held]) => held.peer === peer && other !== env);
    return ofPeer.length < envelopesPerAuthorMax;
  }

  #record(index: number, { peer, env, upd, sig }: ReceiptClaim, nowMs: number): void {
    let held = this.#receipts.get(env);
    if (held === undefined) {
      held = { peer, upd, byMember: new Map(), certifiedAtMs: null };
      this.#receipts.set(env, held);
    }
    if (held.upd !== upd || held.peer !== peer) return;
    held.byMember.set(index, sig);
    if (held.byMember.size >= this.#quorum) held.certifiedAtMs ??= nowMs;
  }
}
