import { expect } from 'chai';
import { summaryOf, type RunRecord } from '../../src/report/index.ts';
import { syntheticRecord } from './synthetic-record.ts';

describe('summary of a run', () => {
  const record = syntheticRecord();

  it('is good when every node ended with the sealed model and the log verifies', () => {
    const { ok, ms, models } = summaryOf(record, 'runs/x');
    expect(ok).equal(true);
    expect(ms).equal((8 * 60 + 41) * 1000); // 09:30:00 to 09:38:41
    expect(models.length).equal(8);
  });

  const spoilt: readonly (readonly [string, Partial<RunRecord>])[] = [
    ['a log that does not verify', { log: { ...record.log, ok: false } }],
    ['no sealed student', { sealedDigest: null }],
    [
      'a node with another model',
      { nodes: record.nodes.map((node, n) => (n === 3 ? { ...node, modelDigest: null } : node)) },
    ],
  ];
  for (const [what, changes] of spoilt) {
    it(`is not good with ${what}`, () => {
      expect(summaryOf({ ...record, ...changes }, 'runs/x').ok).equal(false);
    });
  }

  it('names the rounds that lack a member, and whether a kill was asked for', () => {
    const missed = { node: 'L3', round: 'student 2' };
    expect(summaryOf(record, 'x').missed).deep.equal([{ ...missed, isAsked: true }]);
    const faults = record.faults.filter(({ kind }) => kind !== 'killed');
    expect(summaryOf({ ...record, faults }, 'x').missed).deep.equal([
      { ...missed, isAsked: false },
    ]);
    // A kill that comes later explains nothing.
    const later = record.faults.map((fault) => ({ ...fault, round: 1000 }));
    expect(summaryOf({ ...record, faults: later }, 'x').missed[0]?.isAsked).equal(false);
  });
});
