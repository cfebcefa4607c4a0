/** Everything a node knows about one undecided height. Nothing else is kept; there is no lock. */
import { invariant, type Digest } from '../base/index.ts';
import {
  forbiddenPair,
  signedPart,
  type Certificate,
  type Chain,
  type EvidencePair,
  type SignedStatement,
  type VoteKind,
} from '../wire/index.ts';
import type { Proposal, Vote } from './messages.ts';
import type { SafetyRules } from './safety-rules.ts';

/** What counting one vote brought to light. */
export interface Counted {
  /** A notarization or finalization that this vote completed; nullifications are `nullification`'s. */
  readonly certificate: Certificate | null;
  readonly evidence: EvidencePair | null;
}

/** A certificate, and whether to tell everybody when acting on it. */
export interface Admitted {
  readonly certificate: Certificate;
  readonly announce: boolean;
}

/** A vote of each member for one view, by kind: its first, but of nullifications the one that gives up most. */
type ViewTally = Readonly<Record<VoteKind, Map<number, Vote>>>;

const nothing: Counted = { certificate: null, evidence: null };

/** Tallies, certificates, bodies and proposals of one height. */
export class HeightState {
  readonly height: number;
  /** perm(h): indices of the members that have a vote, by turn. */
  readonly order: readonly number[];
  readonly rules: SafetyRules;
  readonly quorum: number;
  view = 0;
  chain: Chain = { nota: null, nulli: null };
  /** First proposal of this view and later ones, justification checked. */
  readonly proposals: Map<number, Proposal> = new Map<number, Proposal>();
  /** Signed part of each view's first proposal, to convict a leader that signs a second. */
  readonly proposalsSeen: Map<number, SignedStatement> = new Map<number, SignedStatement>();
  readonly bodies: Map<Digest, Uint8Array> = new Map<Digest, Uint8Array>();
  /** Bodies asked for and who signed for them. */
  readonly wanted: Map<Digest, Certificate> = new Map<Digest, Certificate>();
  /** Notarizations and finalizations not yet acted upon. */
  readonly fresh: Admitted[] = [];
  final: Certificate | null = null;
  /** Whether the application has not been asked since it last changed or the view did. */
  askToPropose = true;
  askToJudge = true;
  rejectedView = -1;
  readonly #tallies = new Map<number, ViewTally>();
  readonly #certificates = new Map<string, Certificate>();
  /** Nullifications that came whole, by view. */
  readonly #nullifications = new Map<number, Admitted>();
  /** Views whose nullifications changed since `nullification` last looked. */
  readonly #touched = new Set<number>();

  constructor(height: number, order: readonly number[], rules: SafetyRules) {
    this.height = height;
    this.order = order;
    this.rules = rules;
    this.quorum = rules.quorum(order.length);
  }

  /** P: the view of the highest notarization known, -1 without one. Always below `view`. */
  get parent(): number {
    return this.chain.nota?.v ?? -1;
  }

  /** Index of the member whose turn `view` is. */
  leader(view: number): number {
    const leader = this.order[view % this.order.length];
    invariant(leader !== undefined, 'a height has voters');
    return leader;
  }

  /** Enters `view`, or takes a higher notarization over into the view it is in. */
  take(view: number, chain: Chain): void {
    const isHigher = (chain.nota?.v ?? -1) > this.parent;
    this.view = view;
    this.chain = chain;
    // What rested on a notarization that was not here may count now.
    if (isHigher) for (const at of this.#tallies.keys()) this.#touched.add(at);
  }

  notarization(view: number): Certificate | null {
    return this.#certificates.get(`NOTARIZE/${view}`) ?? null;
  }

  /** Whether a certificate of this kind, view and value was acted upon, so that it need not be checked again. */
  hasCertificate({ kind, v, x }: Certificate): boolean {
    const known = this.#certificates.get(`${kind}/${v}`);
    return known !== undefined && known.x === x;
  }

  /** Keeps a checked certificate, whose votes are counted. `announce`: tell everybody when acting on it. */
  admit(certificate: Certificate, announce: boolean): void {
    if (certificate.kind === 'NULLIFY') {
      const held = this.#nullifications.get(certificate.v);
      if (held === undefined || highest(certificate) < highest(held.certificate)) {
        this.#nullifications.set(certificate.v, { certificate, announce });
        this.#touched.add(certificate.v);
      }
      return;
    }
    const key = `${certificate.kind}/${certificate.v}`;
    if (this.#certificates.has(key)) return;
    this.#certificates.set(key, certificate);
    this.fresh.push({ certificate, announce });
  }

  /** Lets every notarization be acted upon once more: this node had no vote when they came. */
  reconsider(): void {
    for (const certificate of this.#certificates.values()) {
      if (certificate.kind === 'NOTARIZE') this.fresh.push({ certificate, announce: false });
    }
  }

  /** The highest nullification of this view or a later one that counts beside the notarization known here. */
  nullification(): Admitted | null {
    const views = [...this.#touched].filter((view) => view >= this.view).sort((a, b) => b - a);
    for (const view of views) {
      const whole = this.#nullifications.get(view);
      if (whole !== undefined && highest(whole.certificate) <= this.parent) return whole;
      const certificate = this.#nullificationOf(view);
      if (certificate !== null) return { certificate, announce: true };
    }
    this.#touched.clear();
    return null;
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
    return known !== undefined && known.x === vote.x && known.p === vote.p;
  }

  /** Counts a checked vote: one of each member, kind and view. */
  count(vote: Vote): Counted {
    const votes = this.#tally(vote.v)[vote.t];
    const prior = votes.get(vote.i);
    if (prior !== undefined) {
      const evidence = evidenceOf(prior, vote);
      if (evidence !== null && (vote.p ?? -1) < (prior.p ?? -1)) {
        votes.set(vote.i, vote);
        this.#touched.add(vote.v);
      }
      return { ...nothing, evidence };
    }
    votes.set(vote.i, vote);
    if (vote.t === 'NULLIFY') this.#touched.add(vote.v);
    const evidence = this.#contrary(vote);
    return { certificate: vote.t === 'NULLIFY' ? null : this.#certify(votes, vote), evidence };
  }

  /** What is known of a member's signatures, latest views first, at most `countMax`. */
  signedBy(index: number, countMax: number): SignedStatement[] {
    const proposals = [...this.proposalsSeen.values()].filter(({ i }) => i === index);
    const votes = [...this.#tallies.values()].flatMap((tally) =>
      [tally.NOTARIZE, tally.NULLIFY, tally.FINALIZE].flatMap((of) => of.get(index) ?? []),
    );
    return [...votes, ...proposals]
      .sort((a, b) => b.v - a.v)
      .slice(0, countMax)
      .map(signedPart);
  }

  /** A vote of the same member that promises the opposite: NULLIFY(v, p) against FINALIZE of a view in (p, v]. */
  #contrary(vote: Vote): EvidencePair | null {
    if (vote.t === 'NOTARIZE') return null;
    const opposite = vote.t === 'NULLIFY' ? 'FINALIZE' : 'NULLIFY';
    for (const tally of this.#tallies.values()) {
      const other = tally[opposite].get(vote.i);
      const evidence = other === undefined ? null : evidenceOf(other, vote);
      if (evidence !== null) return evidence;
    }
    return null;
  }

  #certify(votes: ReadonlyMap<number, Vote>, vote: Vote): Certificate | null {
    if (this.#certificates.has(`${vote.t}/${vote.v}`)) return null;
    return this.#certificateOf([...votes.values()].filter((other) => other.x === vote.x));
  }

  /** From votes of those who gave up everything behind the notarization known here. */
  #nullificationOf(view: number): Certificate | null {
    const votes = [...(this.#tallies.get(view)?.NULLIFY.values() ?? [])];
    return this.#certificateOf(votes.filter(({ p }) => (p ?? -1) <= this.parent));
  }

  #certificateOf(votes: Vote[]): Certificate | null {
    if (votes.length < this.quorum) return null;
    const chosen = votes.sort((a, b) => a.i - b.i).slice(0, this.quorum);
    const sigs = chosen.map(({ i, sig }) => [i, sig] as const);
    const [first] = chosen;
    invariant(first !== undefined, 'a quorum has a member');
    const { t: kind, h, v, x } = first;
    if (x !== undefined) return { kind, h, v, x, sigs };
    return { kind, h, v, p: chosen.map(({ p }) => p ?? -1), sigs };
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

/** The highest view behind which a signer of a nullification gave up. */
function highest({ p }: Certificate): number {
  return Math.max(-1, ...(p ?? []));
}
