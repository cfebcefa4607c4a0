/**
 * Files that stay open from one write to the next: opening and closing a file for each record costs more than the record. Calls for
 * one name must not overlap.
 */
import type { FileHandle } from 'node:fs/promises';

/** Files that stay open at most. */
const filesMax = 16;
/** A file that was not written to for so long is closed, ms. */
const idleMs = 60_000;

/** A file that is open, and what is known of it. */
export interface KeptFile {
  readonly file: FileHandle;
  /** What it held when it was opened, and what was appended since. */
  sizeBytes: number;
  /** Whether its name may not be durable yet. */
  isNew: boolean;
}

/** What is written: parts at any place, or only the end. */
type Use = 'parts' | 'end';

interface Entry {
  readonly use: Use;
  readonly kept: KeptFile;
  usedMs: number;
}

/** See the file's header. */
export class KeptFiles {
  readonly #closeSoon: (name: string) => void;
  /** By name, the one used last at the end. */
  readonly #entries = new Map<string, Entry>();
  #timer: NodeJS.Timeout | null = null;

  /** @param closeSoon calls `close` once nothing else is done with that file */
  constructor(closeSoon: (name: string) => void) {
    this.#closeSoon = closeSoon;
  }

  /** The file as it is open for this use, or opened by `open`. */
  async open(name: string, use: Use, open: () => Promise<KeptFile>): Promise<KeptFile> {
    if (this.#entries.get(name)?.use !== use) await this.close(name);
    const kept = this.#entries.get(name)?.kept ?? (await open());
    this.#entries.delete(name);
    this.#entries.set(name, { use, kept, usedMs: performance.now() });
    const [oldest] = this.#entries.keys();
    if (this.#entries.size > filesMax && oldest !== undefined) this.#closeSoon(oldest);
    this.#timer ??= setInterval(() => {
      this.#closeIdle();
    }, idleMs).unref();
    return kept;
  }

  /** Closes the file, if it is open. */
  async close(name: string): Promise<void> {
    const entry = this.#entries.get(name);
    this.#entries.delete(name);
    await entry?.kept.file.close();
  }

  #closeIdle(): void {
    for (const [name, { usedMs }] of this.#entries) {
      if (performance.now() - usedMs >= idleMs) this.#closeSoon(name);
    }
    if (this.#entries.size > 0 || this.#timer === null) return;
    clearInterval(this.#timer);
    this.#timer = null;
  }
}
