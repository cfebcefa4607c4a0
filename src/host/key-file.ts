/** Key files: readable by their owner only, never overwritten. What is in them is crypto's business. */
import { constants } from 'node:fs';
import { link, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { diskError, errnoOf, onDisk } from './disk-error.ts';
import { makeFolder, noFollow, syncFolder, withFile, writeNewFile } from './durable-files.ts';
import { HostError } from './errors.ts';

const bytesMax = 65_536;

/**
 * Creates a key file with mode 0600, whole or not at all.
 *
 * @throws {HostError} 'key_file_exists', or a disk code.
 */
export async function writeKeyFile(path: string, bytes: Uint8Array): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    await makeFolder(dirname(path));
    await rm(temporary, { force: true });
    await writeNewFile(temporary, bytes, 0o600);
    // Unlike `rename`, `link` fails when the name is taken.
    await link(temporary, path);
    await syncFolder(dirname(path));
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') throw new HostError({ code: 'key_file_exists', path });
    throw diskError(path, error);
  } finally {
    await rm(temporary, { force: true });
  }
}

/**
 * Reads a key file.
 *
 * @throws {HostError} 'key_file_mode' when group or others have any right to it, or a disk code.
 */
export async function readKeyFile(path: string): Promise<Uint8Array> {
  return onDisk(path, async () =>
    withFile(path, constants.O_RDONLY | noFollow, 0, async (file) => {
      const { mode, size } = await file.stat();
      // Windows guards files by other means than mode bits.
      if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
        const shown = (mode & 0o777).toString(8).padStart(4, '0');
        throw new HostError({ code: 'key_file_mode', path, mode: shown });
      }
      if (size > bytesMax) throw new HostError({ code: 'disk_failed', path, errno: 'EFBIG' });
      return new Uint8Array(await file.readFile());
    }),
  );
}
