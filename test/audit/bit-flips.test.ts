/** Every bit of what is signed: changed, it is refused. All bits of small files, one in several of large ones. */
import { expect } from 'chai';
import { LogVersions } from '../../src/audit/log-versions.ts';
import { checkpointName, decisionName, manifestName } from '../../src/audit/log-files.ts';
import { Report } from '../../src/audit/verdict.ts';
import { openDecision } from '../../src/audit/decision-files.ts';
import { verifyDecision } from '../../src/audit/verify-chain.ts';
import { verifyHead } from '../../src/audit/verify-heads.ts';
import { examineLog, type ExaminedLog } from '../../src/audit/verify-log-directory.ts';
import { verifyTree } from '../../src/audit/verify-tree.ts';
import { verifyManifest, verifyUpdateStatement } from '../../src/wire/index.ts';
import { directoryOf, makeSampleLog, type SampleLog } from './sample-log.ts';

/** Whether it is refused, by an error or by a finding. */
type Refuses = (bytes: Uint8Array) => boolean | Promise<boolean>;

async function everyBit(bytes: Uint8Array, refuses: Refuses, step = 1): Promise<number> {
  expect(await refuses(bytes), 'as it is').equal(false);
  let count = 0;
  for (let bit = 0; bit < bytes.byteLength * 8; bit += step) {
    const changed = bytes.slice();
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    if (!(await refuses(changed))) throw new Error(`bit ${bit} of ${bytes.byteLength * 8} passed`);
    count += 1;
  }
  return count;
}

function throws(work: () => unknown): boolean {
  try {
    work();
    return false;
  } catch {
    return true;
  }
}

describe('one changed bit', function () {
  this.timeout(300_000);
  let sample: SampleLog;
  let log: ExaminedLog;
  const file = (name: string): Uint8Array => sample.files.get(name) ?? new Uint8Array();

  before(async () => {
    sample = await makeSampleLog({ rounds: ['sealed'] });
    log = await examineLog(directoryOf(sample.files));
    expect(log.verdict.ok).equal(true);
  });

  it('of a checkpoint is found, whichever it is', async () => {
    const versions = new LogVersions(sample.consortium.signed);
    await everyBit(file(checkpointName), (bytes) => {
      const report = new Report();
      verifyHead(checkpointName, bytes, versions, true, report);
      return report.findings.length > 0;
    });
  });

  for (const [name, step] of [
    ['tile/0/000.p/7', 1],
    ['tile/entries/000.p/7', 5],
  ] as const) {
    it(`of ${name} is found`, async () => {
      const { treeSize: size, root } = log.verdict;
      const roots = [{ where: checkpointName, size, root: root ?? '' }];
      await everyBit(
        file(name),
        async (bytes) => {
          const report = new Report();
          const files = new Map<string, Uint8Array>([...sample.files, [name, bytes]]);
          const directory = directoryOf(files);
          const read = (path: string): Promise<Uint8Array | null> => directory.read(path);
          const entryName = (index: number): string => `entry ${index}`;
          await verifyTree({ read, size, cosignedSize: size, roots, entryName }, report);
          return report.findings.length > 0;
        },
        step,
      );
    });
  }

  it('of a decision is found', async () => {
    const decidedBy = {
      ...{ consortium: sample.consortium.signed, epoch: 0 },
      suspendedFrom: new Map<number, number>(),
    };
    await everyBit(file(decisionName(3)), (bytes) => {
      const report = new Report();
      return (
        verifyDecision(3, openDecision(bytes), decidedBy, report) === null ||
        report.findings.length > 0
      );
    });
  });

  it('of an envelope makes it nobody’s', async () => {
    const { manifest, cid } = sample.consortium.signed;
    // Entry 0 is the block with OPEN.
    const envelope = await log.entries.at(1);
    const refuses: Refuses = (bytes) => throws(() => verifyUpdateStatement(bytes, manifest, cid));
    const count = await everyBit(envelope ?? new Uint8Array(), refuses);
    expect(count).above(8 * 1000);
  });

  it('of a manifest makes it another consortium, or none', async () => {
    const { cid } = sample.consortium.signed;
    const refuses: Refuses = (bytes) => {
      let other: string;
      try {
        other = verifyManifest(bytes).cid;
      } catch {
        return true;
      }
      return other !== cid;
    };
    await everyBit(file(manifestName), refuses, 23);
  });
});
