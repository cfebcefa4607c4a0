/** Chance without a stream: a number that depends on its names alone, for whatever is asked of many pairs in any order. */

/** Uniform in [0, 1), from up to six whole numbers (MurmurHash3's mixing of 32-bit words). */
export function hashedUniform(a: number, b: number, c: number, d = 0, e = 0, f = 0): number {
  let hash = mixed(0x9e3779b9, a);
  hash = mixed(hash, b);
  hash = mixed(hash, c);
  hash = mixed(hash, d);
  hash = mixed(hash, e);
  hash = mixed(hash, f);
  hash ^= 24;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}

function mixed(hash: number, word: number): number {
  let k = Math.imul(word | 0, 0xcc9e2d51);
  k = Math.imul((k << 15) | (k >>> 17), 0x1b873593);
  const sum = hash ^ k;
  return (Math.imul((sum << 13) | (sum >>> 19), 5) + 0xe6546b64) | 0;
}
