import { expect } from 'chai';
import { utf8, type NodeId, type RoundNumber } from '../../src/base/index.ts';
import { digestOf } from '../../src/crypto/index.ts';
import {
  averagingRule,
  checkRoundUpdate,
  GossipError,
  readUpdate,
  type UpdateFacts,
} from '../../src/gossip/index.ts';
import type { ModelLayout } from '../../src/weights/index.ts';
import { bulkContext, openUpdateKey, type Open } from '../../src/wire/index.ts';
import { MemoryStore } from '../audit/memory-store.ts';
import { consortium, member, open, updateOf } from './sample-round.ts';

const other = digestOf(utf8('something else'));

describe('update envelope', () => {
  it('opens for every member', async () => {
    const { envelope, ciphertext } = await updateOf('L2');
    const facts = readUpdate(consortium, open, envelope);
    expect(facts).to.include({ author: 'L2', weight: 10, upd: digestOf(ciphertext) });
    expect(facts.metricsMilli).to.deep.equal({ loss: 1500 });
    for (const recipient of ['L1', 'L2', 'L8']) {
      expect(await opened(facts, ciphertext, recipient), recipient).to.equal('fits');
    }
  });

  it('takes the largest value that its weight allows and none beyond', async () => {
    // 8 members, clamp 1: 8 · 2^27 = 2^30 < 2^31 fits, 8 · 2^28 = 2^31 does not, so s = 27.
    // Weight 10 of at most 100: floor(0.1 · 2^27 + 0.5) = 13421773.
    for (const [value, fits] of [
      [13_421_773, true],
      [-13_421_773, true],
      [13_421_774, false],
      [-13_421_774, false],
    ] as const) {
      const { envelope, ciphertext } = await updateOf('L2', { values: Int32Array.of(0, 0, value) });
      const facts = readUpdate(consortium, open, envelope);
      const reason = await opened(facts, ciphertext, 'L1');
      expect(reason, String(value)).to.equal(fits ? 'fits' : 'bad');
    }
  });

  it('takes no value of a head that its author did not train, nor one larger than the head weighs', async () => {
    const layout = ['w', 'outs.hps.w', 'outs.ms.w'].map((name) => ({ name, shape: [1] }));
    // Weights of 10, 5 and 0 of at most 100, s = 27: ±13421773, floor(0.05 · 2^27 + 0.5) = 6710886, and 0.
    const heads = { hps: 5, ms: 0 };
    for (const [values, fits] of [
      [[13_421_773, 6_710_886, 0], true],
      [[-13_421_773, -6_710_886, 0], true],
      [[0, 6_710_887, 0], false],
      [[0, 0, 1], false],
    ] as const) {
      const of = { values: Int32Array.from(values), heads };
      const { envelope, ciphertext } = await updateOf('L2', of);
      const facts = readUpdate(consortium, open, envelope);
      const reason = await opened(facts, ciphertext, 'L1', 'L1', layout);
      expect(reason, values.join()).to.equal(fits ? 'fits' : 'bad');
    }
    for (const wrong of [{ hps: 5 }, { hps: 5, ms: 0, calc: 0 }, { hps: 5, rca: 0 }, {}]) {
      const { envelope, ciphertext } = await updateOf('L2', {
        ...{ values: new Int32Array(3), heads: wrong },
      });
      const facts = readUpdate(consortium, open, envelope);
      const reason = await opened(facts, ciphertext, 'L1', 'L1', layout);
      expect(reason, JSON.stringify(wrong)).to.equal('bad');
    }
  });

  const rounds: Record<string, Partial<Open>> = {
    round: { r: 4 as RoundNumber },
    stage: { stage: 'teacher-hps' },
    base: { base: other },
    code: { code: other },
    'hyper-parameters': { hp: { ...open.hp, steps: 2 } },
    rule: { rule: { ...open.rule, outerRateMicro: 999_999 } },
    deadline: { deadline: 1001 },
    participants: { participants: ['L1' as NodeId, 'L3' as NodeId] },
  };
  for (const [name, change] of Object.entries(rounds)) {
    it(`refuses an update for a round with another ${name}`, async () => {
      const { envelope } = await updateOf('L2');
      expect(() => readUpdate(consortium, { ...open, ...change }, envelope))
        .to.throw(GossipError)
        .with.property('code', 'bad_update');
    });
  }

  it('takes a weight up to the cap of the rule and none above', async () => {
    for (const [weight, fits] of [
      [50, true],
      [51, false],
    ] as const) {
      const { envelope } = await updateOf('L2', { weight });
      const read = (): unknown => readUpdate(consortium, open, envelope);
      if (fits) expect(read(), String(weight)).include({ weight });
      else expect(read, String(weight)).to.throw(GossipError, 'a weight of at most 50');
    }
  });

  it('refuses what its author did not sign', async () => {
    const forged = await updateOf('L2', { logSigner: member('L3').keys.log });
    expect(() => readUpdate(consortium, open, forged.envelope)).to.throw(GossipError);
    const { envelope } = await updateOf('L2');
    for (const at of [0, 100, envelope.byteLength - 5]) {
      const bent = envelope.slice();
      bent[at]! ^= 1;
      expect(() => readUpdate(consortium, open, bent), `byte ${at}`).to.throw(GossipError);
    }
    expect(() => readUpdate(consortium, open, envelope.subarray(0, -1))).to.throw(GossipError);
  });

  it('refuses a ciphertext that was changed or cut, and cannot open what is sealed to somebody else', async () => {
    const { envelope, ciphertext } = await updateOf('L2');
    const facts = readUpdate(consortium, open, envelope);
    const bent = ciphertext.slice();
    bent[bent.length - 1]! ^= 1;
    expect(await opened(facts, bent, 'L1')).to.equal('bad');
    expect(await opened(facts, ciphertext.subarray(0, -1), 'L1')).to.equal('bad');
    expect(await opened(facts, ciphertext, 'L1', 'L3')).to.equal('no_key');
  });

  it('refuses the ciphertext of another author, and another number of values', async () => {
    const theirs = await updateOf('L3');
    const { envelope, ciphertext } = await updateOf('L2');
    const facts = readUpdate(consortium, open, envelope);
    expect(await opened(facts, theirs.ciphertext, 'L1')).to.equal('wrong_key');
    expect(await opened(facts, ciphertext, 'L1', 'L1', shared(70))).to.equal('bad');
  });

  it('refuses a statement that lies about the size of its bulk', async () => {
    const { envelope, ciphertext } = await updateOf('L2');
    const facts = readUpdate(consortium, open, envelope);
    const statement = { ...facts.statement, updateBytes: ciphertext.byteLength - 1 };
    expect(await opened({ ...facts, statement }, ciphertext, 'L1')).to.equal('bad');
  });
});

/** `count` parameters of no head. */
function shared(count: number): ModelLayout {
  return [{ name: 'w', shape: [count] }];
}

/** What comes of an update at a member: 'fits', 'no_key', or why it is refused. */
async function opened(
  facts: UpdateFacts,
  ciphertext: Uint8Array,
  recipient: string,
  keyOf = recipient,
  layout = shared(3),
): Promise<string> {
  const sealPrivate = member(keyOf).keys.seal.privateKey;
  const { statement, weight, heads } = facts;
  const key = await openUpdateKey(statement, member(recipient).id, sealPrivate);
  if (key === null) return 'no_key';
  const store = new MemoryStore();
  await store.write('update', ciphertext);
  const outcome = await checkRoundUpdate(store, {
    ...{ ciphertext: 'update', digest: digestOf(ciphertext), key, layout },
    context: bulkContext(statement),
    weights: { weight, heads },
    updateBytes: statement.updateBytes,
    rule: averagingRule(open.rule, 8),
  });
  return outcome.kind;
}
