/** Our robust means beside the papers' formulas in numpy: over floats, and over a round's integers with heads. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect } from 'chai';

import { seededRandom, type Random } from '../../src/base/index.ts';
import {
  robustVector,
  roundAverage,
  roundUpdate,
  type AveragingRule,
  type TrainedSamples,
} from '../../src/gossip/index.ts';
import type { ModelWeights } from '../../src/weights/index.ts';
import type { RobustRule } from '../../src/wire/index.ts';
import { projectRoot } from '../project-root.ts';
import { python } from './torch.ts';

interface Case {
  readonly name: string;
  readonly x: readonly (readonly number[])[];
  readonly w: readonly number[];
  readonly rule: RobustRule;
}

const cap = { capMicro: 350_000 };
const rules: readonly RobustRule[] = [
  { kind: 'centred-clip', ...cap, radiusMicro: 1_000_000, iterations: 8 },
  { kind: 'centred-clip', ...cap, radiusMicro: 500_000, iterations: 3 },
  { kind: 'norm-clip', ...cap, radiusMicro: 1_200_000 },
  { kind: 'trimmed-mean', ...cap, trimMicro: 300_000 },
  { kind: 'median', capMicro: 1_000_000 },
  { kind: 'geometric-median', ...cap, iterations: 20 },
  { kind: 'multi-krum', ...cap, tolerated: 3 },
];
const all = rules.flatMap((rule): RobustRule[] => [rule, { ...rule, nnmTolerated: 2 }]);

describe('robust means and numpy', () => {
  it('are the same for floats: 4 to 10 members, equal and 94 times skewed weights, some far away, some twins', () => {
    const random = seededRandom('robust cases');
    const cases: Case[] = [];
    for (let n = 4; n <= 10; n++) {
      for (const isSkewed of [false, true]) {
        const w = Array.from({ length: n }, (_, i) =>
          isSkewed ? Math.round(94 ** (i / (n - 1))) : 7,
        );
        const x = w.map((_, i) =>
          Array.from({ length: 30 }, () => (i < n / 3 ? 10 : 0.3) * random.normal() + 0.1),
        );
        const twins = x.map((one, i) => (i === n - 2 ? (x[n - 1] ?? one) : one));
        for (const rule of all) {
          const name = `${n} ${isSkewed ? 'skewed' : 'equal'} ${JSON.stringify(rule)}`;
          cases.push({ name, x, w, rule }, { name: `${name} twins`, x: twins, w, rule });
        }
      }
    }
    const answers = askNumpy(cases);
    for (const [at, { name, x, w, rule }] of cases.entries()) {
      const ours = robustVector(
        x.map((one) => Float64Array.from(one)),
        w,
        rule,
      );
      for (const [t, expected] of answers[at]!.entries()) {
        // Units of 2^-40 for the shares, and sums in another order.
        expect(ours[t], `${name} at ${t}`).to.be.closeTo(expected, 1e-9 * (1 + Math.abs(expected)));
      }
    }
  });

  it('are the same for the integers of a round, each head over those that trained it', () => {
    const random = seededRandom('robust rounds');
    const cases: Case[] = [];
    const ours: number[][] = [];
    for (const n of [4, 7, 10]) {
      for (const robust of all) {
        const base = modelOf(() => 0);
        const trained = Array.from({ length: n }, (_, i) => samplesOf(random, i));
        const after = trained.map((one, i) => changed(random, one, i < n / 3 ? 0.5 : 0.05));
        const rule: AveragingRule = {
          ...{ memberCount: n, clamp: 4, weightMax: 100, samplesCap: 100 },
          ...{ outerRate: 1, outerMomentum: 0, robust },
        };
        const updates = after.map((one, i) => roundUpdate(one, base, trained[i]!, rule));
        const mean = roundAverage(base, updates, rule);
        for (const [at, { name, data }] of mean.entries()) {
          const head = name.split('.')[1];
          const weightOf = ({ samples, heads }: TrainedSamples): number =>
            head === undefined ? samples : (heads[head] ?? 0);
          const x = after.flatMap((one, i) =>
            weightOf(trained[i]!) > 0 ? [[...one[at]!.data]] : [],
          );
          const w = trained.map(weightOf).filter((weight) => weight > 0);
          cases.push({ name: `${n} ${name} ${JSON.stringify(robust)}`, x, w, rule: robust });
          ours.push([...data]);
        }
      }
    }
    const answers = askNumpy(cases);
    for (const [at, { name }] of cases.entries()) {
      for (const [t, expected] of answers[at]!.entries()) {
        // The least weight is 1 of 100, and a unit 2^-25 or finer: 100 · 2^-26; and float32 around 1.
        expect(ours[at]![t], `${name} at ${t}`).to.be.closeTo(expected, 1e-5);
      }
    }
  });
});

function askNumpy(cases: readonly Case[]): number[][] {
  const folder = mkdtempSync(join(tmpdir(), 'annulus-robust-'));
  try {
    const file = join(folder, 'cases.json');
    writeFileSync(file, JSON.stringify(cases));
    const script = join(projectRoot, 'test/interop/robust_answers.py');
    const options = { encoding: 'utf8', maxBuffer: 2 ** 28 } as const;
    const done = spawnSync(python, ['-B', script, file], options);
    expect(done.status, `this test needs ${python} with python3-numpy: ${done.stderr}`).equal(0);
    return JSON.parse(done.stdout) as number[][];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function modelOf(value: () => number): ModelWeights {
  const sizes = { w: 12, 'outs.hps.conv.weight': 5, 'outs.ms.conv.weight': 7 };
  return Object.entries(sizes).map(([name, size]) => ({
    ...{ name, shape: [size], data: Float32Array.from({ length: size }, value) },
  }));
}

/**
 * Every third has no label of one head, every fourth none of the other. Samples ascend, so that members come in the order that
 * breaks ties: after NNM several are the same point.
 */
function samplesOf(random: Random, i: number): TrainedSamples {
  const samples = 1 + 10 * i + random.integer(9);
  const hps = i % 3 === 2 ? 0 : 1 + random.integer(samples);
  const ms = i % 4 === 3 ? 0 : samples;
  return { samples, heads: { hps, ms } };
}

function changed(random: Random, { heads }: TrainedSamples, spread: number): ModelWeights {
  return modelOf(() => 0.02 + spread * random.normal()).map((tensor) => {
    const head = tensor.name.split('.')[1];
    const isTrained = head === undefined || heads[head] !== 0;
    return isTrained ? tensor : { ...tensor, data: new Float32Array(tensor.data.length) };
  });
}
