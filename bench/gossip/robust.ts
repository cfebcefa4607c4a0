/**
 * The robust table: rules x attacks, with 1 liar of 8 and 3 of 10 that act together, hospitals of equal size and of sizes
 * that differ 94 times.
 *
 *   node bench/gossip/robust.ts [--seeds 40] [--out FOLDER]
 *
 * Each honest hospital sends a common change of length 1 and its own deviation of length 1, in 200 parameters. Printed is the
 * distance of a rule's answer from the weighted mean of the honest, where 1 is the length of the common change: the mean
 * over the seeds. Who lies is drawn, whatever its size. The figure shows the same, a box of all attacks for each rule.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { seededRandom, type Random } from '../../src/base/index.ts';
import { cappedShares, distance, robustVector } from '../../src/gossip/index.ts';
import { boxPlot } from '../../src/report/box-plot.ts';
import { html } from '../../src/report/markup.ts';
import { renderPage } from '../../src/report/page.ts';
import { lieOf, type UpdateAttack } from '../../src/simulate/index.ts';
import type { RobustRule } from '../../src/wire/index.ts';

const { values: flags } = parseArgs({
  options: {
    seeds: { type: 'string', default: '40' },
    out: { type: 'string', default: 'runs/robust' },
  },
});
const seedCount = Number(flags.seeds);
const size = 200;

interface Scenario {
  readonly name: string;
  readonly memberCount: number;
  readonly liarCount: number;
  /** Largest size over smallest. */
  readonly skew: number;
}

const scenarios: readonly Scenario[] = [
  { name: '1 of 8, equal', memberCount: 8, liarCount: 1, skew: 1 },
  { name: '1 of 8, 94 times', memberCount: 8, liarCount: 1, skew: 94 },
  { name: '3 of 10, equal', memberCount: 10, liarCount: 3, skew: 1 },
  { name: '3 of 10, 94 times', memberCount: 10, liarCount: 3, skew: 94 },
];

/** What liars send; `claims` where they also claim the largest size. */
const attacks: Readonly<
  Record<string, { readonly lie: UpdateAttack | 'label flip' | null; readonly claims?: true }>
> = {
  'no attack': { lie: null },
  'sign x10': { lie: { kind: 'sign-flip', factor: 10 } },
  'scale x1000': { lie: { kind: 'scale', factor: 1000 } },
  noise: { lie: { kind: 'noise', stdDev: 1 } },
  'free rider': { lie: { kind: 'free-rider', stdDev: 0 } },
  'label flip': { lie: 'label flip' },
  'ALIE 1.5': { lie: { kind: 'alie', z: 1.5 } },
  'IPM 0.5': { lie: { kind: 'ipm', epsilon: 0.5 } },
  'min-max': { lie: { kind: 'min-max', direction: 'unit' } },
  'weight lie': { lie: { kind: 'sign-flip', factor: 1 }, claims: true },
};

const cap = { capMicro: 350_000 };
const centred = { kind: 'centred-clip', radiusMicro: 1_000_000, iterations: 8 } as const;
/** Rules against `liarCount` liars; null is the plain mean. */
const rulesFor = (liarCount: number): Readonly<Record<string, RobustRule | null>> => ({
  mean: null,
  'centred clip': { ...centred, ...cap },
  'cap 1/(2f+1)': { ...centred, capMicro: Math.round(1e6 / (2 * liarCount + 1)) },
  'NNM + centred': { ...centred, ...cap, nnmTolerated: liarCount },
  'norm clip': { kind: 'norm-clip', ...cap, radiusMicro: 1_000_000 },
  'trimmed 0.3': { kind: 'trimmed-mean', ...cap, trimMicro: 300_000 },
  median: { kind: 'median', ...cap },
  'NNM + trimmed': { kind: 'trimmed-mean', ...cap, trimMicro: 300_000, nnmTolerated: liarCount },
  'geo. median': { kind: 'geometric-median', ...cap, iterations: 32 },
  'multi-Krum': { kind: 'multi-krum', ...cap, tolerated: liarCount },
});

const tables = scenarios.map((scenario) => ({ scenario, ...tableOf(scenario) }));
for (const { scenario, rows, majorities } of tables) {
  console.log(
    `\n${scenario.name}; with a cap of 0.35 liars weigh more than half in ${majorities} of ${seedCount} draws`,
  );
  console.log(
    `${' '.repeat(14)}${Object.keys(attacks)
      .map((name) => name.padStart(12))
      .join('')}`,
  );
  for (const [rule, errors] of Object.entries(rows)) {
    console.log(`${rule.padEnd(14)}${errors.map((error) => shown(error).padStart(12)).join('')}`);
  }
}
mkdirSync(flags.out, { recursive: true });
const figure = join(flags.out, 'robust.html');
writeFileSync(figure, page());
console.log(`\nfigure: ${figure}`);

function tableOf(scenario: Scenario): {
  readonly rows: Readonly<Record<string, number[]>>;
  readonly majorities: number;
} {
  let majorities = 0;
  const rules = rulesFor(scenario.liarCount);
  const sums = new Map(Object.keys(rules).map((name) => [name, Object.keys(attacks).map(() => 0)]));
  for (let seed = 1; seed <= seedCount; seed++) {
    for (const [column, [name, attack]] of Object.entries(attacks).entries()) {
      // The same hospitals for every attack.
      const random = seededRandom(`${scenario.name} ${seed}`);
      const sent = roundOf(scenario, attack, random, seededRandom(`${name} ${seed}`));
      if (name === 'sign x10' && sent.liarShare > 0.5) majorities += 1;
      for (const [rule, robust] of Object.entries(rules)) {
        const answer =
          robust === null
            ? meanOf(sent.changes, sent.weights)
            : robustVector(sent.changes, sent.weights, robust);
        const errors = sums.get(rule) ?? [];
        errors[column] = at(errors, column) + distance(answer, sent.goal) / seedCount;
      }
    }
  }
  return { rows: Object.fromEntries(sums), majorities };
}

interface Sent {
  readonly changes: readonly Float64Array[];
  readonly weights: readonly number[];
  /** Weighted mean of the honest. */
  readonly goal: Float64Array;
  /** Of the liars by their true sizes, none above 0.35. */
  readonly liarShare: number;
}

function roundOf(
  { memberCount, liarCount, skew }: Scenario,
  { lie, claims }: (typeof attacks)[string],
  random: Random,
  noise: Random,
): Sent {
  const common = ofLength(1, random);
  const learnt = Array.from({ length: memberCount }, () => {
    const own = ofLength(1, random);
    return common.map((x, t) => x + at(own, t));
  });
  const sizes = learnt.map((_, i) => Math.round(skew ** (i / (memberCount - 1))));
  const order = learnt.map((_, i) => i);
  for (let i = order.length - 1; i > 0; i--) {
    const j = random.integer(i + 1);
    [order[i], order[j]] = [at(order, j), at(order, i)];
  }
  const liars = new Set(lie === null ? [] : order.slice(0, liarCount));
  const honest = learnt.filter((_, i) => !liars.has(i));
  const goal = meanOf(
    honest,
    sizes.filter((_, i) => !liars.has(i)),
  );
  const changes = learnt.map((own, i) => {
    if (!liars.has(i) || lie === null) return own;
    if (lie === 'label flip') return own.map((x, t) => x - 2 * at(common, t));
    return lieOf(lie, { own, honest, liarCount, random: noise });
  });
  const weights = sizes.map((n, i) => (claims && liars.has(i) ? Math.max(...sizes) : n));
  const shares = cappedShares(sizes, 0.35);
  const liarShare = shares.reduce((sum, share, i) => sum + (liars.has(i) ? share : 0), 0);
  return { changes, weights, goal, liarShare };
}

function ofLength(length: number, random: Random): Float64Array {
  const drawn = Float64Array.from({ length: size }, () => random.normal());
  const norm = distance(drawn, new Float64Array(size));
  return drawn.map((x) => (x * length) / norm);
}

function meanOf(vectors: readonly Float64Array[], weights: readonly number[]): Float64Array {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return Float64Array.from({ length: size }, (_, t) =>
    vectors.reduce((sum, one, i) => sum + (at(weights, i) / total) * at(one, t), 0),
  );
}

function at(values: ArrayLike<number>, index: number): number {
  return values[index] as number;
}

function shown(error: number): string {
  return error < 100 ? error.toFixed(2) : error.toExponential(0);
}

function page(): string {
  const plots = tables.map(({ scenario, rows }) => {
    const plot = boxPlot({
      title: scenario.name,
      unit: 'distance from the mean of the honest, a value for each attack',
      groups: [
        {
          title: '',
          boxes: Object.entries(rows).map(([label, values]) => ({
            ...{ label, values, notes: [] },
            tone: label === 'NNM + centred' ? 'student' : 'teacher',
          })),
        },
      ],
      ...{ to: 1.5, width: 1040 },
    });
    return html`<section class="wide">${plot}</section>`;
  });
  return renderPage({
    title: 'Robust rules under attack',
    heading: 'Robust rules under attack',
    summary: `Each box is one rule over ${Object.keys(attacks).length} attacks, each the mean of ${seedCount} seeds; what lies beyond 1.5 is counted above.`,
    stamp: 'bench/gossip/robust.ts',
    sections: plots,
    footer: '',
  });
}
