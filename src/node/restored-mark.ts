/**
 * That a home is a copy: restored from a backup, or found in another place than where its node ran last. Its disk may have
 * forgotten votes, and the home it was made of may run elsewhere, so its node does not vote until a person has confirmed that
 * it is the only one. docs/specs/membership-files.md, "Backup"
 */
import { nodeLogRestoredName } from '../audit/index.ts';
import { diskStore, folderIdentity } from '../host/index.ts';
import { decodeStrict, encodeCanonical, int, literal, obj, str, WireError } from '../wire/index.ts';
import type { HomeFacts } from './home.ts';

/** In the peer's store: that it was restored. */
const restoredName = 'node/restored.json';
/** In the peer's store: the folder in which its node ran last. */
const placeName = 'node/place.json';
const markBytesMax = 256;

const readRestored = obj({
  format: literal('annulus-restored/v1'),
  restoredAtMs: int(0, Number.MAX_SAFE_INTEGER),
});
const readPlace = obj({ format: literal('annulus-place/v1'), folder: str(64, /^[0-9]+$/) });

/** Notes that the home in this folder is a copy: its own log may be older than what its node has anchored since. */
export async function markRestored(folder: string, nowMs: number): Promise<void> {
  const store = diskStore(folder);
  const mark = encodeCanonical({ format: 'annulus-restored/v1', restoredAtMs: nowMs });
  await store.write(`node/${nodeLogRestoredName}`, mark);
  await store.write(restoredName, mark);
}

/** Since when this home is known to be a copy, milliseconds since 1970; null when it is none, or that is settled. */
export async function restoredAtMs({ folder }: Pick<HomeFacts, 'folder'>): Promise<number | null> {
  const bytes = await diskStore(folder).read(restoredName);
  if (bytes === null) return null;
  return readRestored(decodeStrict(bytes, { maxBytes: markBytesMax })).restoredAtMs;
}

/** A person has confirmed that this home is the only one with its keys: it is no copy any more. */
export async function settleRestored({ folder }: Pick<HomeFacts, 'folder'>): Promise<void> {
  await diskStore(folder).remove(restoredName);
}

/**
 * Before a node starts: notes that its home is a copy, when the folder is another than the one in which it ran last. A home that
 * was moved within its file system is none. A copy of a whole disk is not seen here, but by the votes that others show.
 */
export async function noticeCopy(
  { folder }: Pick<HomeFacts, 'folder'>,
  nowMs: number,
): Promise<void> {
  const store = diskStore(folder);
  const here = await folderIdentity(folder);
  const bytes = await store.read(placeName);
  const last = bytes === null ? null : placeIn(bytes);
  if (last === here) return;
  if (last !== null && (await restoredAtMs({ folder })) === null) await markRestored(folder, nowMs);
  await store.write(placeName, encodeCanonical({ format: 'annulus-place/v1', folder: here }));
}

/** Null for what cannot be read: nothing follows from it. */
function placeIn(bytes: Uint8Array): string | null {
  try {
    return readPlace(decodeStrict(bytes, { maxBytes: markBytesMax })).folder;
  } catch (error) {
    if (error instanceof WireError) return null;
    throw error;
  }
}
