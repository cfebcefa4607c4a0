/**
 * Counts the bytes every connection sends and receives, after encryption: the bytes TCP carries. It sits
 * behind libp2p's metrics hook, which shows each connection before its first byte; the other metrics of
 * that hook are not kept.
 */
import type { Metrics, MultiaddrConnection } from '@libp2p/interface';
import { guardPreamble, type RawConnection } from './preamble-guard.ts';

/** Bytes since the start. */
export interface ByteCounts {
  readonly sentBytes: number;
  readonly receivedBytes: number;
}

/** A counter and the hook to hand to libp2p. */
export class ByteCounter {
  #sentBytes = 0;
  #receivedBytes = 0;

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
    const send = raw.send.bind(raw);
    raw.send = (data): boolean => {
      this.#sentBytes += data.byteLength;
      return send(data);
    };
    // Not a 'message' listener: with one attached the connection no longer keeps early bytes for Noise.
    const onData = raw.onData?.bind(raw);
    if (onData !== undefined) {
      raw.onData = (data): void => {
        this.#receivedBytes += data.byteLength;
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
