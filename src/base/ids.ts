/** Branded ids: a round cannot be passed where a height goes. */
declare const brand: unique symbol;
type Branded<T, B extends string> = T & { readonly [brand]: B };

/** SHA-256 as 64 lower-case hex digits. */
export type Digest = Branded<string, 'Digest'>;
/** A member's short name in the manifest, for instance `L3`: `[A-Za-z0-9-]{1,32}`. */
export type NodeId = Branded<string, 'NodeId'>;
/** Number of a training round, from 1, over the whole consortium. */
export type RoundNumber = Branded<number, 'RoundNumber'>;
/** Height of a decided block, from 1. */
export type Height = Branded<number, 'Height'>;

const digestForm = /^[0-9a-f]{64}$/;
const nodeIdForm = /^[A-Za-z0-9-]{1,32}$/;

/** `null` unless `text` is 64 lower-case hex digits. */
export function parseDigest(text: unknown): Digest | null {
  return typeof text === 'string' && digestForm.test(text) ? (text as Digest) : null;
}

/** `null` unless `text` has the form of a member's name. */
export function parseNodeId(text: unknown): NodeId | null {
  return typeof text === 'string' && nodeIdForm.test(text) ? (text as NodeId) : null;
}

/** `null` unless `value` is an integer from 0 to 2^31-1. */
export function parseRoundNumber(value: unknown): RoundNumber | null {
  return isCount(value) ? (value as RoundNumber) : null;
}

/** `null` unless `value` is an integer from 0 to 2^31-1. */
export function parseHeight(value: unknown): Height | null {
  return isCount(value) ? (value as Height) : null;
}

function isCount(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) < 2 ** 31;
}
