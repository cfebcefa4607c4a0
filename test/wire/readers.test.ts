import { expect } from 'chai';

import {
  arr,
  b64,
  bool,
  checked,
  digest,
  int,
  isAscending,
  literal,
  nodeId,
  obj,
  optional,
  pair,
  record,
  str,
  unionBy,
  WireError,
  type Reader,
} from '../../src/wire/index.ts';

/** `accepted`, or where and what was expected. */
function resultOf(reader: Reader<unknown>, value: unknown): string {
  try {
    reader(value);
    return 'accepted';
  } catch (error) {
    if (!(error instanceof WireError) || error.facts.code !== 'malformed') throw error;
    return error.facts.path;
  }
}

const hash = 'a'.repeat(64);
const table: [string, Reader<unknown>, unknown[], unknown[]][] = [
  ['str', str(3, /^[a-z]*$/), ['', 'abc'], ['abcd', 'A', 1, null, ['a'], undefined]],
  ['int', int(-1, 3), [-1, 0, 3], [-2, 4, 0.5, '1', NaN, Infinity, null, true, 2 ** 53]],
  ['bool', bool, [true, false], [0, 'true', null]],
  ['literal', literal('a', 2), ['a', 2], ['b', '2', null]],
  ['digest', digest, [hash], [hash.toUpperCase(), hash.slice(1), `${hash}\n`, 1]],
  ['nodeId', nodeId, ['L1', 'a-B'], ['', 'L_1', 'x'.repeat(33), 'L1\n', 3]],
  ['b64', b64(3, 1), ['AA==', 'AAAA'], ['', 'AAAAAA==', 'AA', 'AB==', 'A A=', '-_==', 4]],
  ['arr', arr(int(0, 9), 2, 1), [[1], [1, 2]], [[], [1, 2, 3], ['1'], {}, 'ab', { length: 1 }]],
  ['pair', pair(int(0, 1), bool), [[1, true]], [[1], [1, true, 0], [true, 1], {}]],
  [
    'record',
    record(/^[a-z]$/, bool, 2),
    [{}, { a: true }],
    [{ A: true }, { a: 1 }, { a: true, b: true, c: true }, []],
  ],
];

describe('readers', () => {
  for (const [name, reader, good, bad] of table) {
    it(`${name} takes what it should and nothing else`, () => {
      for (const value of good)
        expect(resultOf(reader, value), JSON.stringify(value)).to.equal('accepted');
      for (const value of bad) {
        expect(resultOf(reader, value), JSON.stringify(value)).to.not.equal('accepted');
      }
    });
  }

  it('obj wants exactly its keys', () => {
    const reader = obj({ a: int(0, 9), b: optional(bool) });
    expect(reader({ a: 1 })).to.deep.equal({ a: 1 });
    expect(reader({ a: 1, b: true })).to.deep.equal({ a: 1, b: true });
    const bad: [unknown, string][] = [
      [{}, '$.a'],
      [{ a: 1, c: 2 }, '$'],
      [{ a: 1, toString: 2 }, '$'],
      [{ a: 1, b: null }, '$.b'],
      [{ a: 'x' }, '$.a'],
      [[], '$'],
      [null, '$'],
      ['a', '$'],
    ];
    for (const [value, path] of bad)
      expect(resultOf(reader, value), JSON.stringify(value)).to.equal(path);
  });

  it('takes no inherited value for a key', () => {
    const reader = obj({ toString: str(5) });
    expect(resultOf(reader, {})).to.equal('$.toString');
  });

  it('names the place of a fault', () => {
    const reader = obj({ list: arr(obj({ n: int(0, 1) }), 5) });
    expect(resultOf(reader, { list: [{ n: 0 }, { n: 7 }] })).to.equal('$.list[1].n');
  });

  it('unionBy chooses by tag', () => {
    const reader = unionBy<unknown>('t', {
      a: obj({ t: literal('a') }),
      b: obj({ t: literal('b'), n: bool }),
    });
    expect(resultOf(reader, { t: 'a' })).to.equal('accepted');
    expect(resultOf(reader, { t: 'b', n: true })).to.equal('accepted');
    for (const value of [{ t: 'a', n: true }, { t: 'c' }, { t: 'toString' }, { t: 1 }, {}, null]) {
      expect(resultOf(reader, value), JSON.stringify(value)).to.not.equal('accepted');
    }
  });

  it('checked adds a rule', () => {
    const even = checked(int(0, 10), (n) => (n % 2 === 0 ? null : 'an even number'));
    expect(resultOf(even, 4)).to.equal('accepted');
    expect(resultOf(even, 5)).to.equal('$');
    expect(resultOf(even, 12)).to.equal('$');
  });

  it('isAscending is strict', () => {
    expect(isAscending([])).to.equal(true);
    expect(isAscending(['L1', 'L10', 'L2'])).to.equal(true);
    expect(isAscending(['L1', 'L1'])).to.equal(false);
    expect(isAscending(['L2', 'L1'])).to.equal(false);
  });
});
