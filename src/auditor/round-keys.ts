/**
 * The keys of one round's updates, which a member gives to an auditor: with them the updates of this round can be read, and
 * nothing else of the consortium. docs/specs/audit-log.md
 */
import {
  base64,
  fromBase64,
  messageOf,
  type Digest,
  type NodeId,
  type RoundNumber,
} from '../base/index.ts';
import { bulkKeyBytes } from '../crypto/index.ts';
import {
  b64,
  decodeStrict,
  digest,
  encodeCanonical,
  limits,
  literal,
  obj,
  record,
  roundNumber,
} from '../wire/index.ts';
import { AuditorError } from './errors.ts';

/** Keys by the author of the update. */
export interface RoundKeys {
  readonly cid: Digest;
  readonly round: RoundNumber;
  readonly keys: ReadonlyMap<NodeId, Uint8Array>;
}

const format = 'annulus-round-keys/v1';
/** No file of keys is longer: a member's line has a name of at most 64 bytes and 44 of base64. */
export const roundKeysBytesMax: number = 1024 + 256 * limits.membersMax;

const readDocument = obj({
  format: literal(format),
  cid: digest,
  round: roundNumber,
  keys: record(/^[A-Za-z0-9-]{1,32}$/, b64(bulkKeyBytes, bulkKeyBytes), limits.membersMax),
});

/** One line of canonical JSON. */
export function encodeRoundKeys({ cid, round, keys }: RoundKeys): Uint8Array {
  const lines = [...keys].map(([member, key]) => [member, base64(key)] as const);
  return encodeCanonical({ format, cid, round, keys: Object.fromEntries(lines) });
}

/** @throws {AuditorError} 'bad_keys' unless it is a file of keys of this round of this consortium */
export function decodeRoundKeys(
  bytes: Uint8Array,
  expected: { readonly cid: Digest; readonly round: number },
): RoundKeys {
  let read: ReturnType<typeof readDocument>;
  try {
    read = readDocument(decodeStrict(bytes, { maxBytes: roundKeysBytesMax }));
  } catch (error) {
    throw badKeys(`expected a file that "annulus audit disclose" wrote; ${messageOf(error)}`);
  }
  if (read.cid !== expected.cid) {
    throw badKeys(`its keys are of the consortium ${read.cid}, the log is of ${expected.cid}`);
  }
  if (read.round !== expected.round) {
    throw badKeys(
      `its keys are of round ${read.round}, not ${expected.round}: ask for "annulus audit disclose … ${expected.round}"`,
    );
  }
  const keys = Object.entries(read.keys).map(
    ([member, key]) => [member as NodeId, fromBase64(key) ?? new Uint8Array()] as const,
  );
  return { cid: read.cid, round: read.round, keys: new Map(keys) };
}

function badKeys(reason: string): AuditorError {
  return new AuditorError({ code: 'bad_keys', reason }, `keys: ${reason}`);
}
