import { expect } from 'chai';
import { fromUtf8, type RoundNumber } from '../../../../src/base/index.ts';
import { EnvelopeCheck } from '../../../../src/peer/rounds/exact/envelope-check.ts';
import { consortium, member, open, updateOf } from '../../../gossip/sample-round.ts';

describe('EnvelopeCheck', () => {
  it('verifies a good envelope once', async () => {
    const check = new EnvelopeCheck(consortium, open);
    const envelope = fromUtf8((await updateOf('L2')).envelope);
    expect(check.judge(envelope)).to.deep.equal({ signatures: 1 });
    expect(check.judge(envelope)).to.deep.equal({ signatures: 0 });
  });

  it('refuses another hand, another round and noise, each time anew', async () => {
    const check = new EnvelopeCheck(consortium, open);
    const elsewhere = new EnvelopeCheck(consortium, { ...open, r: (open.r + 1) as RoundNumber });
    const good = fromUtf8((await updateOf('L2')).envelope);
    const forged = await updateOf('L2', { logSigner: member('L3').keys.log });
    const cases: [string, EnvelopeCheck, string][] = [
      ['another hand', check, fromUtf8(forged.envelope)],
      ['another round', elsewhere, good],
      ['noise', check, '{}'],
    ];
    for (const [name, by, envelope] of cases) {
      for (const time of ['first', 'second']) {
        const { signatures, refusal } = by.judge(envelope);
        expect(signatures, `${name}, ${time}`).to.equal(1);
        expect(refusal, `${name}, ${time}`).to.match(/./);
      }
    }
  });
});
