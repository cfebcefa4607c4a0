/** Random faults: whatever goes wrong, nothing false is agreed, and every run ends after its faults end. */
import { expect } from 'chai';
import { seededRandom } from '../../src/base/index.ts';
import {
  drawFaults,
  memberNames,
  shrinkFaults,
  simulateConsortium,
  virtualPlan,
  type Fault,
  type SimulationRecord,
} from '../../src/simulate/index.ts';

const seedCount = 2_000;
/** Many short tests instead of one long one: a report says how far it came. */
const seedsPerTest = 250;

/** One seed is one small consortium with a list of faults. */
async function run(
  seed: number,
  faults: readonly Fault[] = faultsOf(seed),
): Promise<SimulationRecord> {
  const members = membersOf(seed);
  return simulateConsortium({
    ...{ seed, members, faults },
    plan: virtualPlan({ participants: members, rounds: 2 + (seed % 2), roundTimeoutMs: 10_000 }),
    disk: { writeMs: 2 },
    untilMs: 3_600_000,
  });
}

/** Mostly four members, at times up to seven. */
function membersOf(seed: number): ReturnType<typeof memberNames> {
  return memberNames(4 + Math.floor(seededRandom(seed).fork('members').uniform() ** 3 * 4));
}

function faultsOf(seed: number): Fault[] {
  const random = seededRandom(seed).fork('faults');
  return drawFaults(random, membersOf(seed), { untilMs: 6_000, forMsMax: 8_000, countMax: 6 });
}

/** What a person needs to repeat it: the seed, the shortest list of faults, and what broke. */
async function explain(seed: number, record: SimulationRecord): Promise<string> {
  const isSame = async (faults: readonly Fault[]): Promise<boolean> => {
    const other = await run(seed, faults);
    return (
      other.outcome === record.outcome && other.violation?.invariant === record.violation?.invariant
    );
  };
  const faults = await shrinkFaults(record.faults, isSame);
  const { outcome, violation } = record;
  return `seed ${seed}: ${outcome} ${JSON.stringify(violation)} with ${JSON.stringify(faults)}`;
}

describe('random faults in the virtual world', function () {
  this.timeout(600_000);
  for (let first = 1; first <= seedCount; first += seedsPerTest) {
    it(`end well, seeds ${first} to ${first + seedsPerTest - 1}`, async () => {
      for (let seed = first; seed < first + seedsPerTest; seed++) {
        const record = await run(seed);
        if (record.outcome !== 'done') expect.fail(await explain(seed, record));
      }
    });
  }
});

describe('a record of a virtual consortium', () => {
  it('is the same for the same seed, byte for byte, and another for another', async () => {
    const [one, again, other] = await Promise.all([run(11), run(11), run(12)]);
    expect(JSON.stringify(again)).to.equal(JSON.stringify(one));
    expect(JSON.stringify(other.blocks)).to.not.equal(JSON.stringify(one.blocks));
  });

  it('can be repeated from what was written down', async () => {
    const written = JSON.stringify(await run(13));
    const { seed, faults } = JSON.parse(written) as SimulationRecord;
    expect(JSON.stringify(await run(seed, faults))).to.equal(written);
  });
});
