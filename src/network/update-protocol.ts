/**
 * Bulk bytes by hash, with resume. All numbers are big endian.
 *
 * request:  `digest (32) || offset (8) || length (8; 2^64-1 for the rest)`
 * answer:   `status (1) || total bytes of the blob (8)`, then the bytes asked for, then the end of the stream
 *
 * status 0 here it comes, 1 not held here, 2 offset behind the end, 3 too many transfers at once.
 */
import type { Stream } from '@libp2p/interface';
import { concatBytes, fromHex, hex, parseDigest, type Digest } from '../base/index.ts';
import type { BlobProvider } from '../wire/index.ts';
import { BoundedReader } from './bounded-reader.ts';
import { writeDrained } from './drained-writer.ts';
import { NetworkError } from './errors.ts';
import type { NetworkSettings } from './settings.ts';

const requestBytes = 48;
const answerHeadBytes = 9;
const wholeRest = 0xffff_ffff_ffff_ffffn;

/** First byte of an answer. */
export const transferStatus = { ok: 0, notHeld: 1, badRange: 2, busy: 3 } as const;

/** What to ask for. */
export interface BlobRequest {
  readonly digest: Digest;
  readonly offset: number;
  /** `null` for the rest. */
  readonly length: number | null;
}

/** What serving one transfer needs of its node. */
export interface TransferPorts {
  readonly settings: NetworkSettings;
  readonly provider: BlobProvider;
  /** A slot among all transfers, to be given back by calling what comes; `null` when there is none. */
  readonly slot: () => Promise<(() => void) | null>;
  /** Waits until so many bytes may go out. */
  readonly pace: (bytes: number) => Promise<void>;
}

/** Reads one request from `stream` and answers it. One chunk is held in memory, whatever the blob. */
export async function serveTransfer(stream: Stream, ports: TransferPorts): Promise<void> {
  const { settings } = ports;
  const source = new ExactReader(stream, settings);
  const request = decodeRequest(await source.take(requestBytes));
  const leave = await ports.slot();
  if (leave === null) {
    await answerOnly(stream, transferStatus.busy, 0, settings);
    return;
  }
  try {
    await answer(stream, request, ports);
  } finally {
    leave();
  }
}

async function answer(stream: Stream, request: BlobRequest, ports: TransferPorts): Promise<void> {
  const { settings, provider, pace } = ports;
  const blob = await provider(request.digest);
  if (blob === null) {
    await answerOnly(stream, transferStatus.notHeld, 0, settings);
    return;
  }
  const { totalBytes: total } = blob;
  if (request.offset > total) {
    await answerOnly(stream, transferStatus.badRange, total, settings);
    return;
  }
  await writeDrained(stream, answerHead(transferStatus.ok, total), settings.transferIdleMs);
  const end = Math.min(total, request.offset + (request.length ?? total));
  let waitedMs = 0;
  for (let at = request.offset; at < end; at += settings.chunkBytes) {
    const wanted = Math.min(settings.chunkBytes, end - at);
    await pace(wanted);
    const chunk = await blob.read(at, wanted);
    if (chunk?.byteLength !== wanted) throw new NetworkError({ code: 'stream_cut' });
    const sentMs = performance.now();
    await writeDrained(stream, chunk, settings.transferIdleMs);
    // Only the time spent waiting for the reader counts against it, not the pace that we set.
    waitedMs += performance.now() - sentMs;
    refuseSlow(at + wanted - request.offset, waitedMs, settings);
  }
  await stream.close({ signal: AbortSignal.timeout(settings.transferIdleMs) });
}

/** Refuses a transfer at once. */
export async function answerOnly(
  stream: Stream,
  status: number,
  totalBytes: number,
  settings: NetworkSettings,
): Promise<void> {
  await writeDrained(stream, answerHead(status, totalBytes), settings.transferIdleMs);
  await stream.close({ signal: AbortSignal.timeout(settings.transferIdleMs) });
}

/** The answer to one request: how many bytes come, then the bytes. */
export interface OpenTransfer {
  readonly status: number;
  readonly totalBytes: number;
  /** Bytes that follow when `status` is ok. */
  readonly bytesAhead: number;
  /** The bytes; throws a `NetworkError` unless exactly `bytesAhead` came in good time. */
  readonly chunks: () => AsyncGenerator<Uint8Array, void, undefined>;
}

/** Sends `request` and reads the head of the answer, so that sizes are judged before bytes are read. */
export async function openTransfer(
  stream: Stream,
  request: BlobRequest,
  settings: NetworkSettings,
): Promise<OpenTransfer> {
  const source = new ExactReader(stream, settings);
  await writeDrained(stream, encodeRequest(request), settings.transferIdleMs);
  const head = await source.take(answerHeadBytes);
  const status = head[0] ?? -1;
  const totalBytes = safeNumber(new DataView(head.buffer, head.byteOffset).getBigUint64(1));
  const rest = Math.max(0, totalBytes - request.offset);
  const bytesAhead = Math.min(rest, request.length ?? rest);
  return { status, totalBytes, bytesAhead, chunks: () => readChunks(source, bytesAhead, settings) };
}

async function* readChunks(
  source: ExactReader,
  bytesAhead: number,
  settings: NetworkSettings,
): AsyncGenerator<Uint8Array, void, undefined> {
  let received = 0;
  let waitedMs = 0;
  try {
    for (;;) {
      const askedMs = performance.now();
      const chunk = await source.next();
      // Only the time spent waiting counts against the sender, not our own slowness.
      waitedMs += performance.now() - askedMs;
      if (chunk === null) break;
      received += chunk.byteLength;
      if (received > bytesAhead) {
        throw new NetworkError({ code: 'protocol_broken', expected: `${bytesAhead} bytes` });
      }
      refuseSlow(received, waitedMs, settings);
      yield chunk;
    }
    if (received < bytesAhead) throw new NetworkError({ code: 'stream_cut' });
    await source.finish();
  } finally {
    await source.leave();
  }
}

function refuseSlow(received: number, waitedMs: number, settings: NetworkSettings): void {
  if (waitedMs < settings.transferGraceMs) return;
  const bytesPerSecond = Math.floor(received / (waitedMs / 1000));
  if (bytesPerSecond < settings.transferBytesPerSecondMin) {
    throw new NetworkError({ code: 'too_slow', bytesPerSecond });
  }
}

/** Exactly so many bytes first, chunks as they come after. */
class ExactReader {
  readonly #stream: Stream;
  readonly #idleMs: number;
  readonly #chunks: AsyncGenerator<Uint8Array, void, undefined>;
  #left: Uint8Array = new Uint8Array(0);

  constructor(stream: Stream, settings: NetworkSettings) {
    this.#stream = stream;
    this.#idleMs = settings.transferIdleMs;
    const options = {
      highWaterBytes: settings.readHighWaterBytes,
      idleMs: settings.transferIdleMs,
    };
    this.#chunks = new BoundedReader(stream, options)[Symbol.asyncIterator]();
  }

  async take(count: number): Promise<Uint8Array> {
    while (this.#left.byteLength < count) {
      const chunk = await this.#chunks.next();
      if (chunk.done === true) throw new NetworkError({ code: 'stream_cut' });
      this.#left = concatBytes(this.#left, chunk.value);
    }
    const taken = this.#left.subarray(0, count);
    this.#left = this.#left.subarray(count);
    return taken;
  }

  async next(): Promise<Uint8Array | null> {
    if (this.#left.byteLength > 0) return this.take(this.#left.byteLength);
    const chunk = await this.#chunks.next();
    return chunk.done === true ? null : chunk.value;
  }

  /** Ends our side of a stream whose other side ended. */
  async finish(): Promise<void> {
    await this.#stream.close({ signal: AbortSignal.timeout(this.#idleMs) });
  }

  /** Resets the stream unless it was read to its end. */
  async leave(): Promise<void> {
    await this.#chunks.return();
  }
}

function encodeRequest(request: BlobRequest): Uint8Array {
  const bytes = new Uint8Array(requestBytes);
  bytes.set(fromHex(request.digest) ?? new Uint8Array(32));
  const view = new DataView(bytes.buffer);
  view.setBigUint64(32, BigInt(request.offset));
  view.setBigUint64(40, request.length === null ? wholeRest : BigInt(request.length));
  return bytes;
}

function decodeRequest(bytes: Uint8Array): BlobRequest {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const digest = parseDigest(hex(bytes.subarray(0, 32)));
  if (digest === null) throw new NetworkError({ code: 'protocol_broken', expected: 'a digest' });
  const length = view.getBigUint64(40);
  return {
    digest,
    offset: safeNumber(view.getBigUint64(32)),
    length: length === wholeRest ? null : safeNumber(length),
  };
}

function answerHead(status: number, totalBytes: number): Uint8Array {
  const bytes = new Uint8Array(answerHeadBytes);
  bytes[0] = status;
  new DataView(bytes.buffer).setBigUint64(1, BigInt(totalBytes));
  return bytes;
}

function safeNumber(value: bigint): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw new NetworkError({ code: 'protocol_broken', expected: 'a size below 2^53' });
  }
  return Number(value);
}
