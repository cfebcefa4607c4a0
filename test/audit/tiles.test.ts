/** Paths and counts are the examples of C2SP tlog-tiles. */
import { expect } from 'chai';
import { concatBytes, utf8 } from '../../src/base/index.ts';
import { MerkleTree, hashLeaf } from '../../src/audit/merkle-tree.ts';
import {
  bundlesOf,
  decodeBundle,
  encodeBundle,
  hashTilesOf,
  tileBytes,
  tilePath,
} from '../../src/audit/tiles.ts';

describe('tiles', () => {
  it('are named as tlog-tiles names them', () => {
    expect(tilePath({ level: 0, index: 1234067, width: 256 })).equals('tile/0/x001/x234/067');
    expect(tilePath({ level: 2, index: 0, width: 1 })).equals('tile/2/000.p/1');
    expect(tilePath({ level: 'entries', index: 1000, width: 255 })).equals(
      'tile/entries/x001/000.p/255',
    );
  });

  it('of 70,000 leaves are those of the worked example', () => {
    const names = hashTilesOf(70_000).map(tilePath);
    // "273 full level 0 tiles, one partial level 0 tile of width 112, one full level 1 tile, one
    // partial level 1 tile of width 17, and one partial level 2 tile of width 1"
    expect(names).has.length(273 + 1 + 1 + 1 + 1);
    expect(names.slice(272)).deep.equals([
      'tile/0/272',
      'tile/0/273.p/112',
      'tile/1/000',
      'tile/1/001.p/17',
      'tile/2/000.p/1',
    ]);
    expect(hashTilesOf(256).map(tilePath)).deep.equals(['tile/0/000', 'tile/1/000.p/1']);
    expect(bundlesOf(257).map(tilePath)).deep.equals(['tile/entries/000', 'tile/entries/001.p/1']);
    expect(hashTilesOf(0)).deep.equals([]);
  });

  it('hold leaf hashes at level 0 and roots of full tiles at level 1', () => {
    const tree = new MerkleTree();
    for (let i = 0; i < 515; i++) tree.append(hashLeaf(utf8(String(i))));
    const first = tileBytes(tree, { level: 0, index: 2, width: 3 });
    expect(first).deep.equals(
      concatBytes(...[512, 513, 514].map((i) => hashLeaf(utf8(String(i))))),
    );
    expect(tileBytes(tree, { level: 1, index: 0, width: 2 }).slice(0, 32)).deep.equals(
      tree.root(256),
    );
  });
});

describe('entry bundles', () => {
  const entries = [utf8('a'), new Uint8Array(0), new Uint8Array(258).fill(7)];

  it('prefix each entry with its length, big-endian', () => {
    const bytes = encodeBundle(entries);
    expect([...bytes.slice(0, 7)]).deep.equals([0, 1, 97, 0, 0, 1, 2]);
    expect(decodeBundle(bytes, 3)).deep.equals(entries);
  });

  it('are refused when cut, extended, miscounted or oversized', () => {
    const bytes = encodeBundle(entries);
    for (const bad of [
      bytes.slice(0, -1),
      concatBytes(bytes, Uint8Array.of(0)),
      bytes.slice(0, 1),
    ]) {
      expect(() => decodeBundle(bad, 3))
        .throws()
        .with.property('code', 'malformed');
    }
    expect(() => decodeBundle(bytes, 2))
      .throws()
      .with.property('code', 'malformed');
    expect(() => encodeBundle([new Uint8Array(65_536)]))
      .throws()
      .with.property('code', 'entry_too_large');
    expect(encodeBundle([new Uint8Array(65_535)])).has.length(65_537);
  });
});
