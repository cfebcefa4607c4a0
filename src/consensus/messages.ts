/**
 * The messages of consensus as canonical JSON. Votes and proposals are signed; all others carry only what
 * proves itself (certificates, bodies named by digest) or what a lie in costs nothing (STATUS, GETBODY).
 */
import type { Digest } from '../base/index.ts';
import { digestOf, signatureBytes } from '../crypto/index.ts';
import {
  arr,
  b64,
  checked,
  decodeStrict,
  digest,
  encodeCanonical,
  int,
  literal,
  obj,
  optional,
  readCertificate,
  readChain,
  readEvidence,
  readMemberIndex,
  readSignedStatement,
  unionBy,
  viewMax,
  WireError,
  type Certificate,
  type Chain,
  type EvidencePair,
  type Reader,
  type SignedStatement,
  type VoteKind,
  limits,
} from '../wire/index.ts';
import { ConsensusError } from './errors.ts';

interface Common {
  readonly cid: Digest;
  readonly e: number;
  readonly h: number;
}

/** One member's vote, signed. `i` is the signer's index in the member list; `p` stands in NULLIFY, `x` elsewhere. */
export interface Vote extends Common {
  readonly t: VoteKind;
  readonly v: number;
  readonly x?: Digest;
  readonly p?: number;
  readonly i: number;
  readonly sig: string;
}

/** The leader's proposal: x = SHA-256(body), p = view of `chain.nota` or -1, j = SHA-256(JCS(chain)). */
export interface Proposal extends Common {
  readonly t: 'PROPOSE';
  readonly v: number;
  readonly x: Digest;
  readonly p: number;
  readonly j: Digest;
  readonly i: number;
  readonly sig: string;
  readonly body: string;
  readonly chain: Chain;
}

/** "Here is why I am in view v." */
export interface View extends Common {
  readonly t: 'VIEW';
  readonly v: number;
  readonly chain: Chain;
}

/** "I am here": asks whoever is further to help. */
export interface Status extends Common {
  readonly t: 'STATUS';
  readonly v: number;
}

/** "I have just started: which votes of mine do you hold, of height `h` and later?" `n` comes back in the answer. */
export interface Recall extends Common {
  readonly t: 'RECALL';
  readonly n: number;
}

/** The answer of a member that is deciding height `h`. */
export interface Recalled extends Common {
  readonly t: 'RECALLED';
  readonly n: number;
  readonly votes: readonly SignedStatement[];
}

/** A decision with its proof. */
export interface Decided extends Common {
  readonly t: 'DECIDED';
  readonly body: string;
  readonly cert: Certificate;
}

/** Everything that travels on the consensus topic. */
export type ConsensusMessage =
  | Vote
  | Proposal
  | View
  | Status
  | Decided
  | Recall
  | Recalled
  | (Common & { readonly t: 'CERT'; readonly cert: Certificate })
  | (Common & { readonly t: 'GETBODY'; readonly x: Digest })
  | (Common & { readonly t: 'BODY'; readonly body: string })
  | (Common & { readonly t: 'EVIDENCE'; readonly pair: EvidencePair });

const common = { cid: digest, e: int(0, viewMax), h: int(0, viewMax) };
const view = int(0, viewMax);
const nonce = int(0, viewMax);
const signed = { i: readMemberIndex, sig: b64(signatureBytes, signatureBytes) };
const body = b64(limits.bodyBytesMax);

/** Readers of the fields that all votes share; write-ahead records add their own. */
export const commonVoteFields: {
  readonly cid: Reader<Digest>;
  readonly e: Reader<number>;
  readonly h: Reader<number>;
  readonly v: Reader<number>;
  readonly i: Reader<number>;
  readonly sig: Reader<string>;
} = { ...common, v: view, ...signed };

const readVote: Reader<Vote> = checked(
  obj({
    ...commonVoteFields,
    t: literal('NOTARIZE', 'NULLIFY', 'FINALIZE'),
    x: optional(digest),
    p: optional(int(-1, viewMax)),
  }),
  ({ t, v, x, p }) => {
    const isShaped =
      t === 'NULLIFY' ? x === undefined && p !== undefined && p < v : p === undefined;
    return isShaped && (t === 'NULLIFY') === (x === undefined) ? null : 'x, or p < v for NULLIFY';
  },
);

/** Reads a proposal's form. */
export const readProposal: Reader<Proposal> = obj({
  ...common,
  t: literal('PROPOSE'),
  v: view,
  x: digest,
  p: int(-1, viewMax),
  j: digest,
  ...signed,
  body,
  chain: readChain,
});

/** Reads a decision's form; also the DEC record without its tag. */
export const readDecided: Reader<Decided> = obj({
  ...common,
  t: literal('DECIDED'),
  body,
  cert: readCertificate,
});

const readMessage = unionBy<ConsensusMessage>('t', {
  NOTARIZE: readVote,
  NULLIFY: readVote,
  FINALIZE: readVote,
  PROPOSE: readProposal,
  CERT: obj({ ...common, t: literal('CERT'), cert: readCertificate }),
  VIEW: obj({ ...common, t: literal('VIEW'), v: view, chain: readChain }),
  STATUS: obj({ ...common, t: literal('STATUS'), v: view }),
  GETBODY: obj({ ...common, t: literal('GETBODY'), x: digest }),
  BODY: obj({ ...common, t: literal('BODY'), body }),
  RECALL: obj({ ...common, t: literal('RECALL'), n: nonce }),
  RECALLED: obj({
    ...common,
    t: literal('RECALLED'),
    n: nonce,
    votes: arr(readSignedStatement, limits.recalledMax),
  }),
  DECIDED: readDecided,
  EVIDENCE: obj({ ...common, t: literal('EVIDENCE'), pair: readEvidence }),
});

/** Canonical bytes of a message. */
export function encodeMessage(message: ConsensusMessage): Uint8Array {
  return encodeCanonical(message);
}

/** Form and limits only; signatures are the machine's to check. @throws {ConsensusError} 'malformed' */
export function decodeMessage(bytes: Uint8Array): ConsensusMessage {
  try {
    const maxBytes = limits.topicBytesMax.consensus;
    const message = readMessage(decodeStrict(bytes, { maxBytes }));
    const kindBytesMax = limits.consensusBytesMax[message.t];
    if (bytes.byteLength > kindBytesMax)
      throw malformed(`at most ${kindBytesMax} bytes of ${message.t}`);
    return message;
  } catch (cause) {
    if (cause instanceof WireError) throw malformed(cause.message, cause);
    throw cause;
  }
}

/** j: the digest that binds a proposal's signature to its justification. */
export function chainDigest(chain: Chain): Digest {
  return digestOf(encodeCanonical(chain));
}

function malformed(expected: string, cause?: unknown): ConsensusError {
  return new ConsensusError(
    { code: 'malformed', expected },
    `consensus message: ${expected}`,
    cause === undefined ? undefined : { cause },
  );
}
