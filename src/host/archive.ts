/**
 * Many values of a store in one encrypted file. A head in clear, one line; then, encrypted in chunks, for each value a line
 * `{"bytes":N,"path":"…"}` and its bytes, and at the end `{"count":N}`. Streams: never a whole value in memory.
 */
import { createReadStream } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { concatBytes, fromUtf8, utf8, type Store, type StoreWriter } from '../base/index.ts';
import { BulkDecryption, BulkEncryption, CryptoError } from '../crypto/index.ts';
import { onDisk } from './disk-error.ts';
import { readAt, syncFolder, writeAll } from './durable-files.ts';
import { HostError } from './errors.ts';
import { dirname, resolve } from 'node:path';

/** How an archive is encrypted. */
export interface Archive {
  /** A line in clear at its beginning, with its end of line. */
  readonly head: Uint8Array;
  /** 32 random bytes, for this archive alone. */
  readonly key: Uint8Array;
  /** What kind of archive it is; the reader must say the same. */
  readonly context: Uint8Array;
}

const pieceBytes = 1024 * 1024;
const lineBytesMax = 4096;
const headBytesMax = 64 * 1024;
const countMax = 10_000_000;
const newline = 0x0a;

/**
 * Writes these values of the store into a new file of mode 0600, or nothing.
 *
 * @throws {HostError} a disk code; 'disk_failed' when the file is there
 */
export async function writeArchive(
  path: string,
  { head, key, context }: Archive,
  store: Store,
  names: readonly string[],
): Promise<void> {
  await onDisk(path, async () => {
    const file = await open(path, 'wx', 0o600);
    try {
      const cipher = new BulkEncryption(key, context);
      const put = async (bytes: Uint8Array): Promise<void> => {
        await writeAll(file, cipher.push(bytes));
      };
      await writeAll(file, head);
      for (const name of names) {
        const size = (await store.size(name)) ?? 0;
        await put(utf8(`${JSON.stringify({ bytes: size, path: name })}\n`));
        for (let at = 0; at < size; at += pieceBytes) {
          const length = Math.min(pieceBytes, size - at);
          const piece = await store.readPart(name, at, length);
          if (piece?.byteLength !== length) throw bad(path, `${name} to stay as it is`);
          await put(piece);
        }
      }
      await put(utf8(`${JSON.stringify({ count: names.length })}\n`));
      await writeAll(file, cipher.end());
      await file.sync();
      await file.close();
      await syncFolder(dirname(resolve(path)));
    } catch (error) {
      await file.close().catch(() => undefined);
      await rm(path, { force: true });
      throw error;
    }
  });
}

/** The line in clear at an archive's beginning; empty where there is none. @throws {HostError} a disk code */
export async function readHead(path: string): Promise<Uint8Array> {
  return onDisk(path, async () => {
    const file = await open(path, 'r');
    try {
      const start = await readAt(file, 0, headBytesMax);
      return start.slice(0, start.indexOf(newline) + 1);
    } finally {
      await file.close();
    }
  });
}

/**
 * Puts the values of an archive into a store.
 *
 * @param keyOf the key for the head; what it throws goes to the caller
 * @throws {HostError} 'bad_archive' for bytes that no archive of this context has, or a disk code. What is in the store then is
 * worth nothing.
 */
export async function readArchive(
  path: string,
  context: Uint8Array,
  keyOf: (head: Uint8Array) => Uint8Array,
  store: Store,
): Promise<void> {
  const values = new Values(path, store);
  let head: Uint8Array | null = new Uint8Array();
  let decryption: BulkDecryption | null = null;
  const opened: Uint8Array[] = [];
  try {
    await onDisk(path, async () => {
      for await (const read of createReadStream(path, { highWaterMark: pieceBytes })) {
        let piece = new Uint8Array(read as Buffer);
        if (head !== null) {
          const all: Uint8Array = concatBytes(head, piece);
          const end = all.indexOf(newline) + 1;
          if (end === 0 && all.byteLength <= headBytesMax) {
            head = all;
            continue;
          }
          if (end === 0) throw bad(path, 'a line at its beginning');
          const key = keyOf(all.subarray(0, end));
          decryption = new BulkDecryption(key, context, (bytes) => opened.push(bytes.slice()));
          head = null;
          piece = all.slice(end);
        }
        decryption?.push(piece);
        for (const bytes of opened.splice(0)) await values.push(bytes);
      }
      if (decryption === null) throw bad(path, 'a line at its beginning');
      decryption.end();
      for (const bytes of opened.splice(0)) await values.push(bytes);
      values.end();
    });
  } catch (error) {
    await values.discard();
    if (!(error instanceof CryptoError) || error.code !== 'bad_ciphertext') throw error;
    throw new HostError(
      { code: 'bad_archive', path, expected: 'a whole archive' },
      { cause: error },
    );
  }
}

/** The plain values as they come, in pieces of any sizes. */
class Values {
  readonly #path: string;
  readonly #store: Store;
  #line: Uint8Array = new Uint8Array();
  #value: { readonly writer: StoreWriter; left: number } | null = null;
  #count = 0;
  #isEnded = false;

  constructor(path: string, store: Store) {
    this.#path = path;
    this.#store = store;
  }

  async push(bytes: Uint8Array): Promise<void> {
    for (let rest = bytes; rest.byteLength > 0;) {
      if (this.#isEnded) throw bad(this.#path, 'nothing after its end');
      if (this.#value === null) {
        rest = await this.#takeLine(rest);
        continue;
      }
      const part = rest.subarray(0, this.#value.left);
      await this.#value.writer.write(part);
      this.#value.left -= part.byteLength;
      rest = rest.subarray(part.byteLength);
      await this.#closeWhenWhole();
    }
  }

  end(): void {
    if (!this.#isEnded) throw bad(this.#path, 'an end');
  }

  async discard(): Promise<void> {
    await this.#value?.writer.discard();
  }

  async #takeLine(bytes: Uint8Array): Promise<Uint8Array> {
    const end = bytes.indexOf(newline);
    this.#line = concatBytes(this.#line, end < 0 ? bytes : bytes.subarray(0, end));
    if (this.#line.byteLength > lineBytesMax) throw bad(this.#path, 'shorter lines');
    if (end < 0) return new Uint8Array();
    const { path, bytes: size, count } = this.#fields();
    this.#line = new Uint8Array();
    if (count !== undefined) {
      if (count !== this.#count) throw bad(this.#path, 'as many files as it says');
      this.#isEnded = true;
    } else if (typeof path === 'string' && Number.isSafeInteger(size) && (size as number) >= 0) {
      if (++this.#count > countMax) throw bad(this.#path, `at most ${countMax} files`);
      // The store refuses names that are no names.
      this.#value = { writer: await this.#store.create(path), left: size as number };
      await this.#closeWhenWhole();
    } else throw bad(this.#path, 'a name and a size');
    return bytes.subarray(end + 1);
  }

  #fields(): { readonly path?: unknown; readonly bytes?: unknown; readonly count?: unknown } {
    try {
      return Object(JSON.parse(fromUtf8(this.#line))) as object;
    } catch {
      throw bad(this.#path, 'lines of JSON');
    }
  }

  async #closeWhenWhole(): Promise<void> {
    if (this.#value?.left !== 0) return;
    const { writer } = this.#value;
    this.#value = null;
    await writer.commit();
  }
}

function bad(path: string, expected: string): HostError {
  return new HostError({ code: 'bad_archive', path, expected });
}
