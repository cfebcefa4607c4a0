/** Large values of a store, read without ever holding them whole. */
import type { Digest, Store } from '../../base/index.ts';
import { HashStream } from '../../crypto/index.ts';

/** Small enough that hashing one holds up nobody on the same thread for more than a few milliseconds. */
const defaultPieceBytes = 1024 * 1024;

/** The bytes of a value in order, so many at a time; nothing when it is absent, and fewer when it is removed meanwhile. */
export async function* filePieces(
  store: Pick<Store, 'readPart'>,
  name: string,
  pieceBytes: number = defaultPieceBytes,
): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = 0; ; at += pieceBytes) {
    const piece = await store.readPart(name, at, pieceBytes);
    if (piece === null || piece.byteLength === 0) return;
    yield piece;
    if (piece.byteLength < pieceBytes) return;
  }
}

/** SHA-256 of a value; that of nothing when it is absent. */
export async function fileDigest(store: Pick<Store, 'readPart'>, name: string): Promise<Digest> {
  const hash = new HashStream();
  for await (const piece of filePieces(store, name)) hash.update(piece);
  return hash.digest();
}
