/**
 * Gives up connections over which nothing comes any more. Every connection is pinged, so a living one is never silent for
 * long; whether an answer comes in time says nothing, because it may wait behind megabytes of bulk.
 */
import type { Connection } from '@libp2p/interface';
import type { ByteCounter } from './byte-counter.ts';
import { NetworkError } from './errors.ts';

/** What the watch looks at. */
export interface SilencePorts {
  readonly counter: ByteCounter;
  readonly connections: () => readonly Connection[];
  readonly silenceMsMax: number;
  /** A look every so often, ms. */
  readonly intervalMs: number;
}

/** See the file's header. */
export class SilenceWatch {
  readonly #ports: SilencePorts;
  #interval: NodeJS.Timeout | null = null;
  #lookedMs = 0;

  constructor(ports: SilencePorts) {
    this.#ports = ports;
  }

  /** Begins to look. */
  start(): void {
    this.#lookedMs = performance.now();
    this.#interval = setInterval(() => {
      this.look(performance.now());
    }, this.#ports.intervalMs);
  }

  /** Looks no more. */
  stop(): void {
    if (this.#interval !== null) clearInterval(this.#interval);
  }

  /** Looks now. */
  look(nowMs: number): void {
    const { counter, connections, silenceMsMax, intervalMs } = this.#ports;
    // This node stood still: what came meanwhile is not read yet.
    const stoodStill = nowMs - this.#lookedMs > 3 * intervalMs;
    this.#lookedMs = nowMs;
    if (stoodStill) return;
    for (const connection of connections()) {
      const waitedMs = Math.round(nowMs - counter.of(connection).quietFromMs);
      if (waitedMs > silenceMsMax)
        connection.abort(new NetworkError({ code: 'stalled', waitedMs }));
    }
  }
}
