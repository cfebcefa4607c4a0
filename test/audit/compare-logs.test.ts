import { expect } from 'chai';
import { compareLogs, type ComparedLog } from '../../src/audit/compare-logs.ts';
import { examineLog } from '../../src/audit/verify-log-directory.ts';
import { directoryOf, makeSampleLog, type SampleOptions } from './sample-log.ts';

async function logOf(options: SampleOptions): Promise<ComparedLog> {
  const directory = directoryOf((await makeSampleLog(options)).files);
  return { directory, log: await examineLog(directory) };
}

describe('two copies of a log', () => {
  it('of the same blocks are the same', async () => {
    const relation = await compareLogs(await logOf({}), await logOf({}));
    // Sealed, absent, void, sealed: 3 + 3 + 2 + 3 heights with 4 + 3 + 0 + 4 updates.
    expect(relation).deep.equal({ kind: 'same', heights: 11, entries: 22 });
  });

  it('of which one ends earlier are one history', async () => {
    const short = await logOf({ rounds: ['sealed'] });
    const long = await logOf({ rounds: ['sealed', 'absent'] });
    expect(await compareLogs(short, long)).deep.equal({
      ...{ kind: 'longer', longer: 1, heights: [3, 6], entries: [7, 13] },
    });
    expect(await compareLogs(long, short)).deep.include({ kind: 'longer', longer: 0 });
  });

  it('that part name the height and everybody who signed both', async () => {
    const a = await logOf({ rounds: ['sealed', 'absent'] });
    const b = await logOf({ rounds: ['sealed', 'void'] });
    const relation = await compareLogs(a, b);
    if (relation.kind !== 'fork') throw new Error(`expected a fork, got ${relation.kind}`);
    const { height, blocks, votedForBoth, cosignedBoth } = relation.fork;
    // The second round is opened at height 4 in both; then one cuts, the other gives up.
    expect(height).equal(5);
    expect(blocks[0]).not.equal(blocks[1]);
    // The sample's certificates hold a quorum of votes, of the first three; all four cosign.
    expect(votedForBoth).deep.equal(['L1', 'L2', 'L3']);
    expect(cosignedBoth).deep.equal(['L1', 'L2', 'L3', 'L4']);
  });

  it('of two consortia are strangers', async () => {
    const relation = await compareLogs(await logOf({}), await logOf({ memberCount: 5 }));
    expect(relation.kind).equal('strangers');
  });
});
