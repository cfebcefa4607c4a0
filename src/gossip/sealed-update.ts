/** An update between quantised integers and what goes over the wire: made by its author, checked by everybody else. */
import type { Digest, NodeId } from '../base/index.ts';
import {
  CryptoError,
  systemSealing,
  verifyRaw,
  type Sealing,
  type Signer,
  type VerifyBytes,
} from '../crypto/index.ts';
import type { AveragingRule } from './average/averaging-rule.ts';
import { checkUpdate, type Segment } from './average/head-weights.ts';
import { fixedPointFor, packIntegers, unpackIntegers, WeightsError } from '../weights/index.ts';
import {
  openDigest,
  openHandedKey,
  decryptUpdate,
  openUpdateKey,
  encryptUpdate,
  signUpdateStatement,
  decodeUpdateStatement,
  verifyUpdateStatement,
  type DecodedUpdate,
  WireError,
  type Open,
  type SignedManifest,
  type UpdateStatement,
} from '../wire/index.ts';
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

/** What an author puts into its update. */
export interface OwnUpdate {
  readonly consortium: SignedManifest;
  readonly open: Open;
  readonly author: NodeId;
  /** Weighted integers of the delta. */
  readonly values: Int32Array;
  readonly weight: number;
  /** Samples of each head with parameters of its own, at most `weight`. */
  readonly heads: Readonly<Record<string, number>>;
  readonly metricsMilli: Readonly<Record<string, number>>;
  /** Commitment to the data set trained on. */
  readonly dataset: Digest;
  readonly logSigner: Signer;
  /** HPKE when absent. */
  readonly sealing?: Sealing;
}

/** Encrypts an update to all members and signs its envelope. */
export async function sealUpdate(
  own: OwnUpdate,
): Promise<{ envelope: Uint8Array; ciphertext: Uint8Array }> {
  const { consortium, open, author, weight, heads, dataset, metricsMilli: metrics } = own;
  const { cid, manifest } = consortium;
  const plaintext = packIntegers(own.values);
  const context = { cid, round: open.r, author };
  const sealing = own.sealing ?? systemSealing;
  const encrypted = await encryptUpdate(context, manifest.members, plaintext, sealing);
  const { ciphertext, ...sealed } = encrypted;
  const { base, code } = open;
  const facts = { open: openDigest(open), base, code, dataset, weight, heads, metrics };
  const statement = { ...context, ...sealed, ...facts };
  return { ciphertext, envelope: signUpdateStatement(statement, own.logSigner) };
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
  if (statement.open !== openDigest(open)) throw refuse(author, 'trained as another OPEN says');
  if (weight > samplesCap) {
    throw refuse(author, `expected a weight of at most ${samplesCap}, got ${weight}`);
  }
  const { update: upd, metrics: metricsMilli } = statement;
  return { author, env, upd, weight, heads, metricsMilli, statement };
}

/** An update whose bulk opened. */
export interface OpenedUpdate {
  /** Weighted integers of the delta. */
  readonly values: Int32Array;
  /** Its key, for members whom the author sealed another. */
  readonly key: Uint8Array;
}

/** What came for an update, and who reads it. */
export interface UpdateBulk {
  /** Of the update's round. */
  readonly rule: AveragingRule;
  readonly facts: UpdateFacts;
  readonly recipient: NodeId;
  /** Its digest holds. */
  readonly ciphertext: Uint8Array;
  /** Of the stage's model. */
  readonly segments: readonly Segment[];
  readonly sealPrivate: Uint8Array;
  /** HPKE when absent. */
  readonly sealing?: Sealing;
  /** The update's key as another member sealed it to us; without it the author's is taken. */
  readonly handed?: { readonly from: NodeId; readonly sealed: Uint8Array };
}

/**
 * Opens the bulk of an update: an integer for each parameter of the stage's model, none larger than its weight allows.
 * Null when the key is not the update's: the author sealed something else for this member, whom others may help.
 * @throws {GossipError} 'bad_update': it is so for every member
 */
export async function openUpdate(bulk: UpdateBulk): Promise<OpenedUpdate | null> {
  const { facts, rule, ciphertext, segments } = bulk;
  const { author, statement } = facts;
  try {
    if (ciphertext.byteLength !== statement.updateBytes) {
      const expected = `${statement.updateBytes} bytes`;
      throw new WeightsError(
        { code: 'shape_mismatch', expected },
        `its statement says ${expected}, ${ciphertext.byteLength} came`,
      );
    }
    const key = await keyOf(bulk);
    if (key === null) return null;
    const plaintext = decryptUpdate(statement, key, ciphertext);
    const values = unpackIntegers(plaintext, segments.at(-1)?.end ?? 0);
    const fixedPoint = fixedPointFor(rule.memberCount, rule.clamp);
    // A value beyond what its weight allows would pull harder than the author says.
    checkUpdate(values, facts, segments, rule.weightMax, fixedPoint);
    return { values, key };
  } catch (error) {
    if (!(error instanceof WeightsError) && !(error instanceof CryptoError)) throw error;
    throw new GossipError(
      { code: 'bad_update', author, round: statement.round, reason: error.message },
      `update of ${author} for round ${statement.round}: ${error.message}`,
      { cause: error },
    );
  }
}

function keyOf(bulk: UpdateBulk): Promise<Uint8Array | null> {
  const { facts, recipient: to, sealPrivate, ciphertext, handed, sealing } = bulk;
  const { statement } = facts;
  if (handed === undefined) return openUpdateKey(statement, to, sealPrivate, ciphertext, sealing);
  const parties = { from: handed.from, to };
  return openHandedKey(statement, parties, sealPrivate, handed.sealed, ciphertext, sealing);
}
