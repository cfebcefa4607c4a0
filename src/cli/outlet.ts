/**
 * Standard output and standard error as commands write to them. What a terminal would obey is escaped here, so that no
 * name of a file, header or peer can move the cursor; a reader that went away (`annulus … | head`) ends the writing and
 * nothing else.
 */
import type { Writable } from 'node:stream';
import { printableText } from '../base/index.ts';

/** One of the two streams of the process. It never throws: what could not be written is told by `fault`. */
export class Outlet {
  readonly #stream: Writable;
  #isClosed = false;
  #fault: Error | null = null;

  constructor(stream: Writable) {
    this.#stream = stream;
    stream.on('error', (error: NodeJS.ErrnoException) => {
      this.#isClosed = true;
      // EIO: the terminal was closed. Anything else, such as a full disk, is a result that got lost.
      if (error.code !== 'EPIPE' && error.code !== 'EIO') this.#fault ??= error;
    });
  }

  /** Why something could not be written although somebody was there to read it; null when nothing was lost. */
  get fault(): Error | null {
    return this.#fault;
  }

  readonly write = (text: string): void => {
    this.#send(printableText(text));
  };

  /** Of a terminal: goes up so many rows and clears all from there on. */
  readonly erase = (rows: number): void => {
    this.#send(`\r${rows > 0 ? `\u001b[${rows}A` : ''}\u001b[0J`);
  };

  /** Resolves when all is written, or can no longer be. */
  async flushed(): Promise<void> {
    if (this.#isClosed) return;
    await new Promise<void>((resolve) => {
      this.#stream.write('', () => {
        resolve();
      });
    });
  }

  #send(text: string): void {
    if (!this.#isClosed) this.#stream.write(text);
  }
}
