import { expect } from 'chai';
import type { Digest } from '../../src/base/index.ts';
import { fingerprintWords } from '../../src/crypto/index.ts';

// From the test vectors of BIP-39 (github.com/trezor/python-mnemonic, vectors.json): entropy of 16 equal bytes, of which the first
// eight words are its first 88 bits alone. https://github.com/bitcoin/bips/blob/master/bip-0039.mediawiki
const vectors: readonly (readonly [byte: string, words: string])[] = [
  ['00', 'abandon abandon abandon abandon abandon abandon abandon abandon'],
  ['7f', 'legal winner thank year wave sausage worth useful'],
  ['80', 'letter advice cage absurd amount doctor acoustic avoid'],
  ['ff', 'zoo zoo zoo zoo zoo zoo zoo zoo'],
];

describe('the words of a fingerprint', () => {
  for (const [byte, words] of vectors) {
    it(`are those of BIP-39 for bytes ${byte}`, () => {
      expect(fingerprintWords(byte.repeat(32) as Digest).join(' ')).to.equal(words);
    });
  }

  it('tell apart what differs in the 88th bit, and not what differs after it', () => {
    const [bit88, bit89] = [
      '0'.repeat(21) + '1' + '0'.repeat(42),
      '0'.repeat(22) + '8' + '0'.repeat(41),
    ];
    const none = fingerprintWords('0'.repeat(64) as Digest);
    expect(fingerprintWords(bit88 as Digest)).to.not.deep.equal(none);
    expect(fingerprintWords(bit89 as Digest)).to.deep.equal(none);
  });
});
