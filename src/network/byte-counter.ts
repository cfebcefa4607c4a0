/**
 * Counts the bytes every connection sends and receives, after encryption: the bytes TCP carries, and when the last came. It
 * sits behind libp2p's metrics hook, which shows each connection before its first byte; the other metrics of that hook are
 * not kept.
 */
import type { Connection, Metrics, MultiaddrConnection } from '@libp2p/interface';
import { invariant } from '../base/index.ts';
import { guardPreamble, type RawConnection } from './preamble-guard.ts';

/** Bytes since the start. */
export interface ByteCounts {
  readonly sentBytes: number;
  readonly receivedBytes: number;
}

/** Of one connection. */
export interface ConnectionBytes extends ByteCounts {
  /** Unix time of the last byte received, ms; null before the first. */
  readonly heardMs: number | null;
  /** The same by the clock that never jumps (`performance.now`), or when the connection began. */
  readonly quietFromMs: number;
}

interface Counted {
  sentBytes: number;
  receivedBytes: number;
  heardMs: number | null;
  quietFromMs: number;
}

/** A counter and the hook to hand to libp2p. */
export class ByteCounter {
  /** By the object that a raw connection and the one made of it share. */
  readonly #connections = new WeakMap<object, Counted>();
  #sentBytes = 0;
  #receivedBytes = 0;

  /** Of a connection of this host; it goes on counting. */
  of(connection: Pick<Connection, 'timeline'>): ConnectionBytes {
    const counted = this.#connections.get(connection.timeline);
    invariant(counted !== undefined, 'the metrics hook saw every connection');
    return counted;
  }

  counts(): ByteCounts {
    return { sentBytes: this.#sentBytes, receivedBytes: this.#receivedBytes };
  }

  /** For `createLibp2p({ metrics })`. */
  metrics(): Metrics {
    return {
      trackMultiaddrConnection: (connection: MultiaddrConnection): void => {
        this.#track(connection);
        guardPreamble(connection);
      },
      trackProtocolStream: ignore,
      registerMetric: () => nothing,
      registerMetricGroup: () => nothing,
      registerCounter: () => nothing,
      registerCounterGroup: () => nothing,
      registerHistogram: () => nothing,
      registerHistogramGroup: () => nothing,
      registerSummary: () => nothing,
      registerSummaryGroup: () => nothing,
      traceFunction: (_name: string, traced: unknown) => traced,
      createTrace: () => undefined,
    };
  }

  #track(raw: RawConnection): void {
    const quietFromMs = performance.now();
    const counted: Counted = { sentBytes: 0, receivedBytes: 0, heardMs: null, quietFromMs };
    this.#connections.set(raw.timeline, counted);
    const send = raw.send.bind(raw);
    raw.send = (data): boolean => {
      this.#sentBytes += data.byteLength;
      counted.sentBytes += data.byteLength;
      return send(data);
    };
    // Not a 'message' listener: with one attached the connection no longer keeps early bytes for Noise.
    const onData = raw.onData?.bind(raw);
    if (onData !== undefined) {
      raw.onData = (data): void => {
        this.#receivedBytes += data.byteLength;
        counted.receivedBytes += data.byteLength;
        counted.heardMs = Date.now();
        counted.quietFromMs = performance.now();
        onData(data);
      };
    }
  }
}

const ignore = (): void => undefined;
const nothing = {
  update: ignore,
  increment: ignore,
  decrement: ignore,
  reset: ignore,
  observe: ignore,
  timer: () => ignore,
};
