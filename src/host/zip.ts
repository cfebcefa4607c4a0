/** The door to yauzl: a ZIP's files, read one at a time into memory and never onto the disk. Whatever the ZIP claims is bounded. */
import { crc32 } from 'node:zlib';
import yauzl, { type Entry, type ZipFile } from 'yauzl';
import { HostError } from './errors.ts';
import type { FileSet, SetFile } from './set-file.ts';

/** Of all files of a ZIP together, unpacked. They are never in memory together. */
const totalBytesMax = 64 * 2 ** 30;
/** A file of a ZIP may be as large as it likes up to here, and beyond at most this many times what it takes in the ZIP. */
const ratio = { freeBytes: 2 ** 20, max: 200 } as const;
const symbolicLink = 0o120000;
const fileKind = 0o170000;

/** Whether a file begins as a ZIP does. */
export function isZip(head: Uint8Array): boolean {
  return head[0] === 0x50 && head[1] === 0x4b && head[2] === 3 && head[3] === 4;
}

/**
 * Opens a ZIP.
 *
 * @throws {HostError} 'bad_cases' for one that is damaged, encrypted or larger than allowed, or that names a path outside itself
 */
export async function openZip(
  path: string,
  { filesMax, fileBytesMax }: { readonly filesMax: number; readonly fileBytesMax: number },
): Promise<FileSet> {
  const zip = await new Promise<ZipFile>((resolve, reject) => {
    const options = { lazyEntries: true, autoClose: false, strictFileNames: false };
    yauzl.open(path, options, (error, opened) => {
      if (error === null) resolve(opened);
      else reject(damaged(path, error));
    });
  });
  try {
    const entries = await entriesOf(zip, path, filesMax);
    checkSizes(entries, zip, path, fileBytesMax);
    const close = (): Promise<void> => {
      zip.close();
      return Promise.resolve();
    };
    const files = entries
      .map((entry): SetFile => ({ name: entry.fileName, read: () => unpack(zip, entry, path) }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
    return { files, close };
  } catch (error) {
    zip.close();
    throw error;
  }
}

/** Files that may be images: no folders, links, or what systems leave behind. */
function entriesOf(zip: ZipFile, path: string, filesMax: number): Promise<Entry[]> {
  return new Promise((resolve, reject) => {
    const entries: Entry[] = [];
    let count = 0;
    zip.on('error', (error: Error) => {
      reject(damaged(path, error));
    });
    zip.on('end', () => {
      resolve(entries);
    });
    zip.on('entry', (entry: Entry) => {
      if (++count > filesMax) {
        reject(bad(path, `expected at most ${filesMax} files in it`));
        return;
      }
      if (entry.isEncrypted()) {
        reject(bad(path, 'expected a ZIP without a password; export it again without one'));
        return;
      }
      const parts: string[] = entry.fileName.split('/');
      const isLeftBehind = parts.some((part) => part.startsWith('.') || part === '__MACOSX');
      const isLink = ((entry.externalFileAttributes >>> 16) & fileKind) === symbolicLink;
      if (parts.at(-1) !== '' && !isLeftBehind && !isLink) entries.push(entry);
      zip.readEntry();
    });
    zip.readEntry();
  });
}

function checkSizes(
  entries: readonly Entry[],
  zip: ZipFile,
  path: string,
  fileBytesMax: number,
): void {
  let [packed, unpacked] = [0, 0];
  for (const { compressedSize, uncompressedSize } of entries) {
    packed += compressedSize;
    unpacked += uncompressedSize;
    if (uncompressedSize > fileBytesMax) {
      throw bad(
        path,
        `expected files of at most ${fileBytesMax} bytes, got one of ${uncompressedSize}`,
      );
    }
    if (uncompressedSize > Math.max(ratio.freeBytes, compressedSize * ratio.max)) {
      throw bad(
        path,
        `expected files packed to no less than a ${ratio.max}th, got ${uncompressedSize} bytes in ` +
          `${compressedSize}: made to fill memory; unpack it with a program you trust`,
      );
    }
  }
  if (unpacked > totalBytesMax) {
    throw bad(path, `expected at most ${totalBytesMax} bytes unpacked, got ${unpacked}`);
  }
  if (packed > zip.fileSize) {
    throw bad(
      path,
      `expected files beside each other in ${zip.fileSize} bytes, got ${packed}: they overlap`,
    );
  }
}

/** Bytes of a file, of the size that was told, with the check sum that was told. */
async function unpack(zip: ZipFile, entry: Entry, path: string): Promise<Uint8Array> {
  const bytes = new Uint8Array(entry.uncompressedSize);
  let have = 0;
  await new Promise<void>((resolve, reject) => {
    zip.openReadStream(entry, (error, stream) => {
      if (error !== null) {
        reject(damaged(path, error));
        return;
      }
      stream.on('error', (cause) => {
        reject(damaged(path, cause));
      });
      stream.on('data', (piece: Buffer) => {
        // yauzl ends a stream that gives more than was told.
        if (have + piece.byteLength <= bytes.byteLength) bytes.set(piece, have);
        have += piece.byteLength;
      });
      stream.on('end', resolve);
    });
  });
  if (have === bytes.byteLength && crc32(bytes) === entry.crc32) return bytes;
  throw bad(
    path,
    'expected a sound ZIP, got one with a damaged file in it; copy or export it again',
  );
}

function damaged(path: string, cause: Error): HostError {
  const isOutside = /relative path|absolute path|invalid characters/.test(cause.message);
  const expected = isOutside
    ? 'expected names inside the ZIP, got one that leads out of it; export it again'
    : 'expected a sound ZIP, got a damaged one; copy or export it again';
  return new HostError({ code: 'bad_cases', path, expected }, { cause });
}

function bad(path: string, expected: string): HostError {
  return new HostError({ code: 'bad_cases', path, expected });
}
