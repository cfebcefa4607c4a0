/**
 * How far away a member is and how fast its bytes come: three pings and one small transfer. Every node holds the same
 * blob for it, so a probe is an ordinary fetch, on the same account as all others.
 */
import { randomBytes } from 'node:crypto';
import type { Connection } from '@libp2p/interface';
import type { Digest } from '../base/index.ts';
import type { HeldBlob } from '../wire/index.ts';
import { BoundedReader } from './bounded-reader.ts';
import type { MemberLink } from './link-book.ts';
import { pingBytes } from './ping-protocol.ts';
import { pingProtocol } from './protocol-ids.ts';

/** SHA-256 of 1 MiB of zeros. */
export const probeDigest: Digest =
  '30e14955ebf1352266dc2ff8067e68104607e750abb9d3b36582b8af909fcb58' as Digest;

const probeBytes = 1024 * 1024;
/** The transfer is cut off then: on a slow line a part of it says as much. */
const transferMsMax = 3_000;
const pingCount = 3;
const pingMsMax = 5_000;

/** The blob of `probeDigest`. */
export const probeBlob: HeldBlob = Object.freeze({
  totalBytes: probeBytes,
  read: (_offset: number, length: number) => Promise.resolve(new Uint8Array(length)),
});

/** What one probe of a member found. What was not measured is null. */
export interface ProbeReport {
  /** The link afterwards; when it does not stand, `problem` says which layer failed. */
  readonly link: MemberLink;
  /** Shortest of three round trips. */
  readonly roundTripMs: number | null;
  /** How fast 1 MiB came from the member, or what came of it in 3 s. */
  readonly bytesPerSecond: number | null;
}

/** The shortest of three round trips; null when one of them took too long. */
export async function roundTripMs(connection: Connection): Promise<number | null> {
  try {
    let shortestMs = Infinity;
    for (let count = 0; count < pingCount; count++) {
      shortestMs = Math.min(shortestMs, await onePingMs(connection));
    }
    return shortestMs;
  } catch {
    return null;
  }
}

async function onePingMs(connection: Connection): Promise<number> {
  const signal = AbortSignal.timeout(pingMsMax);
  const stream = await connection.newStream(pingProtocol, { signal });
  const reader = new BoundedReader(stream, { highWaterBytes: pingBytes, idleMs: pingMsMax });
  const beganMs = performance.now();
  stream.send(randomBytes(pingBytes));
  await stream.close({ signal });
  let heardBytes = 0;
  for await (const chunk of reader) heardBytes += chunk.byteLength;
  if (heardBytes !== pingBytes) throw new RangeError('a ping comes back whole');
  return performance.now() - beganMs;
}

/** Bytes a second of a transfer that `fetch` begins; null when it broke off before anything came. */
export async function transferSpeed(
  fetch: (maxBytes: number, signal: AbortSignal) => AsyncIterable<Uint8Array>,
): Promise<number | null> {
  const beganMs = performance.now();
  let endedMs = beganMs;
  let bytes = 0;
  try {
    for await (const chunk of fetch(probeBytes, AbortSignal.timeout(transferMsMax))) {
      bytes += chunk.byteLength;
      endedMs = performance.now();
    }
  } catch {
    // Cut off, by ourselves or by the other: what came until then counts.
  }
  return bytes === 0 ? null : Math.round((bytes / (endedMs - beganMs)) * 1_000);
}
