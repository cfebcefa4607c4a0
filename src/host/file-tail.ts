/** The end of a file of lines. */
import { open } from 'node:fs/promises';

/** What is in the last `bytesMax` bytes, from a whole line on; empty where there is no file that can be read. */
export async function readTail(path: string, bytesMax: number): Promise<string> {
  const file = await open(path).catch(() => null);
  if (file === null) return '';
  try {
    const { size } = await file.stat();
    const from = Math.max(0, size - bytesMax);
    const bytes = Buffer.alloc(size - from);
    const { bytesRead } = await file.read(bytes, 0, bytes.byteLength, from);
    const text = bytes.toString('utf8', 0, bytesRead);
    return from === 0 ? text : text.slice(text.indexOf('\n') + 1);
  } finally {
    await file.close();
  }
}
