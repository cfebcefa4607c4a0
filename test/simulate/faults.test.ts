import { expect } from 'chai';
import { seededRandom } from '../../src/base/index.ts';
import {
  drawFaults,
  endOf,
  memberNames,
  shrinkFaults,
  type Fault,
} from '../../src/simulate/index.ts';

const nodes = memberNames(5);
const range = { untilMs: 1_000, forMsMax: 500, countMax: 12 };

describe('faults as data', () => {
  it('are the same for a seed, end in time, and are JSON', () => {
    for (let seed = 0; seed < 200; seed++) {
      const faults = drawFaults(seededRandom(seed), nodes, range);
      expect(drawFaults(seededRandom(seed), nodes, range)).to.deep.equal(faults);
      expect(JSON.parse(JSON.stringify(faults))).to.deep.equal(faults);
      expect(faults.length).to.be.within(1, 12);
      expect(endOf(faults)).to.be.within(1, 1_500);
    }
  });

  it('shrink to those that matter', async () => {
    const faults = Array.from({ length: 23 }, (_, at): Fault => {
      return { kind: 'kill', node: nodes[0]!, atMs: at, forMs: 1 };
    });
    let runs = 0;
    // It goes wrong when the faults of 3 and 17 ms are both there.
    const fails = (some: readonly Fault[]): Promise<boolean> => {
      runs += 1;
      return Promise.resolve([3, 17].every((atMs) => some.some((fault) => fault.atMs === atMs)));
    };
    const left = await shrinkFaults(faults, fails);
    expect(left.map(({ atMs }) => atMs)).to.deep.equal([3, 17]);
    expect(runs).to.be.lessThan(60);
    expect(await shrinkFaults(faults, () => Promise.resolve(true))).to.deep.equal([]);
  });
});
