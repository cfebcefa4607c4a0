/** Files in one zip, for people: deflated, and the same bytes for the same files. */
import { zipSync } from 'fflate';

/** The earliest time that a zip can hold. */
const mtime = '1980-01-01T00:00:00';

/** @param files by path, with `/` between folders */
export function encodeZip(files: ReadonlyMap<string, Uint8Array>): Uint8Array {
  return zipSync(Object.fromEntries(files), { level: 6, mtime });
}
