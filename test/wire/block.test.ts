import { expect } from 'chai';
import fc from 'fast-check';

import { fromBase64, fromUtf8, utf8 } from '../../src/base/index.ts';
import { digestOf, verifySignature } from '../../src/crypto/index.ts';
import {
  blockLeaf,
  bodyDigest,
  decodeBlockBody,
  encodeBlockBody,
  genesisPrev,
  readBlockBody,
  receiptBytes,
  receiptDomain,
  WireError,
  type Cut,
} from '../../src/wire/index.ts';
import { flipped, keyOf, readVector } from './fixtures.ts';

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
  hp: { batch: 2, optimiser: 'adamw' },
  rule: { name: 'mean', params: { fractionBits: 27 } },
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

  it('carries receipts that verify', () => {
    const cut = body.ops[0] as Cut;
    const [{ peer, env, upd, ack }] = cut.updates as [Cut['updates'][0]];
    const message = receiptBytes({ cid: body.cid, r: cut.r, peer, env, upd });
    const signature = fromBase64(ack[0]![1])!;
    const { publicKey } = keyOf('L1', 'consensusKey');
    expect(verifySignature(publicKey, receiptDomain, message, signature)).to.equal(true);
    const other = receiptBytes({ cid: body.cid, r: cut.r, peer, env: upd, upd });
    expect(verifySignature(publicKey, receiptDomain, other, signature)).to.equal(false);
  });

  it('reads every operation', () => {
    const value = withOps(seal, open);
    expect(readBlockBody(value)).to.deep.equal(value);
    expect(readBlockBody(withOps(noModel))).to.deep.equal(withOps(noModel));
  });

  const cut = JSON.parse(JSON.stringify(body.ops[0])) as { updates: Record<string, unknown>[] };
  const [update] = cut.updates as [Record<string, unknown>];
  const [[, sig]] = update.ack as [[number, string]];
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
    ['an unknown rule', withOps({ ...open, rule: { name: 'median', params: {} } })],
    ['a metric that is a fraction', withOps({ ...seal, metrics: { loss: 0.5 } })],
    ['a sum of weights of 0', withOps({ ...seal, W: 0 })],
    ['an empty cut', updates()],
    ['updates out of order', updates({ ...update, peer: 'L2' }, update)],
    ['one peer twice', updates(update, update)],
    ['a weight of 0', updates({ ...update, n: 0 })],
    ['a weight that is a fraction', updates({ ...update, n: 1.5 })],
    [
      'receipts out of order',
      updates({
        ...update,
        ack: [
          [1, sig],
          [0, sig],
        ],
      }),
    ],
    [
      'one receipt twice',
      updates({
        ...update,
        ack: [
          [0, sig],
          [0, sig],
        ],
      }),
    ],
    ['a receipt of another size', updates({ ...update, ack: [[0, 'AAAA']] })],
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
