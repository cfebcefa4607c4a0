import { expect } from 'chai';
import fc from 'fast-check';

import { fromUtf8, utf8 } from '../../src/base/index.ts';
import { digestOf } from '../../src/crypto/index.ts';
import {
  blockLeaf,
  bodyDigest,
  decodeBlockBody,
  encodeBlockBody,
  genesisPrev,
  openDigest,
  readBlockBody,
  readOp,
  WireError,
} from '../../src/wire/index.ts';
import { flipped, readVector } from './fixtures.ts';
import { plainRule, studentTraining } from './sample-stage.ts';

const vector = readVector('block.json');
const bytes = utf8(vector.body!);
const body = decodeBlockBody(bytes);
const hash = genesisPrev;

function codeOf(act: () => unknown): string {
  try {
    act();
    return 'accepted';
  } catch (error) {
    if (error instanceof WireError) return error.code;
    throw error;
  }
}

const open = {
  op: 'OPEN',
  r: 1,
  stage: 'student',
  base: hash,
  code: hash,
  hp: { ...studentTraining, seed: 7, steps: 3, lrMicro: 1000 },
  rule: plainRule,
  deadline: 1_700_000_000_000,
  minParticipants: 2,
  participants: ['L1', 'L2'],
};
const seal = { op: 'SEAL', r: 1, agg: hash, W: 240, metrics: { loss: -5 } };
const noModel = { op: 'VOID', r: 1, reason: 'too_few_updates' };
const withOps = (...ops: object[]): object => ({ ...body, ops });

describe('block body', () => {
  it('has the bytes, digest and log entry that another implementation gives it', () => {
    expect(fromUtf8(encodeBlockBody(body))).to.equal(vector.body);
    expect(bodyDigest(body)).to.equal(vector.digest);
    expect(digestOf(blockLeaf(body))).to.equal(vector.leafDigest);
  });

  it('gives an OPEN the digest that another implementation gives it', () => {
    const read = readOp(JSON.parse(vector.open!));
    expect(read.op === 'OPEN' && openDigest(read)).to.equal(vector.openDigest);
  });

  it('holds a cut of 256 updates, and grows by one line for each', () => {
    // {"env":"64","n":2147483647,"peer":"32","upd":"64"} and a comma: 8+64+6+10+9+32+9+64+2+1 = 205 bytes an update.
    const cutOf = (count: number): number => {
      const list = Array.from({ length: count }, (_, i) => ({
        ...{ env: hash, upd: hash, n: 2 ** 31 - 1 },
        peer: `hospital-with-the-longest-na-${String(i).padStart(3, '0')}`,
      }));
      const value = withOps({ ...cut, updates: list });
      return encodeBlockBody(readBlockBody(value)).byteLength;
    };
    const sizes = [8, 24, 64, 100, 256].map((count): [number, number] => [count, cutOf(count)]);
    // eslint-disable-next-line no-console -- the figures are asked for
    console.log(`      bytes of a cut: ${sizes.map(([n, b]) => `n = ${n}: ${b}`).join(', ')}`);
    const [[, smallest], ...others] = sizes as [[number, number], ...[number, number][]];
    for (const [count, size] of others) {
      expect(size - smallest, `n = ${count}`).to.equal(205 * (count - 8));
      expect(size, `n = ${count}`).to.be.at.most(60 * 1024);
    }
  });

  it('reads every operation', () => {
    const value = withOps(seal, open);
    expect(readBlockBody(value)).to.deep.equal(value);
    expect(readBlockBody(withOps(noModel))).to.deep.equal(withOps(noModel));
  });

  const cut = JSON.parse(JSON.stringify(body.ops[0])) as { updates: Record<string, unknown>[] };
  const [update] = cut.updates as [Record<string, unknown>];
  const updates = (...list: object[]): object => withOps({ ...cut, updates: list });
  const refused: [string, object][] = [
    ['another version', { ...body, v: 2 }],
    ['an unknown key', { ...body, note: '' }],
    ['no operations', withOps()],
    ['five operations', withOps(seal, seal, seal, seal, seal)],
    ['an unknown operation', withOps({ ...noModel, op: 'MINT' })],
    ['an unknown reason', withOps({ ...noModel, reason: 'because' })],
    ['a negative height', { ...body, h: -1 }],
    ['a log of size 0', { ...body, log: { size: 0, root: hash } }],
    ['participants out of order', withOps({ ...open, participants: ['L2', 'L1'] })],
    ['nobody taking part', withOps({ ...open, participants: [] })],
    ['an unknown rule', withOps({ ...open, rule: { kind: 'median' } })],
    ['hyper-parameters without a seed', withOps({ ...open, hp: { ...open.hp, seed: undefined } })],
    ['a metric that is a fraction', withOps({ ...seal, metrics: { loss: 0.5 } })],
    ['a sum of weights of 0', withOps({ ...seal, W: 0 })],
    ['an empty cut', updates()],
    ['updates out of order', updates({ ...update, peer: 'L2' }, update)],
    ['one peer twice', updates(update, update)],
    ['a weight of 0', updates({ ...update, n: 0 })],
    ['a weight that is a fraction', updates({ ...update, n: 1.5 })],
    ['an update with more said of it', updates({ ...update, ack: [] })],
  ];
  for (const [what, value] of refused) {
    it(`refuses ${what}`, () => {
      expect(codeOf(() => readBlockBody(value))).to.equal('malformed');
    });
  }

  it('throws nothing but its coded error', () => {
    for (let index = 0; index < bytes.byteLength; index++) {
      const damaged = flipped(bytes, index, index % 8);
      const code = codeOf(() => {
        // A body carries no signature: a flip may make another body, never the same one.
        expect(bodyDigest(decodeBlockBody(damaged))).to.not.equal(vector.digest);
      });
      expect(code).to.be.oneOf(['accepted', 'malformed']);
    }
    expect(codeOf(() => decodeBlockBody(new Uint8Array(61_441)))).to.equal('too_large');
    fc.assert(
      fc.property(fc.jsonValue(), (value) => codeOf(() => readBlockBody(value)) === 'malformed'),
    );
  });
});
