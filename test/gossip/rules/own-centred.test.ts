import { expect } from 'chai';

import { balance, NormGate, gateByNorm, selfCentredClip } from '../../../src/gossip/index.ts';

const line = (...values: number[]): Float64Array => Float64Array.from(values);

describe('self-centred clipping', () => {
  const received = [
    { model: line(1, 0), weight: 0.25 },
    { model: line(0, -10), weight: 0.25 },
  ];

  it('goes to each neighbour by its weight, no further than the radius', () => {
    // 1/4 · (1, 0) and 1/4 · (0, -2).
    expect([...selfCentredClip(line(0, 0), received, 2)]).to.deep.equal([0.25, -0.5]);
    expect([...selfCentredClip(line(0, 0), received, 10)]).to.deep.equal([0.25, -2.5]);
    expect([...selfCentredClip(line(3, 4), [], 2)]).to.deep.equal([3, 4]);
  });

  it('has the median distance for its radius where none is given', () => {
    expect([...selfCentredClip(line(0, 0), received)]).to.deep.equal([0.25, -0.25]);
  });
});

describe('BALANCE', () => {
  const rule = { gamma: 0.5, kappa: Math.LN2, ownShare: 0.5 };
  const near = { model: line(4, 0), weight: 0.2 };
  const far = { model: line(5.5, 0), weight: 0.2 };

  it('takes neighbours within a share of its own length that falls with the rounds', () => {
    // |x| = 4: within 2 at the beginning, within 1 at the end.
    const start = balance(line(0, 4), [near, far], rule, 0);
    expect(start.accepted).to.deep.equal([false, false]);
    expect([...start.model]).to.deep.equal([0, 4]);
    const own = line(4, 0);
    expect(balance(own, [near, far], rule, 0).accepted).to.deep.equal([true, true]);
    // Half of 4 and half of the mean of 4 and 5.5.
    expect([...balance(own, [near, far], rule, 0).model]).to.deep.equal([4.375, 0]);
    expect(balance(own, [near, far], rule, 1).accepted).to.deep.equal([true, false]);
    expect([...balance(own, [near, far], rule, 1).model]).to.deep.equal([4, 0]);
  });
});

describe('the gate before a rule', () => {
  it('refuses another shape, what is not finite and what is too long', () => {
    expect(gateByNorm(line(3, 4), 2, 5)).to.equal('passes');
    expect(gateByNorm(line(3, 4), 2, 4.9)).to.equal('too_long');
    expect(gateByNorm(line(3, 4), 3, 5)).to.equal('bad_shape');
    expect(gateByNorm(line(3, NaN), 2, 5)).to.equal('not_finite');
    expect(gateByNorm(line(3, -Infinity), 2, Infinity)).to.equal('not_finite');
  });

  it('goes by the median of past rounds', () => {
    const gate = new NormGate({ times: 3, window: 2 });
    expect(gate.limit).to.equal(Infinity);
    expect(gate.pass([line(1), line(2), line(100)], 1)).to.deep.equal([
      'passes',
      'passes',
      'passes',
    ]);
    expect(gate.limit).to.equal(6);
    expect(gate.pass([line(5), line(4), line(7), line(NaN)], 1)).to.deep.equal([
      ...['passes', 'passes', 'too_long', 'not_finite'],
    ]);
    // Medians 2 and 5, the lower of them.
    expect(gate.limit).to.equal(6);
    gate.pass([line(4)], 1);
    expect(gate.limit).to.equal(12);
  });
});
