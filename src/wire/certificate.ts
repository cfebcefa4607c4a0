/**
 * Votes of consensus as signed statements, certificates (q signatures of one height's voters) and the chains that
 * justify a proposal. Pure checks, usable offline with nothing but the members' keys and who is suspended.
 * docs/specs/consensus.md
 */
import { fromBase64, type Digest } from '../base/index.ts';
import { signatureBytes, verifySignature, type VerifySignature } from '../crypto/index.ts';
import { encodeCanonical } from './canonical.ts';
import { membersMax } from './limits.ts';
import { quorumOf } from './quorum.ts';
import { arr, b64, checked, digest, int, literal, obj, optional, pair } from './readers.ts';
import type { Reader } from './readers.ts';

/** What every consensus signature is made under. */
export const consensusDomain = 'annulus/consensus/v1';

/** The three votes of a view. */
export type VoteKind = 'NOTARIZE' | 'NULLIFY' | 'FINALIZE';

/** The signed part of a message. `x` is absent in NULLIFY; `p` stands in NULLIFY and PROPOSE, `j` in PROPOSE. */
export interface Statement {
  readonly t: VoteKind | 'PROPOSE';
  readonly cid: Digest;
  readonly e: number;
  readonly h: number;
  readonly v: number;
  readonly x?: Digest;
  readonly p?: number;
  readonly j?: Digest;
}

/**
 * At least q voters said the same. `sigs`: [index in the member list, base64], ascending. A nullification has in `p`,
 * in the order of `sigs`, the view behind which each signer gave up: it never finalizes a view in (p, v].
 */
export interface Certificate {
  readonly kind: VoteKind;
  readonly h: number;
  readonly v: number;
  readonly x?: Digest;
  readonly p?: readonly number[];
  readonly sigs: readonly (readonly [number, string])[];
}

/**
 * Why view v may be entered: the highest notarization known, of a view P (-1 without one), and unless P = v-1 a
 * nullification of v-1 by voters who gave up all of (P, v-1].
 */
export interface Chain {
  readonly nota: Certificate | null;
  readonly nulli: Certificate | null;
}

/** The set of keys that a certificate is checked against. */
export interface EpochContext {
  readonly cid: Digest;
  readonly epoch: number;
  /** In the order that indices count: the manifest's. */
  readonly members: readonly { readonly publicKey: Uint8Array }[];
  /** By index, the first height at which a member's key has no vote any more. Nobody when absent. */
  readonly suspendedFrom?: ReadonlyMap<number, number>;
  /** Ed25519 when absent. */
  readonly verify?: VerifySignature;
}

/** Views and heights on the wire. */
export const viewMax: number = 2 ** 31 - 1;

/** The index of a member. */
export const readMemberIndex: Reader<number> = int(0, membersMax - 1);

const parentView = int(-1, viewMax);

/** Reads a certificate's form; says nothing about its signatures. */
export const readCertificate: Reader<Certificate> = checked(
  obj({
    kind: literal('NOTARIZE', 'NULLIFY', 'FINALIZE'),
    h: int(0, viewMax),
    v: int(0, viewMax),
    x: optional(digest),
    p: optional(arr(parentView, membersMax)),
    sigs: arr(pair(readMemberIndex, b64(signatureBytes, signatureBytes)), membersMax),
  }),
  (cert) => (isShaped(cert) ? null : 'x, or for NULLIFY one p for each signature'),
);

/** Reads a chain's form. */
export const readChain: Reader<Chain> = obj({ nota: orNull, nulli: orNull });

function orNull(value: unknown, path?: string): Certificate | null {
  return value === null ? null : readCertificate(value, path);
}

function isShaped({ kind, x, p, sigs }: Certificate): boolean {
  return kind === 'NULLIFY'
    ? x === undefined && p?.length === sigs.length
    : x !== undefined && p === undefined;
}

/** The bytes that a statement's signature covers, after the domain. */
export function statementBytes(statement: Statement): Uint8Array {
  return encodeCanonical(statementOnly(statement));
}

/** The signed fields of a message, without signer and signature. */
export function statementOnly({ t, cid, e, h, v, x, p, j }: Statement): Statement {
  return {
    ...{ t, cid, e, h, v },
    ...(x === undefined ? {} : { x }),
    ...(p === undefined ? {} : { p }),
    ...(j === undefined ? {} : { j }),
  };
}

/** Whether member `index` signed `statement`, suspended or not. */
export function isStatementBy(
  statement: Statement,
  index: number,
  signature: string,
  context: EpochContext,
): boolean {
  const member = context.members[index];
  const bytes = fromBase64(signature);
  if (member === undefined || bytes === null) return false;
  if (statement.cid !== context.cid || statement.e !== context.epoch) return false;
  const verify = context.verify ?? verifySignature;
  return verify(member.publicKey, consensusDomain, statementBytes(statement), bytes);
}

/** Whether member `index` has a vote at `height`. */
export function hasVoteAt(context: EpochContext, index: number, height: number): boolean {
  const from = context.suspendedFrom?.get(index) ?? Infinity;
  return index >= 0 && index < context.members.length && height < from;
}

/** n of `height`: how many members have a vote there. */
export function voterCount(context: EpochContext, height: number): number {
  return context.members.filter((_, index) => hasVoteAt(context, index, height)).length;
}

/** What each signer of `certificate` signed, in the order of `sigs`. */
export function statementsOf(certificate: Certificate, context: EpochContext): Statement[] {
  const { kind, h, v, x, p, sigs } = certificate;
  const common = { t: kind, cid: context.cid, e: context.epoch, h, v };
  return sigs.map((_, at) => {
    const parent = p?.[at];
    return {
      ...common,
      ...(x === undefined ? {} : { x }),
      ...(parent === undefined ? {} : { p: parent }),
    };
  });
}

/**
 * Whether `certificate` holds at least q = floor(2n/3)+1 valid signatures of distinct voters of its height and no
 * other. A FINALIZE certificate that passes proves that the block with digest `x` was decided at height `h`.
 */
export function verifyCertificate(
  certificate: Certificate,
  context: EpochContext,
  quorum: number = quorumOf(voterCount(context, certificate.h)),
): boolean {
  const { h, v, p, sigs } = certificate;
  if (sigs.length < quorum || sigs.length > context.members.length) return false;
  if (!isShaped(certificate) || p?.some((parent) => parent >= v) === true) return false;
  const ascending = sigs.every(([index], at) => at === 0 || (sigs[at - 1]?.[0] ?? -1) < index);
  if (!ascending || !sigs.every(([index]) => hasVoteAt(context, index, h))) return false;
  const statements = statementsOf(certificate, context);
  return sigs.every(([index, signature], at) => {
    const statement = statements[at];
    return statement !== undefined && isStatementBy(statement, index, signature, context);
  });
}

/** Whether `chain` has the right shape for view `view` of `height`: right kinds, no view left out. No signatures. */
export function isChainShaped({ nota, nulli }: Chain, height: number, view: number): boolean {
  if (nota !== null && (nota.kind !== 'NOTARIZE' || nota.h !== height)) return false;
  const parent = nota === null ? -1 : nota.v;
  if (nulli === null) return parent === view - 1;
  if (nulli.kind !== 'NULLIFY' || nulli.h !== height || nulli.v !== view - 1) return false;
  // Whoever gave up only what lies behind a later notarization may have finalized one in between.
  return parent < nulli.v && nulli.p?.every((given) => given <= parent) === true;
}

/** Whether `chain` allows view `view` of `height` to be entered. */
export function verifyChain(
  chain: Chain,
  height: number,
  view: number,
  context: EpochContext,
  quorum?: number,
): boolean {
  if (!isChainShaped(chain, height, view)) return false;
  return certificatesOf(chain).every((one) => verifyCertificate(one, context, quorum));
}

/** The certificates of a chain, none to two. */
export function certificatesOf({ nota, nulli }: Chain): Certificate[] {
  return [nota, nulli].filter((certificate) => certificate !== null);
}
