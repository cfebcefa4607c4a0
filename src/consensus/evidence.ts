/**
 * Proof that one key broke the rules: two of its signatures that no honest member makes together, or one
 * proposal whose justification does not justify. Anybody with the epoch's keys can check it.
 */
import type { Digest } from '../base/index.ts';
import { digestOf, signatureBytes } from '../crypto/index.ts';
import {
  b64,
  digest,
  encodeCanonical,
  int,
  literal,
  obj,
  optional,
  type Reader,
} from '../wire/index.ts';
import {
  isSignedBy,
  readChain,
  statementOf,
  verifyChain,
  viewMax,
  type Certificate,
  type Chain,
  type EpochContext,
  type Statement,
} from './certificate.ts';

/** A statement with its signer's index and signature: a vote, or a proposal without body and chain. */
export interface SignedStatement extends Statement {
  readonly i: number;
  readonly sig: string;
}

/** What the pair proves. */
export type EvidenceKind =
  | 'two_proposals'
  | 'two_notarizations'
  | 'two_finalizations'
  | 'nullify_and_finalize'
  | 'bad_justification';

/** Self-contained. `b` is `null` and `chain` present exactly for `bad_justification`. */
export interface EvidencePair {
  readonly kind: EvidenceKind;
  readonly a: SignedStatement;
  readonly b: SignedStatement | null;
  readonly chain?: Chain;
}

const readSigned: Reader<SignedStatement> = obj({
  t: literal('PROPOSE', 'NOTARIZE', 'NULLIFY', 'FINALIZE'),
  cid: digest,
  e: int(0, viewMax),
  h: int(0, viewMax),
  v: int(0, viewMax),
  x: optional(digest),
  p: optional(int(-1, viewMax)),
  j: optional(digest),
  i: int(0, 999),
  sig: b64(signatureBytes, signatureBytes),
});

/** Reads evidence's form; `verifyEvidence` says whether it proves anything. */
export const readEvidence: Reader<EvidencePair> = obj({
  kind: literal(
    'two_proposals',
    'two_notarizations',
    'two_finalizations',
    'nullify_and_finalize',
    'bad_justification',
  ),
  a: readSigned,
  b: (value, path) => (value === null ? null : readSigned(value, path)),
  chain: optional(readChain),
});

/** What two statements of one key prove together; `null` when an honest member may make both. */
export function forbiddenPair(a: Statement, b: Statement): EvidenceKind | null {
  if (a.cid !== b.cid || a.e !== b.e || a.h !== b.h || a.v !== b.v) return null;
  if (a.t === b.t) {
    if (a.x === b.x) return null;
    if (a.t === 'PROPOSE') return 'two_proposals';
    if (a.t === 'NOTARIZE') return 'two_notarizations';
    return a.t === 'FINALIZE' ? 'two_finalizations' : null;
  }
  const kinds = [a.t, b.t];
  return kinds.includes('NULLIFY') && kinds.includes('FINALIZE') ? 'nullify_and_finalize' : null;
}

/** The signed part of a vote or proposal. */
export function signedPart(message: SignedStatement): SignedStatement {
  const { t, cid, e, h, v, x, p, j, i, sig } = message;
  return {
    ...{ t, cid, e, h, v, i, sig },
    ...(x === undefined ? {} : { x }),
    ...(p === undefined ? {} : { p }),
    ...(j === undefined ? {} : { j }),
  };
}

/** The index of the member that `pair` convicts, or `null` when it proves nothing. */
export function verifyEvidence(pair: EvidencePair, context: EpochContext): number | null {
  const { kind, a, b, chain } = pair;
  if (!isSignedBy(a, a.i, a.sig, context)) return null;
  if (kind === 'bad_justification') {
    if (b !== null || chain === undefined || a.t !== 'PROPOSE') return null;
    // The signature covers j: only the proposer can have chosen this chain.
    if (a.j !== digestOf(encodeCanonical(chain))) return null;
    return isJustified(a, chain, context) ? null : a.i;
  }
  if (b === null || chain !== undefined || b.i !== a.i) return null;
  if (forbiddenPair(a, b) !== kind) return null;
  return isSignedBy(b, b.i, b.sig, context) ? a.i : null;
}

/**
 * The pairs that two certificates of one view make against everybody who signed both: two FINALIZE of
 * different values, two NOTARIZE of different values, or FINALIZE and NULLIFY. At least 2q-n members.
 */
export function evidenceBetween(
  a: Certificate,
  b: Certificate,
  context: EpochContext,
): EvidencePair[] {
  const one = statementOf(a, context);
  const other = statementOf(b, context);
  const kind = forbiddenPair(one, other);
  if (kind === null) return [];
  const signatures = new Map(b.sigs);
  return a.sigs.flatMap(([i, sig]) => {
    const second = signatures.get(i);
    if (second === undefined) return [];
    return [{ kind, a: { ...one, i, sig }, b: { ...other, i, sig: second } }];
  });
}

/** Whether `chain` lets its proposer propose `x` with parent `p` in view `v`: rule R2's check. */
export function isJustified(
  proposal: { readonly h: number; readonly v: number; readonly x?: Digest; readonly p?: number },
  chain: Chain,
  context: EpochContext,
  quorum?: number,
): boolean {
  if (proposal.p !== (chain.nota === null ? -1 : chain.nota.v)) return false;
  if (!verifyChain(chain, proposal.h, proposal.v, context, quorum)) return false;
  return chain.nota === null || chain.nota.x === proposal.x;
}
