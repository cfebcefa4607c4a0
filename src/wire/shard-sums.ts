/**
 * What a reducer says of the shards that it added up: signed with its log key, so that who gives two answers, or a false one,
 * is named by its own signature. docs/specs/update-envelope.md, section 5
 */
import {
  base64,
  concatBytes,
  fromBase64,
  utf8,
  type Digest,
  type RoundNumber,
} from '../base/index.ts';
import { signatureBytes, type Signer, type VerifyBytes } from '../crypto/index.ts';
import { encodeCanonical } from './canonical.ts';
import { membersMax } from './limits.ts';
import { keyBytes, type Manifest } from './manifest.ts';
import { arr, b64, checked, digest, int, obj, roundNumber, type Reader } from './readers.ts';

/** The sum of one shard over all updates of a cut. */
export interface ShardSum {
  readonly shard: number;
  /** Digest of the packed integers. */
  readonly sum: Digest;
}

/** What is signed. */
export interface SumsStatement {
  readonly cid: Digest;
  readonly r: RoundNumber;
  /** SHA-256 of the canonical bytes of the round's CUT. */
  readonly cut: Digest;
  /** Index of the reducer in the manifest. */
  readonly i: number;
  /** Ascending by shard, each once. */
  readonly sums: readonly ShardSum[];
}

/** With the reducer's signature, base64. */
export interface SignedSums extends SumsStatement {
  readonly sig: string;
}

/** Before the canonical bytes of a statement and a line feed, in what is signed. */
export const sumsDomain = 'annulus/shard-sums/v1';

/** Reads the form of signed sums; `verifySums` says whose they are. */
export const readSignedSums: Reader<SignedSums> = checked(
  obj({
    cid: digest,
    r: roundNumber,
    cut: digest,
    i: int(0, membersMax - 1),
    sums: arr(obj({ shard: int(0, membersMax - 1), sum: digest }), membersMax, 1),
    sig: b64(signatureBytes, signatureBytes),
  }),
  ({ sums }) =>
    sums.every(({ shard }, at) => at === 0 || shard > (sums[at - 1]?.shard ?? shard))
      ? null
      : 'shards ascending, each once',
);

/** The bytes that are signed. */
export function sumsBytes({ cid, r, cut, i, sums }: SumsStatement): Uint8Array {
  const said = sums.map(({ shard, sum }) => ({ shard, sum }));
  return concatBytes(utf8(`${sumsDomain}\n`), encodeCanonical({ cid, r, cut, i, sums: said }));
}

/** @param signer holds the reducer's log key */
export function signSums(statement: SumsStatement, signer: Signer): SignedSums {
  return { ...statement, sig: base64(signer.signRaw(sumsBytes(statement))) };
}

/** Whether the member whose index the statement names signed it. */
export function verifySums(signed: SignedSums, manifest: Manifest, verify: VerifyBytes): boolean {
  const member = manifest.members[signed.i];
  const signature = fromBase64(signed.sig);
  if (member === undefined || signature === null) return false;
  return verify(keyBytes(member.logKey), sumsBytes(signed), signature);
}
