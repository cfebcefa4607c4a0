/** A digest as words that two people compare on the phone. */
import { wordlist } from '@scure/bip39/wordlists/english.js';

import { fromHex, invariant, type Digest } from '../base/index.ts';

const [wordCount, bitsOfWord] = [8, 11] as const;

/**
 * Eight words of BIP-39's English list for the first 88 bits of `digest`, 11 bits a word. Whoever wants to pass another thing off
 * for this one has to find 2^88 of them.
 */
export function fingerprintWords(digest: Digest): readonly string[] {
  const bytes = fromHex(digest);
  invariant(
    bytes !== null && wordlist.length === 2 ** bitsOfWord,
    'a digest, a list of 2^11 words',
  );
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  return Array.from({ length: wordCount }, (_, at) => {
    const index = Number.parseInt(bits.slice(at * bitsOfWord, (at + 1) * bitsOfWord), 2);
    return wordlist[index] as string;
  });
}
