/** Everything a node knows about one undecided height. Nothing else is kept; there is no lock. */
import { invariant, type Digest } from '../base/index.ts';
import type { Certificate, Chain, VoteKind } from './certificate.ts';
import { forbiddenPair, signedPart, type EvidencePair, type SignedStatement } from './evidence.ts';
import type { Proposal, Vote } from './messages.ts';
import type { SafetyRules } from './safety-rules.ts';

/** What counting one vote brought to light. */
export interface Counted {
  readonly certificate: Certificate | null;
  readonly evidence: EvidencePair | null;
}

/** First vote of each member for one view, by kind. */
type ViewTally = Readonly<Record<VoteKind, Map<number, Vote>>>;

const nothing: Counted = { certificate: null, evidence: null };

/** Tallies, certificates, bodies and proposals of one height. */
export class HeightState {
  readonly height: number;
  /** perm(h): member indices by turn. */
  readonly order: readonly number[];
  readonly rules: SafetyRules;
  view = 0;
  chain: Chain = { nota: null, nulls: [] };
  /** First proposal of this view and later ones, justification checked. */
  readonly proposals: Map<number, Proposal> = new Map<number, Proposal>();
  /** Signed part of each view's first proposal, to convict a leader that signs a second. */
  readonly proposalsSeen: Map<number, SignedStatement> = new Map<number, SignedStatement>();
  readonly bodies: Map<Digest, Uint8Array> = new Map<Digest, Uint8Array>();
  /** Bodies asked for and who signed for them. */
  readonly wanted: Map<Digest, Certificate> = new Map<Digest, Certificate>();
  /** Certificates not yet acted upon. */
  readonly fresh: { readonly certificate: Certificate; readonly announce: boolean }[] = [];
  final: Certificate | null = null;
  /** Whether the application has not been asked since it last changed or the view did. */
  askToPropose = true;
  askToJudge = true;
  rejectedView = -1;
  readonly #quorum: number;
  readonly #tallies = new Map<number, ViewTally>();
  readonly #certificates = new Map<string, Certificate>();

  constructor(height: number, order: readonly number[], rules: SafetyRules) {
    this.height = height;
    this.order = order;
    this.rules = rules;
    this.#quorum = rules.quorum(order.length);
  }

  /** Index of the member whose turn `view` is. */
  leader(view: number): number {
    const leader = this.order[view % this.order.length];
    invariant(leader !== undefined, 'an epoch has members');
    return leader;
  }

  certificate(kind: VoteKind, view: number): Certificate | null {
    return this.#certificates.get(`${kind}/${view}`) ?? null;
  }

  /** Keeps a checked certificate. `announce`: tell everybody when acting on it. */
  admit(certificate: Certificate, announce: boolean): void {
    const key = `${certificate.kind}/${certificate.v}`;
    if (this.#certificates.has(key)) return;
    this.#certificates.set(key, certificate);
    this.fresh.push({ certificate, announce });
  }

  /** How many members other than `self` voted to nullify `view`. */
  nullifiersBeside(self: number, view: number): number {
    const nullifiers = this.#tallies.get(view)?.NULLIFY;
    if (nullifiers === undefined) return 0;
    return nullifiers.size - (nullifiers.has(self) ? 1 : 0);
  }

  /** Whether this very vote is known, so that its signature need not be checked. */
  hasVote(vote: Vote): boolean {
    const known = this.#tallies.get(vote.v)?.[vote.t].get(vote.i);
    return known !== undefined && known.x === vote.x;
  }

  /** Counts a checked vote: the first of each member, kind and view. */
  count(vote: Vote): Counted {
    const tally = this.#tally(vote.v);
    const votes = tally[vote.t];
    const prior = votes.get(vote.i);
    if (prior !== undefined) {
      return prior.x === vote.x ? nothing : { ...nothing, evidence: evidenceOf(prior, vote) };
    }
    votes.set(vote.i, vote);
    const opposite =
      vote.t === 'NULLIFY' ? 'FINALIZE' : vote.t === 'FINALIZE' ? 'NULLIFY' : undefined;
    const contrary = opposite === undefined ? undefined : tally[opposite].get(vote.i);
    const evidence = contrary === undefined ? null : evidenceOf(contrary, vote);
    return { certificate: this.#certify(votes, vote), evidence };
  }

  #certify(votes: ReadonlyMap<number, Vote>, vote: Vote): Certificate | null {
    if (this.#certificates.has(`${vote.t}/${vote.v}`)) return null;
    const same = [...votes.values()].filter((other) => other.x === vote.x);
    if (same.length < this.#quorum) return null;
    const sigs = same
      .sort((a, b) => a.i - b.i)
      .map((other) => [other.i, other.sig] as const)
      .slice(0, this.#quorum);
    const { t: kind, h, v, x } = vote;
    return x === undefined ? { kind, h, v, sigs } : { kind, h, v, x, sigs };
  }

  #tally(view: number): ViewTally {
    let tally = this.#tallies.get(view);
    if (tally === undefined) {
      tally = { NOTARIZE: new Map(), NULLIFY: new Map(), FINALIZE: new Map() };
      this.#tallies.set(view, tally);
    }
    return tally;
  }
}

/** The pair that two messages of one key make, or `null` when both may be honest. */
export function evidenceOf(a: SignedStatement, b: SignedStatement): EvidencePair | null {
  const kind = forbiddenPair(a, b);
  return kind === null ? null : { kind, a: signedPart(a), b: signedPart(b) };
}
