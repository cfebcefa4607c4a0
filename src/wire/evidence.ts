/**
 * Proof that one key broke the rules of consensus: two of its signatures that no honest member makes together, or one
 * proposal whose justification does not justify. Anybody with the members' keys can check it.
 */
import type { Digest } from '../base/index.ts';
import { digestOf, signatureBytes } from '../crypto/index.ts';
import { encodeCanonical } from './canonical.ts';
import {
  isStatementBy,
  readChain,
  readMemberIndex,
  statementOnly,
  statementsOf,
  verifyChain,
  viewMax,
  type Certificate,
  type Chain,
  type EpochContext,
  type Statement,
} from './certificate.ts';
import { b64, digest, int, literal, obj, optional, type Reader } from './readers.ts';

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
  | 'two_nullifications'
  | 'nullify_and_finalize'
  | 'bad_justification';

/** Self-contained. `b` is `null` and `chain` present exactly for `bad_justification`. */
export interface EvidencePair {
  readonly kind: EvidenceKind;
  readonly a: SignedStatement;
  readonly b: SignedStatement | null;
  readonly chain?: Chain;
}

/** Reads the form of a signed statement. */
export const readSignedStatement: Reader<SignedStatement> = obj({
  t: literal('PROPOSE', 'NOTARIZE', 'NULLIFY', 'FINALIZE'),
  cid: digest,
  e: int(0, viewMax),
  h: int(0, viewMax),
  v: int(0, viewMax),
  x: optional(digest),
  p: optional(int(-1, viewMax)),
  j: optional(digest),
  i: readMemberIndex,
  sig: b64(signatureBytes, signatureBytes),
});

/** Reads evidence's form; `verifyEvidence` says whether it proves anything. */
export const readEvidence: Reader<EvidencePair> = obj({
  kind: literal(
    'two_proposals',
    'two_notarizations',
    'two_finalizations',
    'two_nullifications',
    'nullify_and_finalize',
    'bad_justification',
  ),
  a: readSignedStatement,
  b: (value, path) => (value === null ? null : readSignedStatement(value, path)),
  chain: optional(readChain),
});

/** What two statements of one key prove together; `null` when an honest member may make both. */
export function forbiddenPair(a: Statement, b: Statement): EvidenceKind | null {
  if (a.cid !== b.cid || a.e !== b.e || a.h !== b.h) return null;
  if (a.t === b.t) {
    if (a.v !== b.v || (a.t === 'NULLIFY' ? a.p === b.p : a.x === b.x)) return null;
    if (a.t === 'PROPOSE') return 'two_proposals';
    if (a.t === 'NOTARIZE') return 'two_notarizations';
    return a.t === 'FINALIZE' ? 'two_finalizations' : 'two_nullifications';
  }
  return givesUp(a, b) || givesUp(b, a) ? 'nullify_and_finalize' : null;
}

/** Whether `nullify` promises never to make `finalize`: its view lies in (p, v]. */
function givesUp(nullify: Statement, finalize: Statement): boolean {
  if (nullify.t !== 'NULLIFY' || finalize.t !== 'FINALIZE') return false;
  return (nullify.p ?? -1) < finalize.v && finalize.v <= nullify.v;
}

/** The signed part of a vote or proposal. */
export function signedPart(message: SignedStatement): SignedStatement {
  const { i, sig } = message;
  return { ...statementOnly(message), i, sig };
}

/** The index of the member that `pair` convicts, or `null` when it proves nothing. */
export function verifyEvidence(pair: EvidencePair, context: EpochContext): number | null {
  const { kind, a, b, chain } = pair;
  if (!isStatementBy(a, a.i, a.sig, context)) return null;
  if (kind === 'bad_justification') {
    if (b !== null || chain === undefined || a.t !== 'PROPOSE') return null;
    // The signature covers j: only the proposer can have chosen this chain.
    if (a.j !== digestOf(encodeCanonical(chain))) return null;
    return isJustified(a, chain, context) ? null : a.i;
  }
  if (b === null || chain !== undefined || b.i !== a.i) return null;
  if (forbiddenPair(a, b) !== kind) return null;
  return isStatementBy(b, b.i, b.sig, context) ? a.i : null;
}

/**
 * The pairs that two certificates make against everybody who signed both: two FINALIZE or two NOTARIZE of one view and
 * different values, or FINALIZE and the NULLIFY that gives its view up. At least 2q-n members.
 */
export function evidenceBetween(
  a: Certificate,
  b: Certificate,
  context: EpochContext,
): EvidencePair[] {
  const others = new Map(
    statementsOf(b, context).map((statement, at) => [b.sigs[at]?.[0] ?? -1, { statement, at }]),
  );
  return statementsOf(a, context).flatMap((one, at) => {
    const [i, sig] = a.sigs[at] ?? [-1, ''];
    const other = others.get(i);
    if (other === undefined) return [];
    const kind = forbiddenPair(one, other.statement);
    if (kind === null) return [];
    const second = b.sigs[other.at]?.[1] ?? '';
    return [{ kind, a: { ...one, i, sig }, b: { ...other.statement, i, sig: second } }];
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
