import { expect } from 'chai';

import { utf8, type NodeId, type RoundNumber } from '../../src/base/index.ts';
import { digestOf } from '../../src/crypto/index.ts';
import {
  decodeReport,
  decodeStep,
  edgeProblems,
  readRule,
  signReport,
  signStep,
  verifyMixing,
  WireError,
  type MixingReport,
  type StepStatement,
} from '../../src/wire/index.ts';
import { consortium, member } from '../gossip/sample-round.ts';

const { cid, manifest } = consortium;
const [a, b, c] = ['a', 'b', 'c'].map((name) => digestOf(utf8(name)));
const moment = { cid, round: 3 as RoundNumber, cut: digestOf(utf8('cut')) };
const step: StepStatement = {
  ...{ ...moment, author: 'L2' as NodeId, step: 1, state: a! },
  sealedKeys: { L3: `${'A'.repeat(106)}A=`.slice(0, 107) + '=' } as StepStatement['sealedKeys'],
};

/** L1 sends to L2, L2 to L3, L3 to L1. */
function reports(): MixingReport[] {
  const states = [a!, b!, c!];
  return [0, 1, 2].map((at) => ({
    ...{ ...moment, author: `L${at + 1}` as NodeId, model: digestOf(utf8(`model ${at}`)) },
    steps: [
      {
        ...{ sent: states[at]!, to: [(at + 1) % 3] },
        received: [[(at + 2) % 3, states[(at + 2) % 3]!] as const],
      },
    ],
  }));
}

describe('the statements of a mixing', () => {
  it('come back as they were signed, and only under the key of their author', () => {
    const signed = signStep(step, member('L2').keys.log);
    expect(verifyMixing(decodeStep(signed), manifest, cid)).to.deep.equal(step);
    const [report] = reports();
    const own = signReport(report!, member('L1').keys.log);
    expect(verifyMixing(decodeReport(own), manifest, cid)).to.deep.equal(report);
    const forged = signReport(report!, member('L2').keys.log);
    expect(() => verifyMixing(decodeReport(forged), manifest, cid)).to.throw(WireError);
  });

  it('are not taken for each other, nor of another consortium', () => {
    const signed = signStep(step, member('L2').keys.log);
    expect(() => decodeReport(signed)).to.throw(WireError);
    const other = signStep({ ...step, cid: digestOf(utf8('other')) }, member('L2').keys.log);
    expect(() => verifyMixing(decodeStep(other), manifest, cid)).to.throw(WireError);
    const stranger = signStep({ ...step, author: 'L9' as NodeId }, member('L2').keys.log);
    expect(() => verifyMixing(decodeStep(stranger), manifest, cid)).to.throw(WireError);
    const late = signStep({ ...step, step: 200 }, member('L2').keys.log);
    expect(() => decodeStep(late)).to.throw(WireError);
  });
});

describe('two reports of one edge', () => {
  it('agree when both ends signed the same digest', () => {
    expect(edgeProblems(reports())).to.deep.equal([]);
  });

  it('disagree when they did not: the edge is named, with what each side signed', () => {
    const said = reports();
    const [first] = said[1]!.steps;
    said[1] = { ...said[1]!, steps: [{ ...first!, received: [[0, c!]] }] };
    const [a12, c12] = [a!.slice(0, 12), c!.slice(0, 12)];
    expect(edgeProblems(said)).to.deep.equal([`step 0, L1 to L2: L1 signed ${a12}, L2 ${c12}`]);
  });

  it('disagree when one side knows nothing of it', () => {
    const said = reports();
    const [first] = said[1]!.steps;
    said[1] = { ...said[1]!, steps: [{ ...first!, received: [] }] };
    expect(edgeProblems(said)).to.deep.equal([
      `step 0, L1 to L2: L1 signed ${a!.slice(0, 12)}, L2 nothing`,
    ]);
    said[1] = { ...said[1], steps: [] };
    expect(edgeProblems(said)).to.deep.equal(['L2 reports 0 steps, others 1']);
  });
});

describe('the rule of a mixing', () => {
  const rule = {
    ...{ kind: 'mixing', topology: { kind: 'regular', degree: 4, redrawn: true }, steps: 0 },
    ...{ epsilonNano: 10_000, patienceMs: 60_000, samplesCap: 50, weightMax: 100 },
    ...{ clampMicro: 1_000_000, outerRateMicro: 1_000_000, outerMomentumMicro: 0 },
  };

  it('is read with all its fields', () => {
    expect(readRule(rule)).to.deep.equal(rule);
  });

  const broken: [string, object][] = [
    ['no bound', { epsilonNano: 0 }],
    ['more steps than a report holds', { steps: 201 }],
    ['no patience', { patienceMs: 999 }],
    ['a topology without its degree', { topology: { kind: 'regular', redrawn: true } }],
    ['a topology that nobody knows', { topology: { kind: 'pentagram' } }],
    ['a robust mean', { robust: { kind: 'median', capMicro: 350_000 } }],
    ['a cap above the largest weight', { samplesCap: 101 }],
  ];
  for (const [what, change] of broken) {
    it(`is refused with ${what}`, () => {
      expect(() => readRule({ ...rule, ...change })).to.throw(WireError);
    });
  }
});
