/** Chance that no one can predict, as the `Random` port: a seeded stream with a secret seed. */
import { randomBytes } from 'node:crypto';
import { seededRandom, type Random } from '../base/index.ts';

/** A fresh stream; two calls share nothing. Not for keys: those come from `crypto`. */
export function systemRandom(): Random {
  return seededRandom(randomBytes(32).toString('hex'));
}
