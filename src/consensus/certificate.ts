/**
 * Certificates: q signatures of one epoch under one statement, and chains of them that justify a proposal.
 * Pure checks, usable offline with nothing but the epoch's public keys.
 */
import { fromBase64, type Digest } from '../base/index.ts';
import { signatureBytes, verifySignature } from '../crypto/index.ts';
import {
  arr,
  b64,
  checked,
  digest,
  encodeCanonical,
  int,
  literal,
  obj,
  pair,
} from '../wire/index.ts';
import { optional, type Reader } from '../wire/index.ts';
import { quorumOf } from './quorum.ts';

/** What every consensus signature is made under. */
export const consensusDomain = 'annulus/consensus/v1';

/** The three votes of a view. */
export type VoteKind = 'NOTARIZE' | 'NULLIFY' | 'FINALIZE';

/** The signed part of a message. `x` is absent in NULLIFY; `p` and `j` stand in PROPOSE only. */
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

/** At least q members said the same. `sigs`: [index in the epoch's member list, base64], ascending. */
export interface Certificate {
  readonly kind: VoteKind;
  readonly h: number;
  readonly v: number;
  readonly x?: Digest;
  readonly sigs: readonly (readonly [number, string])[];
}

/** Why view v may be entered: the last notarization used, then a NULLIFY of every view after it. */
export interface Chain {
  readonly nota: Certificate | null;
  readonly nulls: readonly Certificate[];
}

/** Checks one signature over `domain || "\n" || message`. */
export type VerifySignature = (
  publicKey: Uint8Array,
  domain: string,
  message: Uint8Array,
  signature: Uint8Array,
) => boolean;

/** The set of keys that a certificate is checked against. */
export interface EpochContext {
  readonly cid: Digest;
  readonly epoch: number;
  /** In the order that indices count: the manifest's. */
  readonly members: readonly { readonly publicKey: Uint8Array }[];
  /** Ed25519 when absent. */
  readonly verify?: VerifySignature;
}

/** Views and heights on the wire. */
export const viewMax: number = 2 ** 31 - 1;
const membersMax = 1000;
const nullsMax = 10_000;

/** Reads a certificate's form; says nothing about its signatures. */
export const readCertificate: Reader<Certificate> = checked(
  obj({
    kind: literal('NOTARIZE', 'NULLIFY', 'FINALIZE'),
    h: int(0, viewMax),
    v: int(0, viewMax),
    x: optional(digest),
    sigs: arr(pair(int(0, membersMax - 1), b64(signatureBytes, signatureBytes)), membersMax),
  }),
  (cert) => ((cert.kind === 'NULLIFY') === (cert.x === undefined) ? null : 'x unless NULLIFY'),
);

/** Reads a chain's form. */
export const readChain: Reader<Chain> = obj({
  nota: (value, path) => (value === null ? null : readCertificate(value, path)),
  nulls: arr(readCertificate, nullsMax),
});

/** The bytes that a statement's signature covers, after the domain. */
export function statementBytes(statement: Statement): Uint8Array {
  const { t, cid, e, h, v, x, p, j } = statement;
  return encodeCanonical({
    ...{ t, cid, e, h, v },
    ...(x === undefined ? {} : { x }),
    ...(p === undefined ? {} : { p }),
    ...(j === undefined ? {} : { j }),
  });
}

/** Whether member `index` of the epoch signed `statement`. */
export function isSignedBy(
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

/** What the signers of `certificate` signed. */
export function statementOf(certificate: Certificate, context: EpochContext): Statement {
  const { kind, h, v, x } = certificate;
  const common = { t: kind, cid: context.cid, e: context.epoch, h, v };
  return x === undefined ? common : { ...common, x };
}

/**
 * Whether `certificate` holds at least q = floor(2n/3)+1 valid signatures of distinct members. A FINALIZE
 * certificate that passes proves that the block with digest `x` was decided at height `h`.
 */
export function verifyCertificate(
  certificate: Certificate,
  context: EpochContext,
  quorum: number = quorumOf(context.members.length),
): boolean {
  const { sigs, kind, x } = certificate;
  if (sigs.length < quorum || sigs.length > context.members.length) return false;
  if ((kind === 'NULLIFY') !== (x === undefined)) return false;
  const ascending = sigs.every(([index], at) => at === 0 || (sigs[at - 1]?.[0] ?? -1) < index);
  if (!ascending) return false;
  const statement = statementOf(certificate, context);
  return sigs.every(([index, signature]) => isSignedBy(statement, index, signature, context));
}

/** Whether `chain` has the right shape for view `view` of `height`: no gap, right kinds. No signatures. */
export function isChainShaped(chain: Chain, height: number, view: number): boolean {
  const { nota, nulls } = chain;
  if (nota !== null && (nota.kind !== 'NOTARIZE' || nota.h !== height)) return false;
  const parent = nota === null ? -1 : nota.v;
  if (nulls.length !== view - parent - 1) return false;
  return nulls.every(
    (cert, at) => cert.kind === 'NULLIFY' && cert.h === height && cert.v === parent + 1 + at,
  );
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
  const certificates = chain.nota === null ? chain.nulls : [chain.nota, ...chain.nulls];
  return certificates.every((certificate) => verifyCertificate(certificate, context, quorum));
}
