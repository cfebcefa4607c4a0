/**
 * The files of C2SP tlog-tiles: `tile/<L>/<N>[.p/<W>]` holds up to 256 hashes of subtrees of 256^L
 * leaves; `tile/entries/<N>[.p/<W>]` holds the entries under one level-0 tile.
 * https://c2sp.org/tlog-tiles
 */
import { concatBytes } from '../base/index.ts';
import { AuditError, malformed } from './errors.ts';
import type { MerkleTree } from './merkle-tree.ts';

/** Hashes of a full tile, entries of a full bundle. */
export const tileWidth = 256;
/** The largest entry: its length is a big-endian uint16. */
export const entryBytesMax = 65_535;

/** One tile or entry bundle. `width` is 256 when full. */
export interface Tile {
  readonly level: number | 'entries';
  readonly index: number;
  readonly width: number;
}

/** A tile of hashes, not of entries. */
export type HashTile = Tile & { readonly level: number };

/** `tile/<L>/<N>[.p/<W>]`, for instance `tile/0/x001/x234/067.p/8`. */
export function tilePath(tile: Tile): string {
  const groups = [String(tile.index % 1000).padStart(3, '0')];
  for (let rest = Math.floor(tile.index / 1000); rest > 0; rest = Math.floor(rest / 1000)) {
    groups.unshift(`x${String(rest % 1000).padStart(3, '0')}`);
  }
  const partial = tile.width === tileWidth ? '' : `.p/${tile.width}`;
  return `tile/${tile.level}/${groups.join('/')}${partial}`;
}

/** The hash tiles of a tree of `size`, full and partial, lowest level first. */
export function hashTilesOf(size: number): HashTile[] {
  const tiles: HashTile[] = [];
  for (let level = 0, n = size; n > 0; level++, n = Math.floor(n / tileWidth)) {
    tiles.push(...tilesOver(level, n));
  }
  return tiles;
}

/** The entry bundles of a tree of `size`, full and partial. */
export function bundlesOf(size: number): Tile[] {
  return tilesOver('entries', size);
}

/** The bytes of a hash tile of `tree`, which must be at least as large as the tile needs. */
export function tileBytes(tree: MerkleTree, tile: HashTile): Uint8Array {
  const from = tile.index * tileWidth;
  return tree.hashes(tile.level * 8, from, from + tile.width);
}

/** @throws {AuditError} 'entry_too_large' for an entry over 65 535 bytes. */
export function encodeBundle(entries: readonly Uint8Array[]): Uint8Array {
  return concatBytes(
    ...entries.flatMap((entry) => {
      const bytes = entry.byteLength;
      if (bytes > entryBytesMax) {
        throw new AuditError(
          { code: 'entry_too_large', bytes, bytesMax: entryBytesMax },
          `log entry of ${bytes} bytes: expected at most ${entryBytesMax}`,
        );
      }
      return [Uint8Array.of(bytes >> 8, bytes & 0xff), entry];
    }),
  );
}

/** @throws {AuditError} 'malformed' unless `bytes` is exactly `width` length-prefixed entries. */
export function decodeBundle(bytes: Uint8Array, width: number): Uint8Array[] {
  const { entries, isWhole } = decodeBundlePrefix(bytes, width);
  if (!isWhole) throw malformed('entry bundle', `exactly ${width} length-prefixed entries`);
  return entries;
}

/** As many of the `width` entries as can be read, as views of `bytes`; `isWhole` when all were there and nothing else. */
export function decodeBundlePrefix(
  bytes: Uint8Array,
  width: number,
): { entries: Uint8Array[]; isWhole: boolean } {
  const entries: Uint8Array[] = [];
  let offset = 0;
  while (entries.length < width && offset + 2 <= bytes.byteLength) {
    const length = ((bytes[offset] ?? 0) << 8) | (bytes[offset + 1] ?? 0);
    // The length is the file's claim: a bundle may end in the middle of an entry.
    if (offset + 2 + length > bytes.byteLength) return { entries, isWhole: false };
    entries.push(bytes.subarray(offset + 2, offset + 2 + length));
    offset += 2 + length;
  }
  return { entries, isWhole: entries.length === width && offset === bytes.byteLength };
}

function tilesOver<L extends Tile['level']>(level: L, n: number): (Tile & { level: L })[] {
  const full = Math.floor(n / tileWidth);
  const tiles = Array.from({ length: full }, (_, index) => ({ level, index, width: tileWidth }));
  if (n % tileWidth > 0) tiles.push({ level, index: full, width: n % tileWidth });
  return tiles;
}
