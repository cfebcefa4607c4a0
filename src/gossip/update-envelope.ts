/** What a member says of its update: signed by its author, checked by everybody else. */
import type { Digest, NodeId } from '../base/index.ts';
import {
  systemSealing,
  verifyRaw,
  type Sealing,
  type Signer,
  type VerifyBytes,
} from '../crypto/index.ts';
import {
  decodeUpdateStatement,
  encryptUpdateKey,
  openDigest,
  signUpdateStatement,
  verifyUpdateStatement,
  WireError,
  type DecodedUpdate,
  type NodeLogHead,
  type Open,
  type SignedManifest,
  type UpdateStatement,
} from '../wire/index.ts';
import type { EncryptedBulk } from './bulk/round-jobs.ts';
import { GossipError } from './errors.ts';

/** What a checked envelope says. */
export interface UpdateFacts {
  readonly author: NodeId;
  readonly env: Digest;
  readonly upd: Digest;
  readonly weight: number;
  readonly heads: Readonly<Record<string, number>>;
  readonly metricsMilli: Readonly<Record<string, number>>;
  readonly statement: UpdateStatement;
}

/** What an author says of its update. */
export interface OwnUpdate {
  readonly consortium: SignedManifest;
  readonly open: Open;
  readonly author: NodeId;
  /** Its ciphertext, which lies in the store. */
  readonly bulk: Omit<EncryptedBulk, 'clampedCount'>;
  /** What that is under. */
  readonly key: Uint8Array;
  readonly metricsMilli: Readonly<Record<string, number>>;
  /** Commitment to the data set trained on. */
  readonly dataset: Digest;
  /** The head of its author's own log, on the disk. */
  readonly nodeLog: NodeLogHead;
  readonly logSigner: Signer;
  /** HPKE when absent. */
  readonly sealing?: Sealing;
}

/** Encrypts the key of an update to all members and signs its envelope. */
export async function signUpdate(own: OwnUpdate): Promise<Uint8Array> {
  const { consortium, open, author, bulk, key, dataset, nodeLog } = own;
  const { cid, manifest } = consortium;
  const context = { cid, round: open.r, author };
  const sealing = own.sealing ?? systemSealing;
  const sealedKeys = await encryptUpdateKey(context, manifest.members, key, sealing);
  const { update, updateBytes, weights } = bulk;
  const { base, code } = open;
  const { metricsMilli: metrics } = own;
  const facts = { open: openDigest(open), base, code, dataset, ...weights, metrics };
  const statement = { ...context, update, updateBytes, sealedKeys, ...facts, nodeLog };
  return signUpdateStatement(statement, own.logSigner);
}

/**
 * Checks an envelope against the round that is open.
 *
 * @param verify checks the author's signature
 * @param decode reads the envelope's form
 * @throws {GossipError} 'bad_update'
 */
export function readUpdate(
  consortium: SignedManifest,
  open: Open,
  bytes: Uint8Array,
  verify: VerifyBytes = verifyRaw,
  decode: (bytes: Uint8Array) => DecodedUpdate = decodeUpdateStatement,
): UpdateFacts {
  const refuse = (author: string, reason: string, cause?: unknown): GossipError =>
    new GossipError(
      { code: 'bad_update', author, round: open.r, reason },
      `update of ${author} for round ${open.r}: ${reason}`,
      { cause },
    );
  let verified;
  try {
    verified = verifyUpdateStatement(bytes, consortium.manifest, consortium.cid, verify, decode);
  } catch (error) {
    if (error instanceof WireError) throw refuse('a member', error.message, error);
    throw error;
  }
  const { statement, env } = verified;
  const { author, round, base, code, weight, heads } = statement;
  const { samplesCap } = open.rule;
  if (round !== open.r) throw refuse(author, `expected round ${open.r}, got ${round}`);
  if (!open.participants.includes(author)) throw refuse(author, 'not a participant');
  if (base !== open.base || code !== open.code) {
    throw refuse(author, 'trained from another model or program than OPEN names');
  }
  if (statement.nodeLog === null) throw refuse(author, "without the head of its author's own log");
  if (statement.open !== openDigest(open)) throw refuse(author, 'trained as another OPEN says');
  if (weight > samplesCap) {
    throw refuse(author, `expected a weight of at most ${samplesCap}, got ${weight}`);
  }
  const { update: upd, metrics: metricsMilli } = statement;
  return { author, env, upd, weight, heads, metricsMilli, statement };
}
