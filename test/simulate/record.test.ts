/** Records of virtual runs: the same for the same options, and enough to repeat the run. */
import { expect } from 'chai';
import {
  drawFaults,
  memberNames,
  simulateConsortium,
  virtualPlan,
  type Fault,
  type SimulationRecord,
} from '../../src/simulate/index.ts';
import { seededRandom } from '../../src/base/index.ts';

const members = memberNames(5);
const range = { untilMs: 6_000, forMsMax: 8_000, countMax: 6 };

/** The record of a seed, as it would be written down. */
async function recordOf(
  seed: number,
  faults: readonly Fault[] = drawFaults(seededRandom(seed), members, range),
): Promise<string> {
  const plan = virtualPlan({ participants: members, rounds: 2, roundTimeoutMs: 10_000 });
  const record = await simulateConsortium({ seed, members, faults, plan, disk: { writeMs: 2 } });
  expect(record.outcome).to.equal('done');
  return JSON.stringify(record);
}

describe('the record of a virtual consortium', () => {
  it('is the same for the same seed, byte for byte, and another for another', async () => {
    const one = await recordOf(11);
    expect(await recordOf(11)).to.equal(one);
    // Also when other worlds run beside it.
    const [beside, other] = await Promise.all([recordOf(11), recordOf(12)]);
    expect(beside).to.equal(one);
    const blocks = (record: string): unknown => (JSON.parse(record) as SimulationRecord).blocks;
    expect(blocks(other)).to.not.deep.equal(blocks(one));
  });

  it('holds what is needed to repeat the run', async () => {
    const written = await recordOf(13);
    const { seed, faults } = JSON.parse(written) as SimulationRecord;
    expect(await recordOf(seed, faults)).to.equal(written);
  });
});
