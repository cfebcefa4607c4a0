/** The files of a running node's log, for those who read them over HTTP. */
import { join } from 'node:path';
import { HostError, readRegularFile } from '../host/index.ts';

/** A full bundle of entries has 16 MiB and its lengths. */
const fileBytesMax = 17 * 2 ** 20;

/** Reads `log/<name>` of a node's folder; null when it is not there. The caller knows which names there are. */
export function logReader(nodeFolder: string): (name: string) => Promise<Uint8Array | null> {
  return async (name) => {
    try {
      return await readRegularFile(join(nodeFolder, 'log', name), fileBytesMax);
    } catch (error) {
      if (error instanceof HostError && error.code === 'bad_cases') return null;
      if (isAbsent(error)) return null;
      throw error;
    }
  };
}

function isAbsent(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) {
    if ('code' in at && (at.code === 'ENOENT' || at.code === 'ENOTDIR')) return true;
  }
  return false;
}
