/** Do the entries, the tiles and the signed roots of a log directory agree, and if not, which is wrong? */
import { equalBytes, hex } from '../base/index.ts';
import { MerkleTree, hashBytes, hashLeafOnce } from './merkle-tree.ts';
import { LeafHashes } from './leaf-hashes.ts';
import { SoundEntries } from './sound-entries.ts';
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
  /** Size of the cosigned tree, whose partial tiles must be there as well. */
  readonly cosignedSize: number;
  readonly roots: readonly SignedRoot[];
  /** `entry 17 (update of L3, round 4)`. */
  readonly entryName: (index: number) => string;
}

const fileMissing = 'the file is missing';

/** Checks all tiles and bundles, naming every damaged one, and gives back the sound entries. */
export async function verifyTree(claim: TreeClaim, report: Report): Promise<SoundEntries> {
  const { own, brokenAt } = await readEntries(claim, report);
  const tiles = await readLeafHashes(claim, report);
  const signed = claim.roots.find(({ size }) => size === claim.size)?.root;
  // A hash that one of the two lacks is taken from the other: the signed root says whether it was right.
  const tree =
    [treeOf(own, tiles), treeOf(tiles, own)].find(
      (candidate) => candidate !== null && hex(candidate.root()) === signed,
    ) ?? null;
  if (tree === null) {
    for (const [bundle, at] of brokenAt) reportBroken(bundle, at, claim, report);
    reportUnsigned(own, tiles, claim, report);
    return new SoundEntries(claim.read, own);
  }
  for (let index = 0; index < own.size; index++) {
    const hash = own.at(index);
    if (hash === null || equalBytes(hash, tree.leafHash(index))) continue;
    own.drop(index);
    const bundle = Math.floor(index / tileWidth);
    const at = brokenAt.get(bundle);
    // A length that was changed spoils whatever is read behind it: one cause, told below.
    if (at !== undefined) brokenAt.set(bundle, Math.min(at, index));
    else report.find(claim.entryName(index), `its bytes in ${bundleOf(index, claim)} were changed`);
  }
  for (const [bundle, at] of brokenAt) reportBroken(bundle, at, claim, report);
  await compareTiles(claim, tree, report);
  await compareOlderBundles(claim, own, report);
  for (const { where, size, root } of claim.roots) {
    if (hex(tree.root(size)) !== root) {
      report.findShared(where, 'its root is not that of the entries it covers');
    }
  }
  return new SoundEntries(claim.read, own);
}

/** Neither files give the signed root: which of them were changed, the blocks' own digests may still tell. */
function reportUnsigned(
  own: LeafHashes,
  tiles: LeafHashes,
  claim: TreeClaim,
  report: Report,
): void {
  const lost = [...own.missing].filter((index) => tiles.missing.has(index)).length;
  if (lost > 0) {
    report.note(
      `the tree of ${claim.size} entries could not be derived again: ${lost} of them are neither in a bundle nor in a tile`,
    );
    return;
  }
  const differing: number[] = [];
  for (let index = 0; index < own.size; index++) {
    const [hash, other] = [own.at(index), tiles.at(index)];
    if (hash !== null && other !== null && !equalBytes(hash, other)) differing.push(index);
  }
  const where =
    differing.length === 0
      ? 'and they agree with one another'
      : `and they differ at ${differing.slice(0, 3).map(claim.entryName).join(', ')}${differing.length > 3 ? ` and ${differing.length - 3} more` : ''}`;
  report.find(
    'tree',
    `neither entries nor tiles give the root signed at size ${claim.size}, ${where}`,
  );
}

/** `entry 7 (block 4)` is the first of the bundle that is not what it was. */
function reportBroken(bundle: number, at: number, claim: TreeClaim, report: Report): void {
  const count = Math.min(claim.size, (bundle + 1) * tileWidth) - at;
  const lost = count > 1 ? `: ${count} entries could not be checked` : '';
  report.find(claim.entryName(at), `${bundleOf(at, claim)} cannot be read from here on${lost}`);
}

/** What the bundles hold, without the bytes. */
interface ReadEntries {
  readonly own: LeafHashes;
  /** By index of a bundle that does not hold what it should, the first entry that could not be read. */
  readonly brokenAt: Map<number, number>;
}

async function readEntries(claim: TreeClaim, report: Report): Promise<ReadEntries> {
  const own = new LeafHashes();
  const brokenAt = new Map<number, number>();
  const gone: { readonly path: string; readonly width: number }[] = [];
  for (const bundle of bundlesOf(claim.size)) {
    const path = tilePath(bundle);
    const bytes = await claim.read(path);
    if (bytes === null) gone.push({ path, width: bundle.width });
    const { entries, isWhole } = decodeBundlePrefix(bytes ?? new Uint8Array(), bundle.width);
    if (bytes !== null && !isWhole) {
      const at = bundle.index * tileWidth + Math.min(entries.length, bundle.width - 1);
      brokenAt.set(bundle.index, at);
    }
    for (const entry of entries) own.push(hashLeafOnce(entry));
    for (let i = entries.length; i < bundle.width; i++) own.push(null);
  }
  const count = gone.reduce((sum, { width }) => sum + width, 0);
  const files = gone.length === 1 ? 'the file is missing' : `${gone.length} files are missing`;
  for (const { path } of gone) {
    report.findShared(path, `${files}: ${count} entries could not be checked`);
  }
  return { own, brokenAt };
}

async function readLeafHashes(claim: TreeClaim, report: Report): Promise<LeafHashes> {
  const all = new LeafHashes();
  for (const tile of hashTilesOf(claim.size).filter(({ level }) => level === 0)) {
    const bytes = await claim.read(tilePath(tile));
    if (bytes?.byteLength !== tile.width * hashBytes) {
      report.findShared(tilePath(tile), bytes === null ? fileMissing : 'its length is wrong');
      for (let i = 0; i < tile.width; i++) all.push(null);
      continue;
    }
    for (let at = 0; at < bytes.byteLength; at += hashBytes) {
      all.push(bytes.subarray(at, at + hashBytes));
    }
  }
  return all;
}

async function compareTiles(claim: TreeClaim, tree: MerkleTree, report: Report): Promise<void> {
  const tiles = new Map<string, HashTile>();
  for (const size of [claim.size, claim.cosignedSize]) {
    for (const tile of hashTilesOf(size)) tiles.set(tilePath(tile), tile);
  }
  for (const [path, tile] of tiles) {
    const bytes = await claim.read(path);
    const expected = tileBytes(tree, tile);
    if (bytes?.byteLength !== expected.byteLength) {
      // Level 0 of the largest tree was reported when it was read.
      const isReported = tile.level === 0 && isTileOf(tile, claim.size);
      const what = bytes === null ? fileMissing : 'its length is wrong';
      if (!isReported) report.findShared(path, what);
      continue;
    }
    const at = bytes.findIndex((byte, i) => byte !== expected[i]);
    if (at < 0) continue;
    const index = tile.index * tileWidth + Math.floor(at / hashBytes);
    const what = tile.level === 0 ? claim.entryName(index) : `subtree ${index}`;
    report.find(path, `the hash of ${what} is not the one of the tree`);
  }
}

/** The partial bundle of the cosigned tree repeats entries of the larger one. */
async function compareOlderBundles(
  claim: TreeClaim,
  hashes: LeafHashes,
  report: Report,
): Promise<void> {
  for (const bundle of bundlesOf(claim.cosignedSize)) {
    if (isTileOf(bundle, claim.size)) continue;
    const path = tilePath(bundle);
    const bytes = await claim.read(path);
    if (bytes === null) {
      report.findShared(path, fileMissing);
      continue;
    }
    const start = bundle.index * tileWidth;
    const found = decodeBundlePrefix(bytes, bundle.width);
    const at = Array.from({ length: bundle.width }, (_, i) => i).find((i) => {
      const hash = hashes.at(start + i);
      const other = found.entries[i];
      return hash !== null && (other === undefined || !equalBytes(hash, hashLeafOnce(other)));
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

/** The tree of `hashes`, with those of `others` where there are none; `null` where both lack one. */
function treeOf(hashes: LeafHashes, others: LeafHashes): MerkleTree | null {
  const tree = new MerkleTree();
  for (let index = 0; index < hashes.size; index++) {
    const hash = hashes.at(index) ?? others.at(index);
    if (hash === null) return null;
    tree.append(hash);
  }
  return tree;
}
