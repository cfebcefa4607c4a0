/**
 * What a node writes into its own log: an allow-list of events made of digests, counts and codes. There is no field for free
 * text, a patient or a file, and what is not in this list is refused, when it is written and when it is read.
 * docs/specs/audit-log.md, "A node's own log"
 */
import type { Digest, NodeId, RoundNumber } from '../base/index.ts';
import {
  decodeStrict,
  digest,
  encodeCanonical,
  int,
  literal,
  nodeId,
  obj,
  optional,
  roundNumber,
  unionBy,
  type NodeLogHead,
  type Reader,
} from '../wire/index.ts';

/** One event, without its time. */
export type NodeEvent =
  /** The first entry of a log that takes the place of another. `after`: the last head that the shared log held of that one. */
  | {
      readonly event: 'log-begun';
      readonly reason: 'restored' | 'behind' | 'damaged';
      readonly after?: NodeLogHead;
    }
  /** The program and the keys (SHA-256 of each) of a node that has started: a key that was replaced shows here. */
  | {
      readonly event: 'node-started';
      readonly code: Digest;
      readonly keys: Readonly<Record<'consensus' | 'log' | 'witness', Digest>>;
    }
  | { readonly event: 'training-started'; readonly round: RoundNumber; readonly base: Digest }
  /** `dataset`: the commitment that the update's envelope carries. */
  | {
      readonly event: 'training-finished';
      readonly round: RoundNumber;
      readonly dataset: Digest;
      readonly samples: number;
    }
  | {
      readonly event: 'training-failed';
      readonly round: RoundNumber;
      readonly reason: 'model_missing' | 'failed';
    }
  /** The round had ended without this node: what it learnt is in no sealed model yet. */
  | { readonly event: 'work-unsealed'; readonly round: RoundNumber; readonly dataset: Digest }
  /** `author` where the envelope's signature says who it was. */
  | {
      readonly event: 'update-refused';
      readonly round: RoundNumber;
      readonly reason: 'bad_envelope' | 'bad_bulk';
      readonly env: Digest;
      readonly author?: NodeId;
    };

/** One entry of a node's own log. */
export type NodeEntry = NodeEvent & {
  /** By the node's clock, ms since 1970. */
  readonly atMs: number;
};

const int31 = 2 ** 31 - 1;
const atMs = int(0, Number.MAX_SAFE_INTEGER);
const round = roundNumber;

const readers: { readonly [E in NodeEvent['event']]: Reader<NodeEntry & { event: E }> } = {
  'log-begun': obj({
    event: literal('log-begun'),
    reason: literal('restored', 'behind', 'damaged'),
    after: optional(obj({ log: int(1, int31), size: int(1, int31), root: digest })),
    atMs,
  }),
  'node-started': obj({
    event: literal('node-started'),
    code: digest,
    keys: obj({ consensus: digest, log: digest, witness: digest }),
    atMs,
  }),
  'training-started': obj({ event: literal('training-started'), round, base: digest, atMs }),
  'training-finished': obj({
    event: literal('training-finished'),
    ...{ round, dataset: digest, samples: int(0, int31), atMs },
  }),
  'training-failed': obj({
    event: literal('training-failed'),
    ...{ round, reason: literal('model_missing', 'failed'), atMs },
  }),
  'work-unsealed': obj({ event: literal('work-unsealed'), round, dataset: digest, atMs }),
  'update-refused': obj({
    event: literal('update-refused'),
    reason: literal('bad_envelope', 'bad_bulk'),
    ...{ round, env: digest, author: optional(nodeId), atMs },
  }),
};
const readEntry: Reader<NodeEntry> = unionBy<NodeEntry>('event', readers);
const entryBytesMax = 1_024;

/** Canonical bytes of an entry. @throws {WireError} 'malformed' for what is not in the list */
export function encodeNodeEntry(entry: NodeEntry): Uint8Array {
  const bytes = encodeCanonical(entry);
  decodeNodeEntry(bytes);
  return bytes;
}

/** @throws {WireError} 'too_large' or 'malformed' */
export function decodeNodeEntry(bytes: Uint8Array): NodeEntry {
  return readEntry(decodeStrict(bytes, { maxBytes: entryBytesMax }));
}
