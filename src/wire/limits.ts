/**
 * Sizes that hold on the wire, all checked before anything is allocated. Every message's limit follows from how many
 * members there may be and how large a body, an entry and a signature are; a topic carries what its largest message
 * needs. docs/specs/wire.md has the table.
 */
import type { Topic } from './transport.ts';

/** Members of a consortium: a CUT of all of them, 208 bytes each, must fit a body, and a key for each of them an envelope. */
export const membersMax = 256;
/** One log entry: tlog-tiles stores its length in 16 bits. */
export const entryBytesMax = 65_535;
/** The canonical bytes of a block body, which is a log entry. */
export const bodyBytesMax: number = 60 * 1024;
/** A signed manifest in its envelope. */
export const manifestBytesMax: number = 512 * 1024;
/** Most bytes asked for in one fetch. */
export const fetchBytesMax: number = 1024 * 1024 * 1024;
/** Steps of a mixing round: the report of more would not fit an entry. */
export const mixingStepsMax = 200;
/** Votes shown in one answer to a member that asks for its own. */
export const recalledMax = 64;

/** What is around the long fields of any message: keys, numbers of 10 digits, a few digests and one signature. */
const frameBytes = 1024;
/** A statement with its signature, all fields at their longest: 440 bytes. */
const statementBytesMax = 512;
/** `[255,"<88 characters>"],` and a parent view of 10 digits. */
const signatureBytesMax = 108;

function base64Bytes(bytes: number): number {
  return Math.ceil(bytes / 3) * 4;
}

function certificateBytes(memberCount: number): number {
  return frameBytes + memberCount * signatureBytesMax;
}

/** The largest message of each kind on topic `consensus` among `memberCount` members. */
export function consensusBytes(
  memberCount: number,
): Readonly<Record<(typeof consensusKinds)[number], number>> {
  const certificate = certificateBytes(memberCount);
  const body = base64Bytes(bodyBytesMax);
  return {
    PROPOSE: frameBytes + body + 2 * certificate,
    NOTARIZE: frameBytes,
    NULLIFY: frameBytes,
    FINALIZE: frameBytes,
    CERT: frameBytes + certificate,
    VIEW: frameBytes + 2 * certificate,
    STATUS: frameBytes,
    GETBODY: frameBytes,
    BODY: frameBytes + body,
    DECIDED: frameBytes + body + certificate,
    EVIDENCE: frameBytes + statementBytesMax + 2 * certificate,
    RECALL: frameBytes,
    RECALLED: frameBytes + recalledMax * statementBytesMax,
  };
}

/** Kinds of message on topic `consensus`. */
export const consensusKinds = [
  'PROPOSE',
  'NOTARIZE',
  'NULLIFY',
  'FINALIZE',
  'CERT',
  'VIEW',
  'STATUS',
  'GETBODY',
  'BODY',
  'DECIDED',
  'EVIDENCE',
  'RECALL',
  'RECALLED',
] as const;

/** The largest message of each kind on the other topics. */
export function peerBytes(memberCount: number): {
  readonly update: number;
  readonly holds: number;
  readonly key: number;
  readonly pieces: number;
  readonly sums: number;
  readonly step: number;
  readonly report: number;
  readonly lacks: number;
  readonly near: number;
  readonly status: number;
  readonly manifest: number;
  readonly checkpoint: number;
} {
  return {
    update: frameBytes + entryBytesMax,
    // Two lists, each of two digests of 67 bytes for each member.
    holds: frameBytes + memberCount * 4 * 67,
    key: frameBytes,
    // As `holds`, and the numbers of shards, up to `255,`.
    pieces: frameBytes + memberCount * (4 * 67 + 4),
    // `{"shard":255,"sum":"<64>"},` for each shard.
    sums: frameBytes + memberCount * 87,
    step: frameBytes + entryBytesMax,
    report: frameBytes + entryBytesMax,
    // Names of 32 letters in quotes, twice, and a key of 44.
    lacks: frameBytes + memberCount * (2 * 35 + 47),
    near: frameBytes,
    status: frameBytes,
    manifest: frameBytes,
    // Origin, size, root and the log's own line, then one line of 160 bytes for each member.
    checkpoint: frameBytes + memberCount * 160,
  };
}

/** By kind, in the largest consortium: what a reader refuses and a writer does not send. */
export const consensusBytesMax: ReturnType<typeof consensusBytes> = consensusBytes(membersMax);
/** As `consensusBytesMax`, of the other topics. */
export const peerBytesMax: ReturnType<typeof peerBytes> = peerBytes(membersMax);

/** One message of a topic. */
export const topicBytesMax: Readonly<Record<Topic, number>> = {
  consensus: Math.max(...Object.values(consensusBytesMax)),
  updates: Math.max(
    peerBytesMax.update,
    peerBytesMax.holds,
    peerBytesMax.key,
    peerBytesMax.step,
    peerBytesMax.report,
    peerBytesMax.lacks,
    peerBytesMax.pieces,
    peerBytesMax.sums,
  ),
  log: peerBytesMax.checkpoint,
  status: Math.max(peerBytesMax.status, peerBytesMax.manifest),
};

/** One message of any topic. */
export const messageBytesMax: number = Math.max(...Object.values(topicBytesMax));
