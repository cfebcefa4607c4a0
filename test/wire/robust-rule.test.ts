import { expect } from 'chai';

import {
  readRobust,
  readRule,
  robustKinds,
  WireError,
  type RobustRule,
} from '../../src/wire/index.ts';
import { plainRule } from './sample-stage.ts';

const capMicro = 350_000;
const examples: Readonly<Record<RobustRule['kind'], RobustRule>> = {
  'centred-clip': { kind: 'centred-clip', capMicro, radiusMicro: 1_000_000, iterations: 8 },
  'norm-clip': { kind: 'norm-clip', capMicro, radiusMicro: 1_000_000 },
  'trimmed-mean': { kind: 'trimmed-mean', capMicro, trimMicro: 300_000 },
  median: { kind: 'median', capMicro },
  'geometric-median': { kind: 'geometric-median', capMicro, iterations: 32 },
  'multi-krum': { kind: 'multi-krum', capMicro, tolerated: 1 },
};

describe('the robust part of a rule', () => {
  it('is read as it is, with NNM before it or not, and is absent from a plain rule', () => {
    expect(Object.keys(examples).sort()).to.deep.equal([...robustKinds].sort());
    for (const robust of Object.values(examples)) {
      for (const one of [robust, { ...robust, nnmTolerated: 2 }]) {
        expect(readRule({ ...plainRule, robust: one })).to.deep.equal({
          ...plainRule,
          robust: one,
        });
      }
    }
    expect('robust' in readRule(plainRule)).to.equal(false);
  });

  it('is refused with a value out of its range, too much or too little', () => {
    const clip = examples['centred-clip'];
    const bad: object[] = [
      { kind: 'none', capMicro },
      { kind: 'median' },
      { ...examples.median, trimMicro: 1 },
      { ...clip, capMicro: 0 },
      { ...clip, capMicro: 1_000_001 },
      { ...clip, capMicro: 0.35 },
      { ...clip, radiusMicro: 0 },
      { ...clip, iterations: 0 },
      { ...clip, iterations: 65 },
      { ...clip, nnmTolerated: 0 },
      { ...clip, nnmTolerated: null },
      { ...examples['trimmed-mean'], trimMicro: 500_000 },
      { ...examples['geometric-median'], iterations: 257 },
      { ...examples['multi-krum'], tolerated: 129 },
    ];
    for (const one of bad) {
      expect(() => readRobust(one), JSON.stringify(one))
        .to.throw(WireError)
        .with.property('code', 'malformed');
    }
    expect(() => readRule({ ...plainRule, robust: null })).to.throw(WireError);
  });
});
