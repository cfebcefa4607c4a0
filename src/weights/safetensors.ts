/**
 * safetensors (huggingface/safetensors, format of 0.3+): u64 header length, JSON header, raw little-endian
 * data. The reader takes files from other nodes, so it believes no number of the header before checking it.
 */
import {
  concatBytes,
  foreignKind,
  fromUtf8,
  invariant,
  printableLine,
  utf8,
} from '../base/index.ts';
import { WeightsError } from './errors.ts';
import { hasRepeatedKeys } from './repeated-keys.ts';
import { elementCount } from './tensors.ts';

/** Element types we read and write. */
export type TensorData =
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | Uint8Array
  | Uint16Array
  | Uint32Array;

/** A tensor of any element type; row-major. */
export interface SafeTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: TensorData;
}

/** Bounds on what a reader accepts. */
export interface SafetensorsLimits {
  /** Of the whole file. */
  readonly maxBytes: number;
  readonly maxHeaderBytes: number;
  readonly maxTensors: number;
}

/** Enough for a model of 250 million parameters. */
export const safetensorsLimits: SafetensorsLimits = Object.freeze({
  maxBytes: 1024 * 1024 * 1024,
  maxHeaderBytes: 4 * 1024 * 1024,
  maxTensors: 65_536,
});

const dtypes = {
  F32: Float32Array,
  F64: Float64Array,
  I8: Int8Array,
  I16: Int16Array,
  I32: Int32Array,
  U8: Uint8Array,
  U16: Uint16Array,
  U32: Uint32Array,
} as const;
type Dtype = 'F32' | 'F64' | 'I8' | 'I16' | 'I32' | 'U8' | 'U16' | 'U32';

/** Element types of the format; those beyond `TensorData` come in checkpoints of other programs. */
export type StoredType = Dtype | 'BOOL' | 'F8_E4M3' | 'F8_E5M2' | 'F16' | 'BF16' | 'U64' | 'I64';

/** A tensor as it stands in the file. */
export interface StoredTensor {
  readonly name: string;
  readonly dtype: StoredType;
  readonly shape: readonly number[];
  /** A view of the file, little-endian. */
  readonly bytes: Uint8Array;
}

const storedBytes: Readonly<Record<StoredType, number>> = {
  ...{ BOOL: 1, U8: 1, I8: 1, F8_E4M3: 1, F8_E5M2: 1, U16: 2, I16: 2, F16: 2, BF16: 2 },
  ...{ U32: 4, I32: 4, F32: 4, U64: 8, I64: 8, F64: 8 },
};

const headerAlignmentBytes = 8;
const dimensionsMax = 8;

/** The file of `tensors` in the order given, as Hugging Face's library lays it out. */
export function encodeSafetensors(
  tensors: readonly SafeTensor[],
  metadata?: Readonly<Record<string, string>>,
): Uint8Array {
  return concatBytes(...safetensorsPieces(tensors, metadata));
}

/** `encodeSafetensors` without joining the pieces: the header, then each tensor's bytes (views). */
export function safetensorsPieces(
  tensors: readonly SafeTensor[],
  metadata?: Readonly<Record<string, string>>,
): Uint8Array[] {
  invariant(isLittleEndian, 'the machine is little-endian, as the format');
  const heads = tensors.map(({ name, shape, data }) => {
    invariant(elementCount(shape) === data.length, `the shape of ${name} fits its data`);
    return { name, shape, dtype: dtypeOf(data), bytes: data.byteLength };
  });
  return [safetensorsHeader(heads, metadata), ...tensors.map(({ data }) => rawBytes(data))];
}

/** A tensor without its numbers. */
export interface TensorHead {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: StoredType;
  /** Size of its numbers in the file. */
  readonly bytes: number;
}

/** What stands in a file before the numbers of `tensors`, which follow in this order without a gap. */
export function safetensorsHeader(
  tensors: readonly TensorHead[],
  metadata?: Readonly<Record<string, string>>,
): Uint8Array {
  const names = new Set(tensors.map((tensor) => tensor.name));
  invariant(names.size === tensors.length && !names.has('__metadata__'), 'names are unique');
  // Written by hand: a JavaScript object would move names like "0" to the front.
  const fields = metadata === undefined ? [] : [`"__metadata__":${JSON.stringify(metadata)}`];
  let offset = 0;
  for (const { name, shape, dtype, bytes } of tensors) {
    const end = offset + bytes;
    const entry = { dtype, shape, data_offsets: [offset, end] };
    fields.push(`${JSON.stringify(name)}:${JSON.stringify(entry)}`);
    offset = end;
  }
  const json = utf8(`{${fields.join(',')}}`);
  const padded = Math.ceil(json.byteLength / headerAlignmentBytes) * headerAlignmentBytes;
  const header = new Uint8Array(8 + padded).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(padded), true);
  header.set(json, 8);
  return header;
}

/**
 * Reads a whole file of our own element types. Tensors come in the order of their data, as copies.
 * @throws {WeightsError} as `readSafetensors`
 */
export function decodeSafetensors(
  bytes: Uint8Array,
  limits: SafetensorsLimits = safetensorsLimits,
): { tensors: SafeTensor[]; metadata: Readonly<Record<string, string>> } {
  invariant(isLittleEndian, 'the machine is little-endian, as the format');
  const { tensors, metadata } = readSafetensors(bytes, limits);
  const decoded = tensors.map(({ name, shape, dtype, bytes: stored }) => {
    if (!isDtype(dtype)) {
      throw ofTensor(name, `numbers of type ${Object.keys(dtypes).join(', ')}`, dtype);
    }
    // Not slice: of a Node Buffer, which is a Uint8Array too, that is a view of the whole pool.
    const copy = new Uint8Array(stored).buffer;
    return { name, shape, data: new dtypes[dtype](copy) };
  });
  return { tensors: decoded, metadata };
}

/**
 * The tensors of a whole file, in the order of their data, of whatever element type.
 * @throws {WeightsError} 'too_large' or 'malformed': offsets must be gapless and cover the file, sizes fit
 * shapes, names be unique, element types be known
 */
export function readSafetensors(
  bytes: Uint8Array,
  limits: SafetensorsLimits = safetensorsLimits,
): { tensors: StoredTensor[]; metadata: Readonly<Record<string, string>> } {
  if (bytes.byteLength > limits.maxBytes)
    throw tooLarge('bytes', limits.maxBytes, bytes.byteLength);
  const { header, dataStart } = readHeader(bytes, limits);
  const metadata = readMetadata(header.__metadata__);
  const entries = Object.entries(header).filter(([name]) => name !== '__metadata__');
  if (entries.length > limits.maxTensors)
    throw tooLarge('tensors', limits.maxTensors, entries.length);
  const layouts = entries
    .map(([name, entry]) => readLayout(name, entry))
    .sort((a, b) => a.begin - b.begin || a.end - b.end);
  let expectedBegin = 0;
  const dataBytes = bytes.byteLength - dataStart;
  const tensors = layouts.map(({ name, shape, dtype, begin, end }) => {
    if (end > dataBytes) {
      throw ofTensor(
        name,
        `data up to byte ${dataStart + end} of the file`,
        `a file of ${bytes.byteLength}: it is cut short, copy it again`,
      );
    }
    if (begin !== expectedBegin) {
      const came = `${begin}: ${begin > expectedBegin ? 'a gap' : 'tensors that overlap'}`;
      throw ofTensor(name, `data_offsets that begin at ${expectedBegin}, without a gap`, came);
    }
    expectedBegin = end;
    return { name, shape, dtype, bytes: bytes.subarray(dataStart + begin, dataStart + end) };
  });
  if (expectedBegin !== dataBytes) {
    throw malformed(
      `data that ends with the last tensor, got ${dataBytes - expectedBegin} bytes more`,
    );
  }
  return { tensors, metadata };
}

/** A view of the raw bytes of `data`. */
export function rawBytes(data: TensorData): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

interface Layout {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: StoredType;
  readonly begin: number;
  readonly end: number;
}

function readHeader(
  bytes: Uint8Array,
  limits: SafetensorsLimits,
): { header: Record<string, unknown>; dataStart: number } {
  try {
    return readOwnHeader(bytes, limits);
  } catch (error) {
    // Asked only now: the length of a sound header may happen to begin as another kind of file does.
    const other = foreignKind(bytes);
    throw other === null ? error : malformed(`a .safetensors file, got ${other}`, error);
  }
}

function readOwnHeader(
  bytes: Uint8Array,
  limits: SafetensorsLimits,
): { header: Record<string, unknown>; dataStart: number } {
  if (bytes.byteLength < 8) {
    throw malformed(`a header length of 8 bytes, got a file of ${bytes.byteLength}`);
  }
  const claimed = new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true);
  // The length is the sender's claim: bound it before slicing.
  if (claimed > BigInt(limits.maxHeaderBytes)) {
    throw tooLarge('header', limits.maxHeaderBytes, claimed);
  }
  const dataStart = 8 + Number(claimed);
  if (dataStart > bytes.byteLength) {
    throw malformed(
      `a header of ${claimed} bytes, got a file of ${bytes.byteLength}: it is cut short, copy it again`,
    );
  }
  let text: string;
  let header: unknown;
  try {
    text = fromUtf8(bytes.subarray(8, dataStart));
    header = JSON.parse(text);
  } catch (cause) {
    throw malformed('a JSON header', cause);
  }
  if (!isObject(header) || !text.startsWith('{')) throw malformed('a header that is an object');
  // Two readers could disagree about which of two entries of one name counts.
  if (hasRepeatedKeys(text)) throw malformed('names that occur once');
  return { header, dataStart };
}

function readMetadata(value: unknown): Readonly<Record<string, string>> {
  if (value === undefined) return {};
  if (!isObject(value)) throw malformed('metadata that is an object');
  const entries = Object.entries(value).map(([key, text]): [string, string] => {
    if (typeof text !== 'string') throw malformed('metadata of texts');
    return [key, text];
  });
  return Object.fromEntries(entries);
}

function readLayout(name: string, entry: unknown): Layout {
  if (!isObject(entry) || Object.keys(entry).length !== 3) {
    throw ofTensor(name, 'dtype, shape and data_offsets alone', 'something else');
  }
  const { dtype, shape, data_offsets: offsets } = entry;
  if (typeof dtype !== 'string' || !isStoredType(dtype)) {
    throw ofTensor(name, `a dtype of ${Object.keys(storedBytes).join(', ')}`, told(dtype));
  }
  if (!isSizes(shape) || shape.length > dimensionsMax) {
    const expected = `a shape of at most ${dimensionsMax} whole numbers from 0`;
    throw ofTensor(name, expected, told(shape));
  }
  if (!isSizes(offsets) || offsets.length !== 2) {
    throw ofTensor(name, 'data_offsets of two whole numbers from 0', told(offsets));
  }
  const [begin, end] = offsets as [number, number];
  const size = elementCount(shape) * storedBytes[dtype];
  if (end - begin !== size) {
    const expected = `data_offsets ${size} bytes apart, as dtype and shape say`;
    throw ofTensor(name, expected, told(offsets));
  }
  return { name, shape, dtype, begin, end };
}

function isStoredType(text: string): text is StoredType {
  return Object.hasOwn(storedBytes, text);
}

function isDtype(text: string): text is Dtype {
  return Object.hasOwn(dtypes, text);
}

/** Non-negative integers below 2^53, so that products that fit a file are exact. */
function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && (n as number) >= 0);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function dtypeOf(data: TensorData): Dtype {
  const found = (Object.keys(dtypes) as Dtype[]).find((name) => data instanceof dtypes[name]);
  invariant(found !== undefined, 'the element type is known');
  return found;
}

const isLittleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

function malformed(expected: string, cause?: unknown): WeightsError {
  return new WeightsError({ code: 'malformed', expected }, `safetensors: expected ${expected}`, {
    cause,
  });
}

/** About one tensor, whose name comes from outside. */
function ofTensor(name: string, expected: string, came: string): WeightsError {
  return malformed(`of the tensor ${told(name)} ${expected}, got ${came}`);
}

/** A value of the header in a few characters that no terminal acts on. */
function told(value: unknown): string {
  const text = value === undefined ? 'nothing' : JSON.stringify(value);
  return printableLine(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}

function tooLarge(what: keyof typeof counted, max: number, got: number | bigint): WeightsError {
  return new WeightsError(
    { code: 'too_large', what, max },
    `safetensors: expected at most ${max} ${counted[what]}, got ${got}`,
  );
}

const counted = {
  bytes: 'bytes',
  tensors: 'tensors',
  header: 'bytes of header (the first 8 bytes of a .safetensors file say how many)',
} as const;
