/**
 * Expected roots and proofs: the eight-leaf vectors of Certificate Transparency's reference
 * implementation (google/certificate-transparency, merkle_tree_test), and RFC 6962 2.1.3's example.
 */
import { expect } from 'chai';
import { fromHex, hex, utf8 } from '../../src/base/index.ts';
import { verifyConsistency, verifyInclusion } from '../../src/audit/merkle-proof.ts';
import { MerkleTree, hashLeaf, hashNode } from '../../src/audit/merkle-tree.ts';

const leaves = [
  '',
  '00',
  '10',
  '2021',
  '3031',
  '40414243',
  '5051525354555657',
  '606162636465666768696a6b6c6d6e6f',
].map((text) => fromHex(text)!);
const emptyRoot = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
const roots = [
  emptyRoot,
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];

function treeOf(entries: readonly Uint8Array[]): MerkleTree {
  const tree = new MerkleTree();
  for (const entry of entries) tree.append(hashLeaf(entry));
  return tree;
}

/** RFC 6962 2.1 written down as it stands: the oracle for larger trees. */
function mth(entries: readonly Uint8Array[]): Uint8Array {
  if (entries.length === 1) return hashLeaf(entries[0]!);
  let k = 1;
  while (k * 2 < entries.length) k *= 2;
  return hashNode(mth(entries.slice(0, k)), mth(entries.slice(k)));
}

describe('MerkleTree', () => {
  it('has the roots of the Certificate Transparency vectors at every size', () => {
    const tree = treeOf(leaves);
    roots.forEach((root, size) => {
      expect(hex(tree.root(size)), `size ${size}`).equals(root);
      expect(hex(treeOf(leaves.slice(0, size)).root()), `appended to ${size}`).equals(root);
    });
  });

  it('has the inclusion proofs of the Certificate Transparency vectors', () => {
    const tree = treeOf(leaves);
    // merkle_tree_test.cc, path of leaf 1 of 8, 6 of 8 and 3 of 3 (1-based there, 0-based here).
    expect(tree.inclusionProof(0, 8).map(hex)).deep.equals([
      '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7',
      '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
      '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4',
    ]);
    expect(tree.inclusionProof(2, 3).map(hex)).deep.equals([roots[2]]);
  });

  it('has the consistency proofs of the Certificate Transparency vectors', () => {
    const tree = treeOf(leaves);
    expect(tree.consistencyProof(6, 8).map(hex)).deep.equals([
      '0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a',
      'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
      'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
    ]);
    expect(tree.consistencyProof(2, 5).map(hex)).deep.equals([
      '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
      'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
    ]);
    expect(tree.consistencyProof(1, 1)).deep.equals([]);
  });

  it('agrees with the recursive definition up to 300 leaves', () => {
    const entries = Array.from({ length: 300 }, (_, i) => utf8(`entry ${i}`));
    const tree = treeOf(entries);
    for (let size = 1; size <= entries.length; size += 7) {
      expect(hex(tree.root(size)), `size ${size}`).equals(hex(mth(entries.slice(0, size))));
    }
  });

  it('answers rootAfter without changing', () => {
    const tree = treeOf(leaves.slice(0, 5));
    const after = tree.rootAfter(leaves.slice(5).map(hashLeaf));
    expect([after.size, hex(after.root)]).deep.equals([8, roots[8]]);
    expect([tree.size, hex(tree.root())]).deep.equals([5, roots[5]]);
    tree.append(hashLeaf(leaves[5]!));
    expect(hex(tree.root())).equals(roots[6]);
  });
});

describe('merkle proofs', () => {
  const entries = Array.from({ length: 21 }, (_, i) => utf8(`entry ${i}`));
  const tree = treeOf(entries);

  it('accept every leaf in every tree, and nothing altered', () => {
    for (let size = 1; size <= tree.size; size++) {
      for (let index = 0; index < size; index++) {
        const proof = tree.inclusionProof(index, size);
        const claim = { index, size, leafHash: tree.leafHash(index), root: tree.root(size), proof };
        const name = `leaf ${index} of ${size}`;
        expect(verifyInclusion(claim), name).equals(true);
        expect(verifyInclusion({ ...claim, leafHash: hashLeaf(utf8('x')) }), name).equals(false);
        expect(verifyInclusion({ ...claim, proof: [...proof, claim.root] }), name).equals(false);
        expect(verifyInclusion({ ...claim, index: size }), name).equals(false);
        if (proof.length > 0) {
          expect(verifyInclusion({ ...claim, proof: proof.slice(1) }), name).equals(false);
          expect(verifyInclusion({ ...claim, index: (index + 1) % size }), name).equals(false);
        }
      }
    }
  });

  it('accept every growth of the tree, and nothing altered', () => {
    for (let newSize = 1; newSize <= tree.size; newSize++) {
      for (let oldSize = 0; oldSize <= newSize; oldSize++) {
        const claim = {
          oldSize,
          oldRoot: tree.root(oldSize),
          newSize,
          newRoot: tree.root(newSize),
          proof: tree.consistencyProof(oldSize, newSize),
        };
        const name = `${oldSize} to ${newSize}`;
        expect(verifyConsistency(claim), name).equals(true);
        expect(
          verifyConsistency({ ...claim, proof: [...claim.proof, claim.newRoot] }),
          name,
        ).equals(false);
        if (oldSize > 0) {
          const other = hashLeaf(utf8('other'));
          expect(verifyConsistency({ ...claim, oldRoot: other }), name).equals(false);
          expect(verifyConsistency({ ...claim, newRoot: other }), name).equals(false);
        }
        if (claim.proof.length > 0) {
          expect(verifyConsistency({ ...claim, proof: claim.proof.slice(1) }), name).equals(false);
        }
        expect(verifyConsistency({ ...claim, newSize: oldSize - 1 }), name).equals(false);
      }
    }
  });
});
