import { expect } from 'chai';
import { cellsOf, readAxis } from '../../../src/experiment/lab/sweep-plan.ts';

const preset = { text: 'lab: { nodes: 8 }', file: 'a.yaml' };

describe('an axis of a sweep', () => {
  it('is a list or a range', () => {
    expect(readAxis('topology.kind=ring,torus')).deep.equal({
      key: 'topology.kind',
      values: ['ring', 'torus'],
    });
    expect(readAxis('lab.seed=9..11')).deep.equal({ key: 'seed', values: ['9', '10', '11'] });
  });

  for (const bad of [
    'seed',
    'seed=',
    '=1',
    'seed=1,,2',
    'seed=3..1',
    'seed=1,1',
    'seed=1..99999',
    'nodes+seed=1+2,3',
  ]) {
    it(`is not ${bad}`, () => {
      expect(() => readAxis(bad)).throw('--over');
    });
  }
});

describe('the runs of a sweep', () => {
  const axes = [readAxis('topology.kind=ring,star'), readAxis('seed=1..3')];

  it('are a grid, in the order of the first axis', () => {
    const cells = cellsOf(preset, [], axes);
    expect(cells.map(({ settings }) => [settings.topology.kind, settings.seed])).deep.equal([
      ['ring', 1],
      ['ring', 2],
      ['ring', 3],
      ['star', 1],
      ['star', 2],
      ['star', 3],
    ]);
    expect(cells.every(({ settings }) => settings.nodes === 8)).equal(true);
    expect(new Set(cells.map(({ name }) => name)).size).equal(6);
  });

  it('may change several settings together', () => {
    const together = [readAxis('lab.nodes+topology.kind=4+ring,16+star'), readAxis('seed=7,8')];
    const cells = cellsOf(preset, [], together);
    expect(
      cells.map(({ settings: { nodes, topology, seed } }) => [nodes, topology.kind, seed]),
    ).deep.equal([
      [4, 'ring', 7],
      [4, 'ring', 8],
      [16, 'star', 7],
      [16, 'star', 8],
    ]);
  });

  it('are refused with a setting that is unknown, out of its range or named twice', () => {
    const of = (text: string) => () => cellsOf(preset, [], [readAxis(text)]);
    expect(of('topologi.kind=ring')).throw('did you mean lab.topology?');
    expect(of('nodes=1')).throw('lab.nodes: expected a whole number from 2 to 1024, got 1');
    expect(() => cellsOf(preset, [], [readAxis('seed=1'), readAxis('seed=2')])).throw('once');
  });
});
