/**
 * Files that stay open from one write to the next: opening and closing a file for each record costs more than the record. Calls for
 * one name must not overlap.
 */
import type { FileHandle } from 'node:fs/promises';

/** Files that stay open at most. */
const filesMax = 16;
/** A file that was not written to for so long is closed, ms. */
const idleMs = 60_000;

/** A file that is written at any place. */
export interface PartsFile {
  readonly use: 'parts';
  readonly file: FileHandle;
}

/** A file that is appended to. */
export interface EndFile {
  readonly use: 'end';
  readonly file: FileHandle;
  /** What it held when it was opened, and what was appended since. */
  sizeBytes: number;
  /** Whether its name may not be durable yet. */
  isNew: boolean;
}

type KeptFile = PartsFile | EndFile;

interface Entry {
  readonly kept: KeptFile;
  readonly usedMs: number;
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

  /** The file as it is open to be written in parts, or opened by `open`. */
  parts(name: string, open: () => Promise<PartsFile>): Promise<PartsFile> {
    return this.#keep(name, (kept) => (kept?.use === 'parts' ? kept : null), open);
  }

  /** The file as it is open to be appended to, or opened by `open`. */
  end(name: string, open: () => Promise<EndFile>): Promise<EndFile> {
    return this.#keep(name, (kept) => (kept?.use === 'end' ? kept : null), open);
  }

  /** Closes the file, if it is open. */
  async close(name: string): Promise<void> {
    const entry = this.#entries.get(name);
    this.#entries.delete(name);
    await entry?.kept.file.close();
  }

  async #keep<Kept extends KeptFile>(
    name: string,
    asAsked: (kept: KeptFile | undefined) => Kept | null,
    open: () => Promise<Kept>,
  ): Promise<Kept> {
    let kept = asAsked(this.#entries.get(name)?.kept);
    if (kept === null) {
      await this.close(name);
      kept = await open();
    }
    this.#entries.delete(name);
    this.#entries.set(name, { kept, usedMs: performance.now() });
    const [oldest] = this.#entries.keys();
    if (this.#entries.size > filesMax && oldest !== undefined) this.#closeSoon(oldest);
    this.#timer ??= setInterval(() => {
      this.#closeIdle();
    }, idleMs).unref();
    return kept;
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
