import { expect } from 'chai';
import { base64, utf8, type NodeId, type RoundNumber } from '../../src/base/index.ts';
import { AuditError } from '../../src/audit/index.ts';
import { digestOf, systemCrypto } from '../../src/crypto/index.ts';
import { CountedChecks } from '../../src/peer/counted-checks.ts';
import { MessageGate } from '../../src/peer/message-gate.ts';
import { writePeerMessage } from '../../src/peer/peer-messages.ts';
import { encodeCanonical, topics, type Topic, type Verdict } from '../../src/wire/index.ts';
import { consortium, member, open } from '../gossip/sample-round.ts';

const [l1, l2] = ['L1', 'L2'] as NodeId[];
const height = 7;

describe('MessageGate', () => {
  let gate: MessageGate;
  let charged: string[];
  let relay: Verdict;
  let checkpoint: 'known' | 'bad' | 'fresh';
  let refusal: string | null;

  beforeEach(() => {
    charged = [];
    checkpoint = 'fresh';
    relay = 'accept';
    refusal = null;
    const round = { open, judgeMessage: () => refusal };
    const checks = new CountedChecks(systemCrypto, (from, { signatures, refusal: why }) => {
      charged.push(`${from} ${signatures}${why === undefined ? '' : ` ${why}`}`);
    });
    gate = new MessageGate({
      relayVerdict: () => relay,
      ...{ consortium, checks, epoch: () => 0, height: () => height, round: () => round },
      checkCosignatures: () => {
        if (checkpoint === 'bad') {
          throw new AuditError({ code: 'malformed', what: 'note', expected: 'one' }, 'no note');
        }
        if (checkpoint === 'known') return checkpoint;
        const digest = digestOf(utf8('note'));
        return { kind: 'here', digest, text: '', size: 1, lines: new Map() };
      },
    });
  });

  /** What the gate says, whether the message goes on, and what was charged. */
  const judged = (topic: Topic, bytes: Uint8Array, from = l2!): [string, boolean, string[]] => {
    charged = [];
    const { verdict, admitted } = gate.judge(from, topic, bytes);
    return [verdict, admitted !== null, charged];
  };
  /** A NOTARIZE, signed as docs/specs/consensus.md has it, by L2 unless told otherwise. */
  const vote = (changes: { h?: number; cid?: string; signer?: string } = {}): Uint8Array => {
    const { h = height, cid = consortium.cid, signer = 'L2' } = changes;
    const signed = { t: 'NOTARIZE', cid, e: 0, h, v: 0, x: digestOf(utf8('body')) };
    const { consensus } = member(signer).keys;
    const sig = base64(consensus.sign('annulus/consensus/v1', encodeCanonical(signed)));
    return encodeCanonical({ ...signed, i: 1, sig });
  };

  it('rejects noise on every topic, and says so to its account', () => {
    for (const topic of topics.filter((one) => one !== 'log')) {
      for (const text of ['', 'x', '{}', '{"t":"status"}', '[[[[[[[[[[[[[[[[[[[[[[[[']) {
        const [verdict, goesOn, costs] = judged(topic, utf8(text));
        expect([verdict, goesOn, costs.length], `${topic} ${text}`).to.deep.equal([
          ...['reject', false, 1],
        ]);
        expect(costs[0], `${topic} ${text}`).to.match(/^L2 0 ./);
      }
    }
  });

  it('verifies a vote once, whoever passes it on', () => {
    expect(judged('consensus', vote())).to.deep.equal(['accept', true, ['L2 1']]);
    expect(judged('consensus', vote(), l1)).to.deep.equal(['accept', true, []]);
  });

  it('rejects votes of another hand, consortium or of nobody', () => {
    const refusal = ['L2 0 another consortium'];
    const elsewhere = vote({ cid: 'ab'.repeat(32) });
    expect(judged('consensus', elsewhere)).to.deep.equal(['reject', false, refusal]);
    const forged = ['L2 1', 'L2 0 bad signature on NOTARIZE'];
    expect(judged('consensus', vote({ signer: 'L1' }))).to.deep.equal(['reject', false, forged]);
    // The transport lets in members of other epochs: their votes mean nothing here.
    expect(judged('consensus', vote(), 'X1' as NodeId)).to.deep.equal(['ignore', false, []]);
  });

  it('neither passes on nor lets in late votes, and does not look at their signatures', () => {
    const late = vote({ h: height - 1, signer: 'L1' });
    expect(judged('consensus', late)).to.deep.equal(['ignore', false, []]);
  });

  it('passes on what has no signature of its own as the machine says, and lets in all but what it rejects', () => {
    const status = encodeCanonical({ t: 'STATUS', cid: consortium.cid, e: 0, h: height, v: 0 });
    expect(judged('consensus', status)).to.deep.equal(['accept', true, []]);
    relay = 'ignore';
    expect(judged('consensus', status)).to.deep.equal(['ignore', true, []]);
    relay = 'reject';
    const why = ['L2 0 STATUS that proves nothing'];
    expect(judged('consensus', status)).to.deep.equal(['reject', false, why]);
  });

  it('has the round judge its messages, and passes on of other rounds what needs no check', () => {
    const at = (r: number, t: 'update' | 'holds'): Uint8Array => {
      const kinds = {
        update: { t: 'update', envelope: '{}' },
        holds: { t: 'holds', open: [], locked: [] },
      } as const;
      return writePeerMessage({ ...kinds[t], r: r as RoundNumber })[1];
    };
    expect(judged('updates', at(open.r, 'update'))).to.deep.equal(['accept', true, []]);
    expect(judged('updates', at(open.r + 1, 'update'))).to.deep.equal(['ignore', true, []]);
    expect(judged('updates', at(open.r + 1, 'holds'))).to.deep.equal(['accept', true, []]);
    refusal = 'forged';
    const forged = ['reject', false, ['L2 0 forged']];
    expect(judged('updates', at(open.r, 'update'))).to.deep.equal(forged);
  });

  it('passes on checkpoints that bring something', () => {
    expect(judged('log', utf8('note'))).to.deep.equal(['accept', true, []]);
    checkpoint = 'known';
    expect(judged('log', utf8('note'))).to.deep.equal(['ignore', false, []]);
    checkpoint = 'bad';
    expect(judged('log', utf8('note'))).to.deep.equal(['reject', false, ['L2 0 no note']]);
  });
});
