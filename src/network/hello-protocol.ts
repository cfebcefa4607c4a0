/**
 * The first words on a connection: both sides name their consortium. Only then is the other a peer. A frame
 * is `0x21 || 0x01 || consortium id (32 bytes)`: length, version, SHA-256 of the manifest. A frame of another version may be
 * of another length; each side answers with its own, so that both can say what is wrong.
 */
import { pipe } from 'it-pipe';
import { decode, encode } from 'it-length-prefixed';
import type { Connection, Stream } from '@libp2p/interface';
import { concatBytes, fromHex, hex, type Digest } from '../base/index.ts';
import { BoundedReader } from './bounded-reader.ts';
import { NetworkError } from './errors.ts';
import { helloProtocol } from './protocol-ids.ts';

const version = 1;
const helloBytes = 33;
/** Longest hello of any version. */
const helloBytesMax = 255;

/** What a hello came to. */
export type HelloOutcome = 'same' | 'other consortium' | 'other version';

/** Says hello first, on a connection we dialled. @param protocol `helloProtocol`, or `bulkProtocol` */
export async function sayHello(
  connection: Connection,
  consortium: Digest,
  timeoutMs: number,
  protocol: string = helloProtocol,
): Promise<HelloOutcome> {
  const signal = AbortSignal.timeout(timeoutMs);
  let stream: Stream;
  try {
    stream = await connection.newStream(protocol, { signal });
  } catch (error) {
    if (error instanceof Error && error.name === 'UnsupportedProtocolError') return 'other version';
    throw error;
  }
  return orAbort(stream, async () => {
    stream.send(encode.single(encodeHello(consortium)));
    await stream.close({ signal });
    return readHello(stream, consortium, timeoutMs);
  });
}

/** Answers a hello; the other hears ours whatever it said. */
export async function answerHello(
  stream: Stream,
  consortium: Digest,
  timeoutMs: number,
): Promise<HelloOutcome> {
  return orAbort(stream, async () => {
    const outcome = await readHello(stream, consortium, timeoutMs);
    stream.send(encode.single(encodeHello(consortium)));
    await stream.close({ signal: AbortSignal.timeout(timeoutMs) });
    return outcome;
  });
}

async function orAbort<T>(stream: Stream, talk: () => Promise<T>): Promise<T> {
  try {
    return await talk();
  } catch (error) {
    stream.abort(new NetworkError({ code: 'stream_cut' }, { cause: error }));
    throw error;
  }
}

function encodeHello(consortium: Digest): Uint8Array {
  return concatBytes(Uint8Array.of(version), fromHex(consortium) ?? new Uint8Array(32));
}

async function readHello(
  stream: Stream,
  consortium: Digest,
  idleMs: number,
): Promise<HelloOutcome> {
  const reader = new BoundedReader(stream, { highWaterBytes: 4096, idleMs });
  return pipe(
    reader,
    (source) => decode(source, { maxDataLength: helloBytesMax }),
    async (frames) => {
      let outcome: HelloOutcome | null = null;
      for await (const frame of frames) {
        if (outcome !== null || frame.byteLength === 0) throw brokenHello();
        if (frame.get(0) !== version) outcome = 'other version';
        else if (frame.byteLength !== helloBytes) throw brokenHello();
        else outcome = hex(frame.subarray(1)) === consortium ? 'same' : 'other consortium';
      }
      if (outcome === null) throw brokenHello();
      return outcome;
    },
  );
}

function brokenHello(): NetworkError {
  return new NetworkError({ code: 'protocol_broken', expected: 'one hello of version 1' });
}
