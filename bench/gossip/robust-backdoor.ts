/**
 * How often a backdoor opens under each rule: logistic regression on four classes, hospitals with the same data, liars that
 * train on a trigger and send their change so many times. No rule is claimed to stop it; these are its rates.
 *
 *   node bench/gossip/robust-backdoor.ts
 */
import { seededRandom, type Random } from '../../src/base/index.ts';
import { robustVector } from '../../src/gossip/index.ts';
import {
  backdoorSuccess,
  withBackdoor,
  type Backdoor,
  type Example,
} from '../../src/simulate/index.ts';
import type { RobustRule } from '../../src/wire/index.ts';

const [classCount, featureCount] = [4, 20];
const [rounds, steps, learningRate] = [40, 10, 0.2];
const seeds = [1, 2, 3, 4, 5];
const backdoor: Backdoor = {
  trigger: [
    { index: 18, value: 2 },
    { index: 19, value: -2 },
  ],
  target: 0,
  share: 0.5,
};
const cap = { capMicro: 350_000 };
const centred: RobustRule = {
  ...{ kind: 'centred-clip', ...cap, radiusMicro: 1_000_000, iterations: 8 },
};
const rulesFor = (tolerated: number): Readonly<Record<string, RobustRule | null>> => ({
  mean: null,
  'centred clip': centred,
  'NNM + centred': { ...centred, nnmTolerated: tolerated },
  'norm clip': { kind: 'norm-clip', ...cap, radiusMicro: 1_000_000 },
  'trimmed 0.3': { kind: 'trimmed-mean', ...cap, trimMicro: 300_000 },
  median: { kind: 'median', ...cap },
  'geo. median': { kind: 'geometric-median', ...cap, iterations: 32 },
  'multi-Krum': { kind: 'multi-krum', ...cap, tolerated },
});

console.log('accuracy without the trigger / success of the trigger, %, mean of 5 seeds');
const columns = [
  { memberCount: 8, liarCount: 0, factor: 1 },
  { memberCount: 8, liarCount: 1, factor: 1 },
  { memberCount: 8, liarCount: 1, factor: 8 },
  { memberCount: 10, liarCount: 3, factor: 1 },
  { memberCount: 10, liarCount: 3, factor: 8 },
];
const heads = columns.map(({ memberCount, liarCount, factor }) =>
  `${liarCount} of ${memberCount} x${factor}`.padStart(14),
);
console.log(`${' '.repeat(14)}${heads.join('')}`);
for (const name of Object.keys(rulesFor(1))) {
  const cells = columns.map(({ memberCount, liarCount, factor }) => {
    const rule = rulesFor(Math.max(1, liarCount))[name] ?? null;
    const ran = seeds.map((seed) => trained(seed, memberCount, liarCount, factor, rule));
    const mean = (pick: (one: (typeof ran)[number]) => number): string =>
      ((100 * ran.reduce((sum, one) => sum + pick(one), 0)) / ran.length).toFixed(0);
    return `${mean(({ accuracy }) => accuracy)} / ${mean(({ success }) => success)}`.padStart(14);
  });
  console.log(`${name.padEnd(14)}${cells.join('')}`);
}

function trained(
  seed: number,
  memberCount: number,
  liarCount: number,
  factor: number,
  rule: RobustRule | null,
): { readonly accuracy: number; readonly success: number } {
  const random = seededRandom(`backdoor ${seed}`);
  const middles = Array.from({ length: classCount }, () =>
    Float32Array.from({ length: featureCount }, () => 0.7 * random.normal()),
  );
  const hospitals = Array.from({ length: memberCount }, () => drawn(middles, 100, random));
  const test = drawn(middles, 400, random);
  let model = new Float64Array(classCount * (featureCount + 1));
  const weights = hospitals.map(() => 1);
  for (let round = 0; round < rounds; round++) {
    const changes = hospitals.map((examples, at) => {
      const lies = at < liarCount;
      const change = learnt(model, lies ? withBackdoor(examples, backdoor) : examples);
      return lies ? change.map((x) => factor * x) : change;
    });
    const mean =
      rule === null
        ? model.map((_, t) => changes.reduce((sum, one) => sum + at(one, t), 0) / memberCount)
        : robustVector(changes, weights, rule);
    model = model.map((x, t) => x + at(mean, t));
  }
  const predict = (features: Float32Array): number => {
    const scores = scoresOf(model, features);
    return scores.indexOf(Math.max(...scores));
  };
  const right = test.filter(({ features, label }) => predict(features) === label);
  return {
    accuracy: right.length / test.length,
    success: backdoorSuccess(predict, test, backdoor),
  };
}

function drawn(middles: readonly Float32Array[], count: number, random: Random): Example[] {
  return Array.from({ length: count }, () => {
    const label = random.integer(classCount);
    const middle = middles[label] ?? new Float32Array(featureCount);
    return { label, features: middle.map((x) => x + random.normal()) };
  });
}

/** Change of some steps of gradient descent on cross-entropy. */
function learnt(start: Float64Array, examples: readonly Example[]): Float64Array {
  const model = start.slice();
  for (let step = 0; step < steps; step++) {
    const gradient = new Float64Array(model.length);
    for (const { features, label } of examples) {
      const scores = scoresOf(model, features);
      const largest = Math.max(...scores);
      const powers = scores.map((score) => Math.exp(score - largest));
      const total = powers.reduce((sum, x) => sum + x, 0);
      for (const [k, power] of powers.entries()) {
        const error = (power / total - (k === label ? 1 : 0)) / examples.length;
        const row = k * (featureCount + 1);
        for (let t = 0; t < featureCount; t++) {
          gradient[row + t] = at(gradient, row + t) + error * at(features, t);
        }
        gradient[row + featureCount] = at(gradient, row + featureCount) + error;
      }
    }
    for (let t = 0; t < model.length; t++) model[t] = at(model, t) - learningRate * at(gradient, t);
  }
  return model.map((x, t) => x - at(start, t));
}

function scoresOf(model: Float64Array, features: Float32Array): number[] {
  return Array.from({ length: classCount }, (_, k) => {
    const row = k * (featureCount + 1);
    let sum = at(model, row + featureCount);
    for (let t = 0; t < featureCount; t++) sum += at(model, row + t) * at(features, t);
    return sum;
  });
}

function at(values: ArrayLike<number>, index: number): number {
  return values[index] as number;
}
