import { changingRandomWorld, failureOf } from './test/simulate/random-world.ts';
const [from, to] = process.argv.slice(2).map(Number);
const t0 = Date.now();
let bad = 0;
for (let seed = from; seed <= to; seed++) {
  const t = Date.now();
  let failure: string | null;
  try { failure = await failureOf(changingRandomWorld(seed)); } catch (e) { failure = 'threw ' + (e as Error).stack; }
  if (failure !== null) { bad++; console.log(seed, failure, JSON.stringify(changingRandomWorld(seed).membership)); }
  if (Date.now() - t > 5000) console.log('slow', seed, Date.now() - t);
}
console.log('done', from, to, 'bad', bad, Date.now() - t0, 'ms');
