/**
 * What one honest voter may sign at one height, and its memory of what it signed. All of safety is here: at most one
 * NOTARIZE, NULLIFY, FINALIZE and PROPOSE per view; NULLIFY(v, p) and FINALIZE of a view in (p, v] never both; NOTARIZE
 * only with a valid chain; a notarized value is proposed again, never replaced.
 */
import { fromBase64, invariant, type Digest } from '../base/index.ts';
import { digestOf } from '../crypto/index.ts';
import {
  certificatesOf,
  isJustified,
  quorumOf,
  voterCount,
  type Certificate,
  type Chain,
  type EpochContext,
  type Statement,
  type VoteKind,
} from '../wire/index.ts';
import type { Proposal, Vote } from './messages.ts';
import type { WalRecord } from './write-ahead-log.ts';

/** The kinds of message that are signed. */
export type SignedKind = VoteKind | 'PROPOSE';

/** What a write-ahead record gives back beside the vote itself. */
export interface Recovered {
  readonly body: Uint8Array | null;
  readonly certificates: readonly Certificate[];
}

/** A view and why it was entered. */
export interface Entered {
  readonly view: number;
  readonly chain: Chain;
}

/** The rules and the memory of one voter at one height. Tests put broken ones in its place. */
export class SafetyRules {
  readonly #own = new Map<string, Vote | Proposal>();

  /** How many members must agree. */
  quorum(memberCount: number): number {
    return quorumOf(memberCount);
  }

  /** Whether a message of `kind` for `view` may be signed now; `p` is that of a NULLIFY. */
  maySign(kind: SignedKind, view: number, p = -1): boolean {
    if (this.own(kind, view) !== null) return false;
    if (kind === 'NULLIFY') {
      return !this.all().some(({ t, v }) => t === 'FINALIZE' && p < v && v <= view);
    }
    if (kind === 'FINALIZE') {
      return !this.all().some(
        (own) => own.t === 'NULLIFY' && (own.p ?? -1) < view && view <= own.v,
      );
    }
    return true;
  }

  /** p of a NULLIFY of `view`: that of the highest notarization known, which no view finalized so far lies behind. */
  givesUpAfter({ chain }: Entered): number {
    return chain.nota?.v ?? -1;
  }

  /** Whether a proposal's chain lets it propose its value. */
  isJustified(proposal: Proposal, context: EpochContext): boolean {
    return isJustified(
      proposal,
      proposal.chain,
      context,
      this.quorum(voterCount(context, proposal.h)),
    );
  }

  /** The value that a leader with this chain must propose again, or `null` when it is free. */
  forced(chain: Chain): Digest | null {
    return chain.nota?.x ?? null;
  }

  /** Whether a vote signed with this node's key is one that it never made (its disk was lost or copied). */
  isUnknown(vote: Pick<Statement, 't' | 'v' | 'x' | 'p'>): boolean {
    const own = this.own(vote.t, vote.v);
    return own === null || own.x !== vote.x || own.p !== vote.p;
  }

  /** Remembers what was signed, before it leaves. */
  note(message: Vote | Proposal): void {
    this.#own.set(`${message.t}/${message.v}`, message);
  }

  /** What this node signed, or `null`. */
  own(kind: SignedKind, view: number): Vote | Proposal | null {
    return this.#own.get(`${kind}/${view}`) ?? null;
  }

  /** Everything signed at this height, oldest first. */
  all(): readonly (Vote | Proposal)[] {
    return [...this.#own.values()];
  }

  /** What a record restores after a crash. */
  recover(record: WalRecord): Recovered {
    switch (record.t) {
      case 'PROPOSE':
        return { body: bodyOf(record.body, record.x), certificates: certificatesOf(record.chain) };
      case 'NOTARIZE':
        return { body: bodyOf(record.body, record.x), certificates: [] };
      case 'NULLIFY':
        return { body: null, certificates: record.nota === null ? [] : [record.nota] };
      case 'FINALIZE':
        return { body: null, certificates: [record.cert] };
      case 'DEC':
        return { body: bodyOf(record.body, record.cert.x ?? null), certificates: [record.cert] };
    }
  }
}

function bodyOf(text: string, digest: Digest | null): Uint8Array {
  const body = fromBase64(text);
  invariant(body !== null && digestOf(body) === digest, 'a sound record holds the body it names');
  return body;
}
