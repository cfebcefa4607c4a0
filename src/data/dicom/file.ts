/** A DICOM file (PS3.10): its preamble, its meta information, how its data set is encoded, and the data set's elements. */
import { constants, inflateRawSync } from 'node:zlib';
import { DataError } from '../errors.ts';
import {
  ElementReader,
  type DataSet,
  type Element,
  type Encoding,
  type PixelElement,
} from './elements.ts';
import { breaks } from './refusal.ts';
import { transferSyntaxes, type TransferSyntax } from './transfer-syntax.ts';
import { uidOf } from './values.ts';

/** What a file says before anything is made of it. */
export interface OpenFile {
  readonly meta: DataSet;
  readonly dataSet: DataSet;
  /** Null where the file has none, or where `problem` came before. */
  readonly pixels: PixelElement | null;
  readonly syntax: TransferSyntax | null;
  /** Why not all of it could be read; `dataSet` has what came before. */
  readonly problem: DataError | null;
}

const preambleBytes = 128;
/** A file larger than this is refused unread: 1 GiB. */
const fileBytesMax = 2 ** 30;
/** Deflated data may become as large as they like up to here, and beyond at most this many times their own size. */
const inflated = { freeBytes: 2 ** 26, ratioMax: 100, bytesMax: 2 ** 29 } as const;

/**
 * Opens a file; null for one that is no DICOM at all.
 *
 * What breaks a rule is in `problem`: where the series is known by then, it is refused for it.
 */
export function openFile(bytes: Uint8Array): OpenFile | null {
  const isPart10 = markAt(bytes, preambleBytes) === 'DICM';
  const meta: DataSet = new Map<number, Element>();
  const dataSet: DataSet = new Map<number, Element>();
  const empty = { meta, dataSet, pixels: null, syntax: null };
  try {
    if (bytes.byteLength > fileBytesMax) {
      throw breaks(
        'too_large',
        `expected a file of at most ${fileBytesMax} bytes, got ${bytes.byteLength}`,
      );
    }
    const start = isPart10 ? preambleBytes + 4 : 0;
    if (!isPart10 && !beginsAsDataSet(bytes)) return null;
    let reader = new ElementReader(bytes, start);
    reader.readMeta(meta);
    const syntax = syntaxOf(meta, bytes, reader.at);
    if (syntax?.isDeflated === true) {
      reader = new ElementReader(inflate(bytes.subarray(reader.at)), 0);
    }
    // What is not known is explicit and little endian, as every syntax for compressed pixels is.
    const found = readDataSet(
      reader,
      dataSet,
      syntax ?? { isExplicit: true, isLittleEndian: true },
    );
    const problem = syntax === null ? unknownSyntax() : found.problem;
    return { meta, dataSet, pixels: found.pixels, problem, syntax };
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    return { ...empty, problem: error };
  }
}

function readDataSet(
  reader: ElementReader,
  dataSet: DataSet,
  encoding: Encoding,
): { readonly pixels: PixelElement | null; readonly problem: DataError | null } {
  try {
    return { pixels: reader.readToPixels(dataSet, encoding), problem: null };
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    return { pixels: null, problem: error };
  }
}

/** As the file says; where it says nothing, as its first element looks; null for one that is not read. */
function syntaxOf(meta: DataSet, bytes: Uint8Array, at: number): TransferSyntax | null {
  const uid = uidOf(meta, 'TransferSyntaxUID');
  if (uid === null) {
    const isLittleEndian = bytes[at + 1] === 0;
    const isExplicit = /^[A-Z]{2}$/.test(markAt(bytes, at + 4).slice(0, 2));
    return { isExplicit, isLittleEndian, isDeflated: false, codec: null, isLossy: false };
  }
  return transferSyntaxes.get(uid) ?? null;
}

function unknownSyntax(): DataError {
  return breaks('transfer_syntax', 'TransferSyntaxUID: expected one that is read, got another');
}

/** Files without a preamble, as old programs write them: an element of group 2 or 8 comes first, and is no longer than the file. */
function beginsAsDataSet(bytes: Uint8Array): boolean {
  if (bytes.byteLength < 64) return false;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (const le of [true, false]) {
    const [group, element] = [view.getUint16(0, le), view.getUint16(2, le)];
    if ((group !== 2 && group !== 8) || element > 0x0100) continue;
    if (/^[A-Z]{2}$/.test(markAt(bytes, 4).slice(0, 2))) return view.getUint16(6, le) < 1024;
    return view.getUint32(4, le) < 1024;
  }
  return false;
}

function markAt(bytes: Uint8Array, at: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + 4));
}

/** PS3.5, A.5: deflated without a header (RFC 1951). */
function inflate(deflated: Uint8Array): Uint8Array {
  const { freeBytes, ratioMax, bytesMax } = inflated;
  const maxOutputLength = Math.min(bytesMax, Math.max(freeBytes, deflated.byteLength * ratioMax));
  try {
    return inflateRawSync(deflated, { maxOutputLength, finishFlush: constants.Z_FINISH });
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : '';
    if (code === 'Z_BUF_ERROR') {
      throw breaks('file_cut_short', 'deflated data: expected their end, the file is over', cause);
    }
    if (code === 'ERR_BUFFER_TOO_LARGE') {
      throw breaks('too_large', `deflated data: expected at most ${maxOutputLength} bytes`, cause);
    }
    throw breaks('file_damaged', 'expected sound deflated data, got others', cause);
  }
}
