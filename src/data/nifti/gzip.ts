/**
 * gzip (RFC 1952) within bounds: member by member, into memory of a size that is known before, each checked against its
 * CRC. Node's own gunzip calls whatever follows the last member damage, and does not say how far it came.
 */
import { constants, crc32, inflateRawSync, type ZlibOptions } from 'node:zlib';
import { DataError } from '../errors.ts';

/** What came out. */
export interface Unpacked {
  /** As many bytes as were wanted, or all there are if those are fewer. */
  readonly bytes: Uint8Array;
  /** Bytes behind the last member that are no gzip. */
  readonly strayBytes: number;
}

/** Enough deflated bytes to hold a header whatever comes before it. */
const sniffBytesMax = 65536;
/** Members of a file; bgzip makes one for every 64 KiB. */
const membersMax = 2 ** 17;
/** Members before the header is whole. */
const sniffMembersMax = 64;
const trailerBytes = 8;

/** Whether the bytes begin as gzip does (RFC 1952, 2.3.1). */
export function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

/**
 * The first bytes of what was packed: `wanted` of them or more, or fewer where there are no more. Never unpacks much.
 * @throws {DataError} when the data are damaged
 */
export function gunzipStart(bytes: Uint8Array, wanted: number): Uint8Array {
  const parts: Uint8Array[] = [];
  let have = 0;
  let at = 0;
  for (let member = 0; member < sniffMembersMax && have < wanted; member++) {
    if (!isGzip(bytes.subarray(at))) break;
    const from = deflateStart(bytes, at);
    const { part, consumed } = startOfMember(bytes.subarray(from), wanted - have);
    parts.push(part);
    have += part.byteLength;
    at = from + consumed + trailerBytes;
  }
  return new Uint8Array(Buffer.concat(parts));
}

function startOfMember(
  deflated: Uint8Array,
  wanted: number,
): { readonly part: Uint8Array; readonly consumed: number } {
  let piece = 4096;
  for (;;) {
    const some = deflated.subarray(0, piece);
    const { out, consumed } = inflate(some, { finishFlush: constants.Z_SYNC_FLUSH });
    const isWhole = consumed < some.byteLength || some.byteLength === deflated.byteLength;
    if (out.byteLength >= wanted || isWhole || piece >= sniffBytesMax) {
      return { part: out, consumed };
    }
    piece *= 4;
  }
}

/**
 * The first `wanted` bytes of what was packed; up to `extraMax` bytes may follow them and are checked and dropped.
 * @throws {DataError} 'truncated', 'bad_field' when the data are damaged, 'too_large' when more comes out
 */
export function gunzip(bytes: Uint8Array, wanted: number, extraMax: number): Unpacked {
  const limit = wanted + extraMax;
  let whole: Uint8Array | null = null;
  let have = 0;
  let at = 0;
  for (let member = 0; isGzip(bytes.subarray(at)); member++) {
    if (member >= membersMax) throw tooMuch(`over ${membersMax} members`, membersMax);
    const from = deflateStart(bytes, at);
    // One piece of the size that is allowed: memory that is not written to costs nothing.
    const chunkSize = member === 0 ? limit + 64 : 2 ** 17;
    const { out, consumed } = inflate(
      bytes.subarray(from),
      { chunkSize, maxOutputLength: Math.max(1, limit - have) },
      extraMax,
    );
    at = from + consumed + trailerBytes;
    checkTrailer(bytes, at, out);
    if (whole === null && out.byteLength >= wanted) whole = out.subarray(0, wanted);
    else if (have < wanted) {
      whole ??= new Uint8Array(wanted);
      whole.set(out.subarray(0, wanted - have), have);
    }
    have += out.byteLength;
    if (have > limit) throw tooMuch(`over ${extraMax} bytes more than its header explains`, limit);
  }
  const rest = bytes.subarray(at);
  return {
    bytes: (whole ?? new Uint8Array(0)).subarray(0, have),
    // Zeros are what tapes and block devices fill up with.
    strayBytes: rest.some((byte) => byte !== 0) ? rest.byteLength : 0,
  };
}

/** Where a member's deflated bytes begin: behind its header, whatever that carries. */
function deflateStart(bytes: Uint8Array, member: number): number {
  const flags = bytes[member + 3] ?? 0;
  let at = member + 10;
  if (bytes[member + 2] !== 8 || (flags & 0xe0) !== 0) throw damaged('a header of another kind');
  if ((flags & 4) !== 0) at += 2 + (bytes[at] ?? 0) + 256 * (bytes[at + 1] ?? 0);
  for (const text of [8, 16]) {
    if ((flags & text) === 0) continue;
    const end = bytes.indexOf(0, at);
    if (end < 0) throw cutShort(bytes.byteLength);
    at = end + 1;
  }
  if ((flags & 2) !== 0) at += 2;
  if (at >= bytes.byteLength) throw cutShort(bytes.byteLength);
  return at;
}

function inflate(
  deflated: Uint8Array,
  options: ZlibOptions,
  extraMax = 0,
): { readonly out: Uint8Array; readonly consumed: number } {
  try {
    const { buffer, engine } = inflateRawSync(deflated, { ...options, info: true }) as unknown as {
      readonly buffer: Buffer;
      readonly engine: { readonly bytesWritten: number };
    };
    return { out: buffer, consumed: engine.bytesWritten };
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : '';
    if (code === 'Z_BUF_ERROR') throw cutShort(deflated.byteLength, cause);
    if (code === 'ERR_BUFFER_TOO_LARGE') {
      const limit = options.maxOutputLength ?? 0;
      throw tooMuch(`over ${extraMax} bytes more than its header explains`, limit, cause);
    }
    throw damaged('bytes that are none', cause);
  }
}

function checkTrailer(bytes: Uint8Array, end: number, out: Uint8Array): void {
  if (end > bytes.byteLength) throw cutShort(bytes.byteLength);
  const view = new DataView(bytes.buffer, bytes.byteOffset + end - trailerBytes, trailerBytes);
  const isSame =
    view.getUint32(0, true) === crc32(out) && view.getUint32(4, true) === out.byteLength % 2 ** 32;
  if (!isSame) throw damaged('other data than its check sum is of');
}

function cutShort(givenBytes: number, cause?: unknown): DataError {
  return new DataError(
    { code: 'truncated', neededBytes: 0, givenBytes },
    'expected whole gzip data, got some that are cut short; copy the file again',
    { cause },
  );
}

function damaged(came: string, cause?: unknown): DataError {
  return new DataError(
    { code: 'bad_field', field: 'gzip' },
    `expected sound gzip data, got ${came}: damaged; copy the file again`,
    { cause },
  );
}

function tooMuch(what: string, limit: number, cause?: unknown): DataError {
  return new DataError(
    { code: 'too_large', limit },
    `the gzip holds ${what}; export the image again`,
    { cause },
  );
}
