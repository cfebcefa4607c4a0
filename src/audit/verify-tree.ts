/** Do the entries, the tiles and the signed roots of a log directory agree, and if not, which is wrong? */
import { equalBytes, hex } from '../base/index.ts';
import { MerkleTree, hashBytes, hashLeaf } from './merkle-tree.ts';
import {
  bundlesOf,
  decodeBundlePrefix,
  hashTilesOf,
  tileBytes,
  tilePath,
  tileWidth,
  type HashTile,
  type Tile,
} from './tiles.ts';
import type { Report } from './verdict.ts';

/** A root that somebody signed, and where it stands. */
export interface SignedRoot {
  readonly where: string;
  readonly size: number;
  /** Lower-case hex. */
  readonly root: string;
}

/** What is to be checked. Sizes are those of signed trees. */
export interface TreeClaim {
  readonly read: (name: string) => Promise<Uint8Array | null>;
  /** Size of the largest tree; one of `roots` has it. */
  readonly size: number;
  /** Size of the sealed tree, whose partial tiles must be there as well. */
  readonly sealedSize: number;
  readonly roots: readonly SignedRoot[];
  /** `entry 17 (update of L3, round 4)`. */
  readonly entryName: (index: number) => string;
}

/** Entries that are what the signed root covers; `null` where one is damaged or missing. */
export type SoundEntries = readonly (Uint8Array | null)[];

/** Checks all tiles and bundles, naming every damaged one, and gives back the sound entries. */
export async function verifyTree(claim: TreeClaim, report: Report): Promise<SoundEntries> {
  const entries = await readEntries(claim, report);
  const hashes = await readLeafHashes(claim, report);
  const byEntries = treeOf(entries.map((entry) => (entry === null ? null : hashLeaf(entry))));
  const byTiles = treeOf(hashes);
  const signed = claim.roots.find(({ size }) => size === claim.size)?.root;
  const isSigned = (tree: MerkleTree | null): boolean =>
    tree !== null && hex(tree.root()) === signed;
  if (!isSigned(byEntries) && !isSigned(byTiles)) {
    report.find('tree', `neither entries nor tiles give the root signed at size ${claim.size}`);
  }
  const tree = isSigned(byEntries) ? byEntries : isSigned(byTiles) ? byTiles : byEntries;
  const sound = entries.map((entry, index) => {
    const expected = tree?.leafHash(index) ?? hashes[index] ?? null;
    if (entry === null || expected === null || equalBytes(hashLeaf(entry), expected)) return entry;
    report.find(claim.entryName(index), `its bytes in ${bundleOf(index, claim)} were changed`);
    return null;
  });
  if (tree !== null) {
    await compareTiles(claim, tree, report);
    await compareOlderBundles(claim, sound, report);
    for (const { where, size, root } of claim.roots) {
      if (hex(tree.root(size)) !== root) {
        report.find(where, `its root at size ${size} is not that of the entries`);
      }
    }
  }
  return sound;
}

async function readEntries(claim: TreeClaim, report: Report): Promise<(Uint8Array | null)[]> {
  const all: (Uint8Array | null)[] = [];
  for (const bundle of bundlesOf(claim.size)) {
    const path = tilePath(bundle);
    const bytes = await claim.read(path);
    if (bytes === null) report.find(path, 'the file is missing');
    const { entries, isWhole } = decodeBundlePrefix(bytes ?? new Uint8Array(), bundle.width);
    if (bytes !== null && !isWhole) {
      const at = bundle.index * tileWidth + Math.min(entries.length, bundle.width - 1);
      report.find(claim.entryName(at), `${path} cannot be read from here on`);
    }
    const missing = Array.from({ length: bundle.width - entries.length }, () => null);
    all.push(...entries, ...missing);
  }
  return all;
}

async function readLeafHashes(claim: TreeClaim, report: Report): Promise<(Uint8Array | null)[]> {
  const all: (Uint8Array | null)[] = [];
  for (const tile of hashTilesOf(claim.size).filter(({ level }) => level === 0)) {
    const bytes = await claim.read(tilePath(tile));
    if (bytes?.byteLength !== tile.width * hashBytes) {
      report.find(tilePath(tile), bytes === null ? 'the file is missing' : 'its length is wrong');
      all.push(...Array.from({ length: tile.width }, () => null));
      continue;
    }
    for (let i = 0; i < tile.width; i++) all.push(bytes.slice(i * hashBytes, (i + 1) * hashBytes));
  }
  return all;
}

async function compareTiles(claim: TreeClaim, tree: MerkleTree, report: Report): Promise<void> {
  const tiles = new Map<string, HashTile>();
  for (const size of [claim.size, claim.sealedSize]) {
    for (const tile of hashTilesOf(size)) tiles.set(tilePath(tile), tile);
  }
  for (const [path, tile] of tiles) {
    const bytes = await claim.read(path);
    const expected = tileBytes(tree, tile);
    if (bytes?.byteLength !== expected.byteLength) {
      // Level 0 of the largest tree was reported when it was read.
      const isReported = tile.level === 0 && isTileOf(tile, claim.size);
      if (!isReported) report.find(path, bytes === null ? 'the file is missing' : 'wrong length');
      continue;
    }
    const at = bytes.findIndex((byte, i) => byte !== expected[i]);
    if (at < 0) continue;
    const index = tile.index * tileWidth + Math.floor(at / hashBytes);
    const what = tile.level === 0 ? claim.entryName(index) : `subtree ${index}`;
    report.find(path, `the hash of ${what} is not the one of the tree`);
  }
}

/** The partial bundle of the sealed tree repeats entries of the larger one. */
async function compareOlderBundles(
  claim: TreeClaim,
  entries: SoundEntries,
  report: Report,
): Promise<void> {
  for (const bundle of bundlesOf(claim.sealedSize)) {
    if (isTileOf(bundle, claim.size)) continue;
    const path = tilePath(bundle);
    const bytes = await claim.read(path);
    if (bytes === null) {
      report.find(path, 'the file is missing');
      continue;
    }
    const start = bundle.index * tileWidth;
    const found = decodeBundlePrefix(bytes, bundle.width);
    const at = Array.from({ length: bundle.width }, (_, i) => i).find((i) => {
      const [a, b] = [entries[start + i], found.entries[i]];
      return a !== null && a !== undefined && (b === undefined || !equalBytes(a, b));
    });
    if (at !== undefined)
      report.find(claim.entryName(start + at), `its bytes in ${path} were changed`);
    else if (!found.isWhole) report.find(path, 'bytes after its last entry');
  }
}

function isTileOf(tile: Tile, size: number): boolean {
  const tiles: readonly Tile[] = tile.level === 'entries' ? bundlesOf(size) : hashTilesOf(size);
  const path = tilePath(tile);
  return tiles.some((other) => tilePath(other) === path);
}

function bundleOf(index: number, claim: TreeClaim): string {
  const bundle = bundlesOf(claim.size)[Math.floor(index / tileWidth)];
  return bundle === undefined ? 'no bundle' : tilePath(bundle);
}

function treeOf(hashes: readonly (Uint8Array | null)[]): MerkleTree | null {
  const tree = new MerkleTree();
  for (const hash of hashes) {
    if (hash === null) return null;
    tree.append(hash);
  }
  return tree;
}
