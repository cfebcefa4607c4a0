import { createHash } from 'node:crypto';
import { expect } from 'chai';
import { concatBytes, hex, utf8, type Digest } from '../../../src/base/index.ts';
import { hashLeaf, MerkleTree } from '../../../src/audit/merkle-tree.ts';
import {
  chunkCount,
  chunkListOf,
  chunkRoot,
  decodeList,
  encodeList,
  listBytes,
  listName,
} from '../../../src/gossip/content/chunk-list.ts';

const hash = (...parts: Uint8Array[]): string =>
  createHash('sha256')
    .update(concatBytes(...parts))
    .digest('hex');
const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));

async function* piecesOf(blob: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  await Promise.resolve();
  for (let at = 0; at < blob.byteLength; at += size) yield blob.subarray(at, at + size);
}

describe('list of chunks', () => {
  it('has the root of RFC 6962, also for a number of chunks that is no power of two', async () => {
    // Three chunks by hand: H(1, H(1, H(0,a), H(0,b)), H(0,c)).
    const leaf = (text: string): string => hash(Uint8Array.of(0), utf8(text));
    const node = (left: string, right: string): string =>
      hash(Uint8Array.of(1), bytes(left), bytes(right));
    const three = await chunkListOf(piecesOf(utf8('aabbc'), 3), 2);
    expect(three.leaves.map(hex)).to.deep.equal([leaf('aa'), leaf('bb'), leaf('c')]);
    expect(three.root).to.equal(node(node(leaf('aa'), leaf('bb')), leaf('c')));
    // The tree of the audit log is another program for the same tree.
    for (let count = 1; count <= 33; count++) {
      const leaves = Array.from({ length: count }, (_, at) => hashLeaf(Uint8Array.of(at)));
      const tree = new MerkleTree();
      for (const one of leaves) tree.append(one);
      expect(chunkRoot(leaves), `${count} chunks`).to.equal(hex(tree.root()));
    }
  });

  it('has one chunk for nothing, and the same list however the bytes come', async () => {
    expect([0, 1, 4, 5, 8, 9].map((total) => chunkCount(total, 4))).to.deep.equal([
      1, 1, 1, 2, 2, 3,
    ]);
    const empty = await chunkListOf(piecesOf(new Uint8Array(), 1), 4);
    expect([empty.totalBytes, empty.root]).to.deep.equal([0, hash(Uint8Array.of(0))]);
    const blob = Uint8Array.from({ length: 23 }, (_, at) => at);
    const lists = await Promise.all(
      [1, 4, 5, 23, 99].map((size) => chunkListOf(piecesOf(blob, size), 4)),
    );
    for (const list of lists) expect(list).to.deep.equal(lists[0]);
  });

  it('travels whole, and is refused when a bit of it is another', async () => {
    const list = await chunkListOf(piecesOf(utf8('abcdefghi'), 4), 4);
    const sent = encodeList(list);
    expect(sent.byteLength)
      .to.equal(8 + 32 + 3 * 32)
      .and.equal(listBytes(9, 4));
    expect(hex(sent.subarray(0, 8))).to.equal('0000000000000009');
    expect(decodeList(sent, 4)).to.deep.equal(list);
    for (const at of [0, 7, 8, 39, 40, sent.byteLength - 1]) {
      const changed = sent.slice();
      changed[at]! ^= 16;
      expect(decodeList(changed, 4), `byte ${at}`).to.equal(null);
    }
    for (const length of [0, 39, 40, 72, sent.byteLength - 1]) {
      expect(decodeList(sent.subarray(0, length), 4), `${length} bytes`).to.equal(null);
    }
    expect(decodeList(concatBytes(sent, Uint8Array.of(0)), 4)).to.equal(null);
  });

  it('is asked for by a name of its own', () => {
    const digest = 'ab'.repeat(32) as Digest;
    expect(listName(digest)).to.equal(hash(utf8('annulus.chunks.v1'), bytes(digest)));
  });
});
