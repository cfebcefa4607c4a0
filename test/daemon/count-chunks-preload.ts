/**
 * Loaded before a node's program: counts the chunks that come, and those among them that had come before, whatever became of their
 * blob since. What it found is in the file ANNULUS_CHUNKS_FILE when the node has ended.
 */
import { writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { isMainThread } from 'node:worker_threads';
import { packageFile } from '../../src/host/index.ts';

/** What the file holds, as JSON. */
export interface CameChunks {
  readonly came: number;
  readonly again: number;
}

interface Chunks {
  add(index: number, chunk: Uint8Array): Promise<boolean>;
}
interface ChunksClass {
  readonly prototype: Chunks;
  open(disk: unknown, blob: string, ...rest: readonly unknown[]): Promise<Chunks>;
}

// The very class that the built program uses.
const module = packageFile('dist/src/gossip/content/chunk-file.js');
const { ChunkFile } = (await import(pathToFileURL(module).href)) as { ChunkFile: ChunksClass };

const blobs = new WeakMap<Chunks, string>();
const seen = new Set<string>();
let [came, again] = [0, 0];

const open = ChunkFile.open.bind(ChunkFile);
ChunkFile.open = async (disk, blob, ...rest) => {
  const file = await open(disk, blob, ...rest);
  blobs.set(file, blob);
  return file;
};
const add = Object.getOwnPropertyDescriptor(ChunkFile.prototype, 'add')?.value as Chunks['add'];
ChunkFile.prototype.add = async function (index, chunk) {
  const isAdded = await add.call(this, index, chunk);
  if (!isAdded) return false;
  const name = `${blobs.get(this) ?? ''} ${index}`;
  came += 1;
  if (seen.has(name)) again += 1;
  seen.add(name);
  return true;
};

process.on('exit', () => {
  const file = process.env.ANNULUS_CHUNKS_FILE;
  if (file !== undefined && isMainThread)
    writeFileSync(file, JSON.stringify({ came, again } satisfies CameChunks));
});
