/**
 * The log of a node in a file of its folder, which turns over by size: `peer.log` is the newest, then `peer.log.1` and so
 * on. What cannot be written is lost: a log never stops a peer, and never fills its disk or its memory.
 */
import {
  createWriteStream,
  mkdirSync,
  renameSync,
  rmSync,
  statSync,
  type WriteStream,
} from 'node:fs';
import { dirname } from 'node:path';
import type { Logger, LogLevel } from '../base/index.ts';
import { isAtLeast, logLine } from './log-line.ts';
import type { LogSettings } from './log-settings.ts';

/** Lines that wait for a slow disk, in bytes; further ones are lost. */
const waitingBytesMax = 1024 * 1024;

/** Appends lines at `least` or above to the file at `path`, until closed. */
export function fileLogger(
  path: string,
  least: LogLevel,
  settings: LogSettings,
): Logger & { readonly close: () => void } {
  const file = new TurningFile(path, settings);
  return {
    log(level, message, facts = {}): void {
      if (isAtLeast(level, least)) file.write(logLine(level, null, message, facts));
    },
    close(): void {
      file.close();
    },
  };
}

class TurningFile {
  readonly #path: string;
  readonly #settings: LogSettings;
  #stream: WriteStream;
  /** Bytes of the file that is being written. */
  #bytes: number;
  /** Lines that came while the files change places; `null` otherwise. */
  #held: string[] | null = null;
  #heldBytes = 0;
  #isClosed = false;

  constructor(path: string, settings: LogSettings) {
    mkdirSync(dirname(path), { recursive: true });
    this.#path = path;
    this.#settings = settings;
    this.#bytes = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
    this.#stream = this.#open('a');
  }

  write(line: string): void {
    const bytes = Buffer.byteLength(line);
    if (this.#held !== null) {
      if (this.#heldBytes + bytes > waitingBytesMax) return;
      this.#held.push(line);
      this.#heldBytes += bytes;
      return;
    }
    if (this.#bytes > 0 && this.#bytes + bytes > this.#settings.fileBytesMax) {
      this.#turn();
      this.write(line);
      return;
    }
    // A disk that was full may have room again.
    if (this.#stream.destroyed) this.#stream = this.#open('a');
    if (this.#stream.writableLength > waitingBytesMax) return;
    this.#stream.write(line);
    this.#bytes += bytes;
  }

  close(): void {
    this.#isClosed = true;
    if (this.#held === null) this.#stream.end();
  }

  /** Ends the file, moves each one place on and begins a new one. */
  #turn(): void {
    this.#held = [];
    this.#heldBytes = 0;
    const next = (): void => {
      this.#moveOn();
      const lines = this.#held ?? [];
      this.#held = null;
      // Not appended: should the old file not have moved, its lines are lost, but the disk does not fill.
      this.#stream = this.#open('w');
      this.#bytes = 0;
      for (const line of lines) this.write(line);
      if (this.#isClosed) this.close();
    };
    if (this.#stream.closed) {
      next();
    } else {
      this.#stream.once('close', next);
      this.#stream.end();
    }
  }

  #moveOn(): void {
    const place = (index: number): string => (index === 0 ? this.#path : `${this.#path}.${index}`);
    const last = this.#settings.filesMax - 1;
    try {
      rmSync(place(last), { force: true });
      for (let index = last - 1; index >= 0; index--) {
        if (statSync(place(index), { throwIfNoEntry: false }) !== undefined) {
          renameSync(place(index), place(index + 1));
        }
      }
    } catch {
      // A log never stops a peer.
    }
  }

  #open(flags: 'a' | 'w'): WriteStream {
    const stream = createWriteStream(this.#path, { flags, mode: 0o600 });
    stream.on('error', () => undefined);
    return stream;
  }
}
