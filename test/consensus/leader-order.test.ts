import { createHash } from 'node:crypto';
import { expect } from 'chai';

import type { NodeId } from '../../src/base/index.ts';
import { leaderOrder } from '../../src/consensus/index.ts';
import { faultCountMax, quorumOf } from '../../src/wire/index.ts';
import { digestOf } from '../../src/crypto/index.ts';

describe('the arithmetic of an epoch', () => {
  it('needs q = floor(2n/3)+1 votes and bears f = floor((n-1)/3) faults', () => {
    // n, f, q as in docs/specs/consensus.md
    const table = [
      [1, 0, 1],
      [2, 0, 2],
      [3, 0, 3],
      [4, 1, 3],
      [5, 1, 4],
      [6, 1, 5],
      [7, 2, 5],
      [8, 2, 6],
      [10, 3, 7],
      [31, 10, 21],
      [100, 33, 67],
    ] as const;
    for (const [n, f, q] of table) {
      expect([faultCountMax(n), quorumOf(n)], `n = ${n}`).deep.equal([f, q]);
      expect(2 * q - n, `two quorums of ${n} share an honest member`).greaterThan(f);
      expect(n - f, `the honest of ${n} make a quorum`).least(q);
    }
  });

  it('bears as many liars as are left when proven ones are suspended, and goes on with as many away', () => {
    for (let n = 1; n <= 100; n++) {
      const f = faultCountMax(n);
      for (let s = 0; s <= f; s++) {
        const [rest, q] = [n - s, quorumOf(n - s)];
        expect(faultCountMax(rest), `n = ${n}, ${s} suspended`).least(f - s);
        expect(2 * q - rest, `n = ${n}, ${s} suspended`).greaterThan(faultCountMax(rest));
        expect(rest - faultCountMax(rest), `n = ${n}, ${s} suspended`).least(q);
      }
    }
  });

  it('sorts members by SHA-256(previous || height as 8 bytes || id)', () => {
    const ids = ['L1', 'L2', 'L3', 'L4', 'L5'] as NodeId[];
    const previous = digestOf(new Uint8Array([1]));
    const height = Buffer.from('0000000000000102', 'hex'); // 258
    const ranked = ids
      .map((id, index) => {
        const hash = createHash('sha256').update(previous, 'hex').update(height).update(id);
        return { index, rank: hash.digest('hex') };
      })
      .sort((a, b) => (a.rank < b.rank ? -1 : 1));
    expect(leaderOrder(previous, 258, ids)).deep.equal(ranked.map(({ index }) => index));
  });

  it('gives another order at another height or after another block', () => {
    const ids = Array.from({ length: 20 }, (_, i) => `L${i}` as NodeId);
    const one = leaderOrder(digestOf(new Uint8Array([1])), 1, ids);
    expect([...one].sort((a, b) => a - b)).deep.equal(ids.map((_, i) => i));
    expect(leaderOrder(digestOf(new Uint8Array([1])), 2, ids)).not.deep.equal(one);
    expect(leaderOrder(digestOf(new Uint8Array([2])), 1, ids)).not.deep.equal(one);
  });
});
