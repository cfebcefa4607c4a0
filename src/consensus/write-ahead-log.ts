/**
 * The write-ahead log: what must be on the disk before a signature leaves. One file per height,
 * record = u32 length | u32 crc32c | JCS bytes, both numbers big-endian.
 */
import { concatBytes, type Digest, type Store } from '../base/index.ts';
import {
  b64,
  checked,
  decodeStrict,
  digest,
  encodeCanonical,
  int,
  literal,
  obj,
  readCertificate,
  unionBy,
  viewMax,
  WireError,
  type Certificate,
  limits,
} from '../wire/index.ts';
import { crc32c } from './crc32c.ts';
import { ConsensusError } from './errors.ts';
import { commonVoteFields, readProposal, type Proposal, type Vote } from './messages.ts';

/** NOTARIZE with its body: a notarization means that honest members still have the body. */
export interface NotarizeRecord extends Vote {
  readonly t: 'NOTARIZE';
  readonly x: Digest;
  readonly body: string;
}

/** NULLIFY with the notarization that its `p` names: lost by all who know it, their votes would count for nothing. */
export interface NullifyRecord extends Vote {
  readonly t: 'NULLIFY';
  readonly p: number;
  readonly nota: Certificate | null;
}

/** FINALIZE with the notarization it rests on: lost by all finalizers, the view could never end. */
export interface FinalizeRecord extends Vote {
  readonly t: 'FINALIZE';
  readonly x: Digest;
  readonly cert: Certificate;
}

/** A decision, before the application hears of it. */
export interface DecisionRecord {
  readonly t: 'DEC';
  readonly cid: Digest;
  readonly e: number;
  readonly h: number;
  readonly body: string;
  readonly cert: Certificate;
}

/** One entry of the log. */
export type WalRecord = Proposal | NotarizeRecord | NullifyRecord | FinalizeRecord | DecisionRecord;

const body = b64(limits.bodyBytesMax);
const readRecord = unionBy<WalRecord>('t', {
  PROPOSE: readProposal,
  NOTARIZE: obj({ ...commonVoteFields, t: literal('NOTARIZE'), x: digest, body }),
  NULLIFY: checked(
    obj({
      ...commonVoteFields,
      t: literal('NULLIFY'),
      p: int(-1, viewMax),
      nota: (value, path) => (value === null ? null : readCertificate(value, path)),
    }),
    ({ p, nota }) => ((nota?.v ?? -1) === p ? null : 'the notarization of view p'),
  ),
  FINALIZE: obj({ ...commonVoteFields, t: literal('FINALIZE'), x: digest, cert: readCertificate }),
  DEC: obj({
    t: literal('DEC'),
    cid: digest,
    e: int(0, viewMax),
    h: int(0, viewMax),
    body,
    cert: readCertificate,
  }),
});

const headerBytes = 8;
const recordBytesMax = 2 * 1024 * 1024;

/** The bytes to append for one record. */
export function encodeRecord(record: WalRecord): Uint8Array {
  const payload = encodeCanonical(record);
  const header = new Uint8Array(headerBytes);
  const numbers = new DataView(header.buffer);
  numbers.setUint32(0, payload.byteLength);
  numbers.setUint32(4, crc32c(payload));
  return concatBytes(header, payload);
}

/** Records of a whole file and how many of its bytes they fill. */
export interface WalContents {
  readonly records: readonly WalRecord[];
  /** Less than the file's size when its last record was torn. */
  readonly soundBytes: number;
}

/**
 * All records of one file. A torn LAST record is dropped: its message never left.
 * @throws {ConsensusError} 'corrupt_wal' when anything follows the damage, or a sound record is no record
 */
export function decodeRecords(bytes: Uint8Array, name = 'wal'): WalContents {
  const records: WalRecord[] = [];
  let offset = 0;
  while (offset < bytes.byteLength) {
    const payload = payloadAt(bytes, offset);
    if (payload === null) {
      // A flipped length field looks like a torn tail: only if no sound record follows it was one.
      if (hasRecordAfter(bytes, offset)) throw corrupt(name, offset);
      break;
    }
    records.push(parseRecord(payload, name, offset));
    offset += headerBytes + payload.byteLength;
  }
  return { records, soundBytes: offset };
}

/** One height's log on a store. */
export interface WriteAheadLog {
  /** What was there when it was opened. */
  readonly records: readonly WalRecord[];
  /** Creates the file, if there is none: the first record then takes no longer than the others. */
  prepare(): Promise<void>;
  /** Durable when it resolves. On a failure the node must stop, never retry. */
  append(record: WalRecord): Promise<void>;
}

/** `wal/<epoch>/<height>.log`. */
export function walName(epoch: number, height: number): string {
  return `wal/${epoch}/${height}.log`;
}

/**
 * Opens one height's log and cuts off a torn last record, so that the next one does not follow garbage.
 * @throws {ConsensusError} 'corrupt_wal'
 */
export async function openWal(store: Store, epoch: number, height: number): Promise<WriteAheadLog> {
  const name = walName(epoch, height);
  const bytes = (await store.read(name)) ?? new Uint8Array();
  const { records, soundBytes } = decodeRecords(bytes, name);
  if (soundBytes < bytes.byteLength) await store.write(name, bytes.slice(0, soundBytes));
  return {
    records,
    prepare: () => store.append(name, new Uint8Array()),
    append: (record) => store.append(name, encodeRecord(record)),
  };
}

/** The records of `fromHeight` and all later heights, in order: what `SimplexMachine.start` folds. */
export async function recoverWal(
  store: Store,
  epoch: number,
  fromHeight: number,
): Promise<readonly WalRecord[]> {
  const names = await store.list(`wal/${epoch}/`);
  const heights = names.map((name) => Number(/\/(\d{1,10})\.log$/.exec(name)?.[1] ?? -1));
  const records: WalRecord[] = [];
  for (const height of heights.filter((one) => one >= fromHeight).sort((a, b) => a - b)) {
    records.push(...(await openWal(store, epoch, height)).records);
  }
  return records;
}

/**
 * Removes the logs of heights below `height`, whatever their epoch: their decisions stand elsewhere, and nobody votes there
 * again.
 */
export async function removeWalBelow(store: Store, height: number): Promise<void> {
  for (const name of await store.list('wal/')) {
    const held = Number(/\/(\d{1,10})\.log$/.exec(name)?.[1] ?? Infinity);
    if (held < height) await store.remove(name);
  }
}

/** The payload of a sound record at `offset`, or `null`. */
function payloadAt(bytes: Uint8Array, offset: number): Uint8Array | null {
  if (offset + headerBytes > bytes.byteLength) return null;
  const numbers = new DataView(bytes.buffer, bytes.byteOffset + offset, headerBytes);
  const sizeBytes = numbers.getUint32(0);
  const end = offset + headerBytes + sizeBytes;
  if (sizeBytes === 0 || sizeBytes > recordBytesMax || end > bytes.byteLength) return null;
  const payload = bytes.subarray(offset + headerBytes, end);
  return crc32c(payload) === numbers.getUint32(4) ? payload : null;
}

/** Records begin with '{': looking there first keeps this search short. */
function hasRecordAfter(bytes: Uint8Array, damaged: number): boolean {
  for (let offset = damaged + 1; offset + headerBytes < bytes.byteLength; offset++) {
    if (bytes[offset + headerBytes] === 0x7b && payloadAt(bytes, offset) !== null) return true;
  }
  return false;
}

function parseRecord(payload: Uint8Array, name: string, offset: number): WalRecord {
  try {
    return readRecord(decodeStrict(payload, { maxBytes: recordBytesMax }));
  } catch (cause) {
    if (cause instanceof WireError) throw corrupt(name, offset, cause);
    throw cause;
  }
}

function corrupt(name: string, offset: number, cause?: unknown): ConsensusError {
  return new ConsensusError(
    { code: 'corrupt_wal', name, offset },
    `${name}: damaged at byte ${offset}; this node must not vote with its key again`,
    cause === undefined ? undefined : { cause },
  );
}
