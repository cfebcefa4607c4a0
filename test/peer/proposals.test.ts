import { expect } from 'chai';
import { utf8, type Digest, type Height } from '../../src/base/index.ts';
import { digestOf } from '../../src/crypto/index.ts';
import { genesisChain, type ChainState } from '../../src/peer/index.ts';
import { noRound } from '../../src/peer/local-view.ts';
import { Proposals } from '../../src/peer/proposals.ts';
import { decodeBlockBody, encodeBlockBody, type BlockBody } from '../../src/wire/index.ts';
import { code, initial, openOf, plan } from './sample-chain.ts';

const cid = digestOf(utf8('consortium'));
const root = digestOf(utf8('root'));

describe('Proposals', () => {
  let state: ChainState;
  let nowMs: number;
  let envelopes: Uint8Array[] | null;
  let bodyBytesMax: number;
  let proposals: Proposals;

  beforeEach(() => {
    state = genesisChain(plan);
    nowMs = 1000.7;
    envelopes = [];
    bodyBytesMax = Infinity;
    proposals = new Proposals({
      cid,
      rules: { plan, code, epoch: { cid, epoch: 0, members: [] }, censorAfterMs: 1000 },
      log: { logAfter: () => ({ size: 1, root }) },
      clock: { nowMs: () => nowMs },
      clockSkewMs: 5000,
      state: () => state,
      view: () => ({
        ...{ round: noRound, initialDigest: initial, evidence: () => [] },
        ...{ pending: () => [], successor: () => 'wait' },
      }),
      envelopesHere: () => envelopes,
      fits: (_what, bytes) => bytes.byteLength <= bodyBytesMax,
    });
  });

  /** The first block of the plan, as any member would propose it. */
  const first = (changes: Partial<BlockBody> = {}): Uint8Array =>
    encodeBlockBody({
      ...{ v: 1, cid, e: 0, h: 1 as Height, prev: state.prev, ts: 1000 },
      ...{ ops: [openOf(1)], log: { size: 1, root } },
      ...changes,
    });

  it('propose what is due, in the chain’s epoch, and accept it themselves', () => {
    expect(proposals.due()).to.deep.equal(first());
    expect(proposals.judge(first())).to.equal('accept');
    state = { ...state, epoch: 3 };
    const body = proposals.due()!;
    expect(decodeBlockBody(body).e).to.equal(3);
    expect(proposals.judge(body)).to.equal('accept');
  });

  it('never go back in time, whatever the clock says', () => {
    state = { ...state, ts: 9000 };
    expect(decodeBlockBody(proposals.due()!).ts).to.equal(9000);
  });

  it('propose nothing that is too large or whose envelopes are not here', () => {
    envelopes = null;
    expect(proposals.due()).to.equal(null);
    expect(proposals.judge(first())).to.equal('wait');
    envelopes = [];
    bodyBytesMax = first().byteLength - 1;
    expect(proposals.due()).to.equal(null);
  });

  const other = 'ab'.repeat(32) as Digest;
  const late = { deadline: 66_002 };
  const strays: Record<string, Partial<BlockBody>> = {
    'of another consortium': { cid: other },
    'of another epoch': { e: 1 },
    'of another height': { h: 2 as Height },
    'that follows another block': { prev: other },
    'of a clock too far ahead': { ts: 6002, ops: [openOf(1, late)] },
    'with another log': { log: { size: 1, root: other } },
    'with a log of another size': { log: { size: 2, root } },
    'that opens another round': { ops: [openOf(2)] },
  };
  for (const [name, changes] of Object.entries(strays)) {
    it(`reject a block ${name}`, () => {
      expect(proposals.judge(first(changes))).to.equal('reject');
    });
  }

  it('accept a clock that is not too far ahead, and reject one behind the last block and noise', () => {
    const ts = 6000;
    const ops = [openOf(1, { deadline: 66_000 })];
    expect(proposals.judge(first({ ts, ops }))).to.equal('accept');
    state = { ...state, ts: 1001 };
    expect(proposals.judge(first())).to.equal('reject');
    expect(proposals.judge(utf8('{}'))).to.equal('reject');
  });
});
