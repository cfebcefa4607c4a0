/** The names inside a log directory, and the form of a decision file. */
import { parseHeight, type Digest, type Height } from '../base/index.ts';
import { digestOf } from '../crypto/index.ts';
import {
  blockLeaf,
  decodeStrict,
  encodeCanonical,
  json,
  obj,
  readBlockBody,
  type BlockBody,
  type Json,
} from '../wire/index.ts';
import { AuditError } from './errors.ts';
import { bundlesOf, hashTilesOf, tilePath } from './tiles.ts';

/** Prefix of the log directory inside a node's store. */
export const logPrefix = 'log/';
/** The signed genesis manifest. */
export const manifestName = 'manifest.json';
/** The trust policy, derived from the manifest. */
export const policyName = 'policy';
/** The latest checkpoint that a quorum has cosigned. */
export const checkpointName = 'checkpoint';
/** The checkpoint of a larger tree that still waits for cosignatures; absent when there is none. */
export const nextCheckpointName = 'checkpoint.next';

const decisionForm = /^decisions\/([1-9][0-9]{0,9})\.json$/;
const decisionBytesMax = 128 * 1024;

/** A decided block and the certificate that decided it. */
export interface Decision {
  readonly body: BlockBody;
  /** FINALIZE certificate, as consensus writes it. */
  readonly certificate: Json;
}

const readDecision = obj({ body: readBlockBody, certificate: json });

/** `decisions/<height>.json`. */
export function decisionName(height: number): string {
  return `decisions/${height}.json`;
}

/** The height in a decision's name, or `null` for another name. */
export function heightOfName(name: string): Height | null {
  const digits = decisionForm.exec(name)?.[1];
  return digits === undefined ? null : parseHeight(Number(digits));
}

/** Canonical bytes of a decision file. */
export function encodeDecision(decision: Decision): Uint8Array {
  return encodeCanonical({ body: decision.body, certificate: decision.certificate });
}

/** @throws {WireError} 'too_large' or 'malformed' */
export function decodeDecision(bytes: Uint8Array): Decision {
  return readDecision(decodeStrict(bytes, { maxBytes: decisionBytesMax }));
}

/** Names of all tiles and bundles of a tree of `size`. */
export function tileNames(size: number): string[] {
  return [...hashTilesOf(size), ...bundlesOf(size)].map(tilePath);
}

/** Digests of the envelopes (updates, reports of a mixing) that a block brings into the log, in the order of the log. */
export function envelopeDigests(body: Pick<BlockBody, 'ops'>): Digest[] {
  return body.ops
    .flatMap((op) => {
      if (op.op === 'CUT') return op.updates.map(({ env }) => env);
      return op.op === 'SEAL' ? (op.mixed?.reports ?? []).map(({ report }) => report) : [];
    })
    .sort();
}

/** Index of the first entry of a block's height. */
export function firstEntryOf(body: BlockBody): number {
  return body.log.size - 1 - envelopeDigests(body).length;
}

/** Digests of envelopes, which nobody changes: one is asked for when a block is judged, and when it is appended. */
const entryDigests = new WeakMap<Uint8Array, Digest>();

function entryDigest(bytes: Uint8Array): Digest {
  const known = entryDigests.get(bytes);
  if (known !== undefined) return known;
  const made = digestOf(bytes);
  entryDigests.set(bytes, made);
  return made;
}

/**
 * The log entries of one height: the envelopes named in the block's CUT, sorted by digest, then the block
 * without `log`. `envelopes` may come in any order.
 * @throws {AuditError} 'malformed' unless they are exactly the envelopes the block names
 */
export function leavesOf(
  body: Omit<BlockBody, 'log'>,
  envelopes: readonly Uint8Array[],
): Uint8Array[] {
  const sorted = envelopes
    .map((bytes) => ({ bytes, digest: entryDigest(bytes) }))
    .sort((a, b) => (a.digest < b.digest ? -1 : a.digest > b.digest ? 1 : 0));
  const named = envelopeDigests(body);
  if (
    sorted.length !== named.length ||
    sorted.some((entry, index) => entry.digest !== named[index])
  ) {
    throw new AuditError(
      { code: 'malformed', what: 'envelopes', expected: 'those named in the block' },
      `envelopes of height ${body.h}: expected the ${named.length} that the block names`,
    );
  }
  return [...sorted.map((entry) => entry.bytes), blockLeaf(body)];
}
