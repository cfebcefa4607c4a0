import { createHash } from 'node:crypto';
import { expect } from 'chai';

import type { NodeId } from '../../src/base/index.ts';
import { leaderOrder } from '../../src/consensus/index.ts';
import { digestOf } from '../../src/crypto/index.ts';

describe('the order of leaders', () => {
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
