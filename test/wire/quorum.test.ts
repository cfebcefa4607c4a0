import { expect } from 'chai';
import { faultCountMax, quorumOf } from '../../src/wire/index.ts';

describe('f and q of n members', () => {
  it('are those of the table in docs/specs/consensus.md', () => {
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
    }
  });

  it('let two quorums share an honest member, and the honest alone be one', () => {
    for (let n = 1; n <= 128; n++) {
      const f = faultCountMax(n);
      const q = quorumOf(n);
      expect(3 * f, `n = ${n}: f is below a third`).lessThan(n);
      expect(3 * (f + 1), `n = ${n}: one more is not`).least(n);
      expect(2 * q - n, `n = ${n}: two quorums share more than f`).greaterThan(f);
      expect(q, `n = ${n}: n - f are a quorum`).most(n - f);
    }
  });

  it('bear as many liars as are left when proven ones are suspended, and go on with as many away', () => {
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
});
