import { expect } from 'chai';
import { utf8, type RoundNumber } from '../../../src/base/index.ts';
import { verifyRaw, type VerifyBytes } from '../../../src/crypto/index.ts';
import { GossipError } from '../../../src/gossip/index.ts';
import { EnvelopeReader } from '../../../src/peer/rounds/envelope-reader.ts';
import { consortium, member, open, updateOf } from '../../gossip/sample-round.ts';

describe('EnvelopeReader', () => {
  let verified = 0;
  const verify: VerifyBytes = (...signed) => {
    verified += 1;
    return verifyRaw(...signed);
  };

  beforeEach(() => {
    verified = 0;
  });

  it('verifies a good envelope once', async () => {
    const reader = new EnvelopeReader(consortium, open, verify);
    const { envelope } = await updateOf('L2');
    expect(reader.read(envelope).author).to.equal('L2');
    expect(reader.read(envelope).author).to.equal('L2');
    expect(verified).to.equal(1);
  });

  it('refuses another hand, another round and noise, each time anew', async () => {
    const reader = new EnvelopeReader(consortium, open, verify);
    const later = { ...open, r: (open.r + 1) as RoundNumber };
    const { log } = member('L3').keys;
    const { publicKey } = member('L2').keys.log;
    const { envelope: good } = await updateOf('L2');
    const { envelope: stranger } = await updateOf('L2', { logSigner: log });
    const { envelope: forged } = await updateOf('L2', { logSigner: { ...log, publicKey } });
    const cases: [string, EnvelopeReader, Uint8Array, number][] = [
      ['noise', reader, utf8('{}'), 0],
      // Under the name of its own key a forgery is not even looked at; under that of L2 it costs a check.
      ['a key that is not the author’s', reader, stranger, 0],
      ['another hand', reader, forged, 1],
      ['another round', new EnvelopeReader(consortium, later, verify), good, 1],
    ];
    for (const [name, by, envelope, cost] of cases) {
      for (const time of ['first', 'second']) {
        verified = 0;
        expect(() => by.read(envelope), `${name}, ${time}`).to.throw(GossipError);
        expect(verified, `${name}, ${time}`).to.equal(cost);
      }
    }
  });
});
