/**
 * Reads a libp2p stream without ever holding more than a high-water mark plus one stream window. Iterating
 * a libp2p v3 stream directly has no back-pressure (docs/specs/network.md), hence this reader:
 *
 * - The stream is paused in a microtask, not inside its message handler: `resume` re-opens the window even
 *   after a re-pause inside the handler it runs.
 * - The error comes from `close`; `end` alone may be the shadow of an abort.
 */
import type { Stream, StreamCloseEvent, StreamMessageEvent } from '@libp2p/interface';
import { NetworkError } from './errors.ts';

/** Limits of one reader. */
export interface BoundedReaderOptions {
  /** Pause the sender at so many unread bytes. */
  readonly highWaterBytes: number;
  /** Abort when nothing arrives for so long while the consumer waits; 0 for no limit. */
  readonly idleMs: number;
}

/** The bytes of one stream in order. Iterate once; leaving the loop early resets the stream. */
export class BoundedReader implements AsyncIterable<Uint8Array> {
  readonly #stream: Stream;
  readonly #options: BoundedReaderOptions;
  readonly #queue: Uint8Array[] = [];
  #queuedBytes = 0;
  #pausing = false;
  #ended = false;
  #error: Error | null = null;
  #wake: (() => void) | null = null;

  constructor(stream: Stream, options: BoundedReaderOptions) {
    this.#stream = stream;
    this.#options = options;
    stream.addEventListener('message', this.#onMessage);
    stream.addEventListener('end', this.#onEnd);
    stream.addEventListener('close', this.#onClose);
    const isOver = stream.status !== 'open' && stream.status !== 'closing';
    if (stream.readableEnded && stream.readBufferLength > 0) {
      // The end overtook bytes that came with the answer to the protocol's name: they are given out in the next microtask.
      queueMicrotask(this.#onEnd);
    } else if (stream.readableEnded || (isOver && stream.readBufferLength === 0)) {
      this.#onEnd();
    }
  }

  /** @throws {NetworkError} 'stalled' after `idleMs` of silence, 'stream_cut' when the stream was reset. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    let finished = false;
    try {
      for (;;) {
        const chunk = this.#queue.shift();
        if (chunk !== undefined) {
          this.#queuedBytes -= chunk.byteLength;
          this.#resumeWhenLow();
          yield chunk;
        } else if (this.#error !== null) {
          throw new NetworkError({ code: 'stream_cut' }, { cause: this.#error });
        } else if (this.#ended) {
          finished = true;
          return;
        } else {
          await this.#somethingNew();
        }
      }
    } finally {
      this.#detach();
      if (!finished) this.#stream.abort(new NetworkError({ code: 'stream_cut' }));
    }
  }

  readonly #onMessage = (event: StreamMessageEvent): void => {
    const data = event.data;
    for (const part of data instanceof Uint8Array ? [data] : data) {
      this.#queue.push(part);
      this.#queuedBytes += part.byteLength;
    }
    if (this.#queuedBytes >= this.#options.highWaterBytes && !this.#pausing) {
      this.#pausing = true;
      queueMicrotask(() => {
        this.#pausing = false;
        if (
          this.#queuedBytes >= this.#options.highWaterBytes &&
          this.#stream.readStatus === 'readable'
        ) {
          this.#stream.pause();
        }
      });
    }
    this.#wakeUp();
  };

  readonly #onEnd = (): void => {
    if (this.#stream.status === 'aborted' || this.#stream.status === 'reset') {
      this.#error ??= new NetworkError({ code: 'stream_cut' });
    }
    this.#ended = true;
    this.#wakeUp();
  };

  readonly #onClose = (event: StreamCloseEvent): void => {
    if (event.error !== undefined) this.#error = event.error;
    // A paused stream may close with bytes left to read: those come after `resume`, then `end`.
    if (this.#stream.readBufferLength === 0 || this.#error !== null) this.#ended = true;
    this.#wakeUp();
  };

  #resumeWhenLow(): void {
    if (this.#stream.readStatus !== 'paused') return;
    if (this.#queuedBytes <= this.#options.highWaterBytes / 2) this.#stream.resume();
  }

  async #somethingNew(): Promise<void> {
    const { idleMs } = this.#options;
    await new Promise<void>((resolve) => {
      const timer =
        idleMs === 0
          ? null
          : setTimeout(() => {
              this.#error ??= new NetworkError({ code: 'stalled', waitedMs: idleMs });
              this.#wakeUp();
            }, idleMs);
      this.#wake = (): void => {
        if (timer !== null) clearTimeout(timer);
        resolve();
      };
    });
    if (this.#error instanceof NetworkError && this.#error.code === 'stalled') throw this.#error;
  }

  #wakeUp(): void {
    const wake = this.#wake;
    this.#wake = null;
    wake?.();
  }

  #detach(): void {
    this.#stream.removeEventListener('message', this.#onMessage);
    this.#stream.removeEventListener('end', this.#onEnd);
    this.#stream.removeEventListener('close', this.#onClose);
  }
}
