/** Reading files that others made: never a pipe, a socket or a device, which would wait for ever, and never more than is allowed. */
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { onDisk } from './disk-error.ts';
import { HostError } from './errors.ts';

// Opening a pipe waits for whoever writes into it, unless told not to. Windows has neither: nothing is 0 here.
const readNow = constants.O_RDONLY | constants.O_NONBLOCK;

/**
 * All bytes of a regular file, or of one that a link leads to.
 *
 * @throws {HostError} 'bad_cases' when it is something else or larger than `bytesMax`, 'disk_denied' and the like
 */
export async function readRegularFile(path: string, bytesMax: number): Promise<Uint8Array> {
  return onDisk(path, async () => {
    const handle = await open(path, readNow);
    try {
      const facts = await handle.stat();
      const refuse = (expected: string): never => {
        throw new HostError({ code: 'bad_cases', path, expected });
      };
      if (!facts.isFile()) refuse('expected a file, got a folder, a pipe or a device');
      if (facts.size > bytesMax) {
        refuse(`expected at most ${bytesMax} bytes, got ${facts.size}`);
      }
      const bytes = new Uint8Array(facts.size);
      let have = 0;
      while (have < bytes.byteLength) {
        const { bytesRead } = await handle.read(bytes, have, bytes.byteLength - have, have);
        if (bytesRead === 0) break;
        have += bytesRead;
      }
      return bytes.subarray(0, have);
    } finally {
      await handle.close();
    }
  });
}
