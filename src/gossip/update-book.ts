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
  /** Its bulk is not what the envelope promises: asking again would not help. */
  isSpoilt: boolean;
}

/** Receipts that say the same. */
interface Receipts {
  readonly peer: NodeId;
  readonly env: Digest;
  readonly upd: Digest;
  /** Signatures by index of the member. */
  readonly byMember: Map<number, string>;
  /** When a quorum was reached here, ms since 1970. */
  certifiedAtMs: number | null;
}

/** Envelopes of one author that are kept: an honest one signs one a round, a second is evidence. */
const envelopesPerAuthorMax = 2;

/** See the file's header. */
export class UpdateBook {
  readonly #consortium: SignedManifest;
  readonly #open: Open;
  readonly #quorum: number;
  readonly #entries = new Map<Digest, Entry>();
  /** By author, envelope and ciphertext: a false receipt must not stand in the way of true ones. */
  readonly #receipts = new Map<string, Receipts>();

  constructor(consortium: SignedManifest, open: Open) {
    this.#consortium = consortium;
    this.#open = open;
    this.#quorum = Math.floor((2 * consortium.manifest.members.length) / 3) + 1;
  }

  /**
   * Takes an envelope, from whomever: its signature names the author.
   *
   * @param isNamed whether a certified cut names it: then it is taken even if its author signed too many
   * @returns its facts when it is new, or null when it is known or one too many
   * @throws {GossipError} 'bad_update'
   */
  takeEnvelope(bytes: Uint8Array, isNamed = false): UpdateFacts | null {
    const env = digestOf(bytes);
    if (this.#entries.has(env)) return null;
    const facts = readUpdate(this.#consortium, this.#open, bytes);
    if (!isNamed && this.#entriesOf(facts.author).length >= envelopesPerAuthorMax) return null;
    this.#entries.set(env, { facts, bytes, values: null, isSpoilt: false });
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

  /** Weighted integers of an update whose bulk is here. */
  values(env: Digest): Int32Array | null {
    return this.#entries.get(env)?.values ?? null;
  }

  /** Envelopes whose bulk is not here yet but may come. */
  pending(): UpdateFacts[] {
    return [...this.#entries.values()]
      .filter(({ values, isSpoilt }) => values === null && !isSpoilt)
      .map(({ facts }) => facts);
  }

  /** The bulk of `env` came and is not what its envelope promises. */
  spoil(env: Digest): void {
    const entry = this.#entries.get(env);
    if (entry !== undefined) entry.isSpoilt = true;
  }

  /** The bulk of `env` came and opened. Returns this node's receipt for it. */
  opened(
    env: Digest,
    values: Int32Array,
    self: NodeId,
    signer: Signer,
    nowMs: number,
  ): ReceiptClaim | null {
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
      if (!this.#open.participants.includes(claim.peer)) continue;
      if (this.#receipts.get(keyOf(claim))?.byMember.has(index) === true) continue;
      // Bounds what each member can make us keep, without touching what the others say.
      const given = [...this.#receipts.values()].filter(
        ({ peer, byMember }) => peer === claim.peer && byMember.has(index),
      );
      if (given.length >= envelopesPerAuthorMax) continue;
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

  /** Whether `update` carries valid receipts of a quorum, each member once. */
  isCertified(update: CutUpdate): boolean {
    const { peer, env, upd, ack } = update;
    const known = this.#receipts.get(keyOf(update))?.byMember;
    return (
      ack.length >= this.#quorum &&
      new Set(ack.map(([index]) => index)).size === ack.length &&
      ack.every(
        ([index, sig]) =>
          known?.get(index) === sig || this.isReceipt(index, { peer, env, upd, sig }),
      )
    );
  }

  /** Updates that a quorum holds and whose envelope is here, ascending by peer; one per peer. */
  certified(): CutUpdate[] {
    const updates = new Map<NodeId, CutUpdate>();
    for (const { peer, env, upd, byMember, certifiedAtMs } of this.#receipts.values()) {
      const facts = this.facts(env);
      if (certifiedAtMs === null || updates.has(peer)) continue;
      if (facts?.author !== peer || facts.upd !== upd) continue;
      const ack = [...byMember].sort(([a], [b]) => a - b);
      updates.set(peer, { peer, env, upd, n: facts.weight, ack });
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
  receiptsOf(member: NodeId): ReceiptClaim[] {
    const index = memberIndex(this.#consortium.manifest, member);
    return [...this.#receipts.values()].flatMap(({ peer, env, upd, byMember }) => {
      const sig = byMember.get(index);
      return sig === undefined ? [] : [{ peer, env, upd, sig }];
    });
  }

  #entriesOf(author: NodeId): Entry[] {
    return [...this.#entries.values()].filter(({ facts }) => facts.author === author);
  }

  #record(index: number, claim: ReceiptClaim, nowMs: number): void {
    const { peer, env, upd, sig } = claim;
    const key = keyOf(claim);
    const held = this.#receipts.get(key) ?? {
      peer,
      env,
      upd,
      byMember: new Map<number, string>(),
      certifiedAtMs: null,
    };
    this.#receipts.set(key, held);
    held.byMember.set(index, sig);
    if (held.byMember.size >= this.#quorum) held.certifiedAtMs ??= nowMs;
  }
}

function keyOf({ peer, env, upd }: Pick<ReceiptClaim, 'peer' | 'env' | 'upd'>): string {
  return `${peer}/${env}/${upd}`;
}
