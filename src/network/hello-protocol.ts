/**
 * The first words on a connection: both sides name their consortium. Only then is the other a peer. A frame
 * is `0x21 || 0x01 || consortium id (32 bytes)`: length, version, SHA-256 of the manifest.
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

/** Says hello first, on a connection we dialled. Resolves to whether the other is of `consortium`. */
export async function sayHello(
  connection: Connection,
  consortium: Digest,
  timeoutMs: number,
): Promise<boolean> {
  const signal = AbortSignal.timeout(timeoutMs);
  const stream = await connection.newStream(helloProtocol, { signal });
  return orAbort(stream, async () => {
    stream.send(encode.single(encodeHello(consortium)));
    await stream.close({ signal });
    return (await readHello(stream, timeoutMs)) === consortium;
  });
}

/** Answers a hello. Resolves to whether the other is of `consortium`; it hears ours either way. */
export async function answerHello(
  stream: Stream,
  consortium: Digest,
  timeoutMs: number,
): Promise<boolean> {
  return orAbort(stream, async () => {
    const theirs = await readHello(stream, timeoutMs);
    stream.send(encode.single(encodeHello(consortium)));
    await stream.close({ signal: AbortSignal.timeout(timeoutMs) });
    return theirs === consortium;
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

async function readHello(stream: Stream, idleMs: number): Promise<string> {
  const reader = new BoundedReader(stream, { highWaterBytes: 4096, idleMs });
  return pipe(
    reader,
    (source) => decode(source, { maxDataLength: helloBytes }),
    async (frames) => {
      let hello: string | null = null;
      for await (const frame of frames) {
        const isHello = frame.byteLength === helloBytes && frame.get(0) === version;
        if (!isHello || hello !== null) throw brokenHello();
        hello = hex(frame.subarray(1));
      }
      if (hello === null) throw brokenHello();
      return hello;
    },
  );
}

function brokenHello(): NetworkError {
  return new NetworkError({ code: 'protocol_broken', expected: 'one hello of version 1' });
}
