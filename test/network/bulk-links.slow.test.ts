/**
 * Eight processes behind slow and lossy lines fetch a blob of each other, all at once. Printed beside what the bytes alone need;
 * only what came, and how often, is asserted. ANNULUS_BULK_MB and ANNULUS_CUT_S change the size (20) and the cut (60).
 */
import { expect } from 'chai';
import { loadavg } from 'node:os';
import { TunlinkWorld, tunlinkProgram, type BulkReport, type LinkShape } from './tunlink-world.ts';

const count = 8;
const blobBytes = Number(process.env.ANNULUS_BULK_MB ?? 20) * 1_000_000;
const cutSeconds = Number(process.env.ANNULUS_CUT_S ?? 60);
const shape: LinkShape = { mbitPerSecond: 30, delayMs: 25, lossPercent: 1 };
const chunksOfAll = Math.ceil(blobBytes / 262_144) * (count - 1);
/** Each node sends n - 1 copies over its line. */
const neededSeconds = ((count - 1) * blobBytes * 8) / (shape.mbitPerSecond * 1e6);

describe(`blobs of ${blobBytes / 1e6} MB among ${count} processes at 30 Mbit/s, 25 ms, 1 % loss`, () => {
  let world: TunlinkWorld | null = null;

  before(function () {
    if (tunlinkProgram() !== null) return;
    process.stdout.write(
      '    skipped: needs root, /dev/net/tun and tunlink.py (ANNULUS_TUNLINK)\n',
    );
    this.skip();
  });

  afterEach(async () => {
    await world?.stop();
    world = null;
  });

  const run = async (
    hidden: readonly number[],
    meanwhile: (world: TunlinkWorld) => Promise<void>,
    extraSeconds = 0,
  ): Promise<void> => {
    world = await TunlinkWorld.start(count, shape, blobBytes, hidden);
    await world.exchange();
    await meanwhile(world);
    const reports = await world.all('done');
    print(reports, extraSeconds);
    for (const { arrived, askedAgain, refused } of reports) {
      expect({ arrived, askedAgain, refused }).to.deep.equal({
        ...{ arrived: chunksOfAll, askedAgain: 0, refused: 0 },
      });
    }
  };
  const cutFor = async (world: TunlinkWorld, groups: readonly (readonly number[])[]) => {
    await pass(neededSeconds / 3);
    world.links.cut(groups);
    await pass(cutSeconds);
    world.links.heal();
  };

  it('come, each chunk once', async () => {
    await run([], () => Promise.resolve());
  });

  it('come to a member that can only dial, and from it', async () => {
    await run([3], () => Promise.resolve());
  });

  it('come when one member was cut off for a while, each chunk once', async () => {
    await run([], (one) => cutFor(one, [[1], [2, 3, 4, 5, 6, 7, 8]]), cutSeconds);
  });

  it('come when half of the members were cut off from the others, each chunk once', async () => {
    await run(
      [],
      (one) =>
        cutFor(one, [
          [1, 2, 3, 4],
          [5, 6, 7, 8],
        ]),
      cutSeconds,
    );
  });
});

function print(reports: readonly BulkReport[], extraSeconds: number): void {
  const most = (of: (report: BulkReport) => number): number => Math.max(...reports.map(of));
  const seconds = most((report) => report.seconds);
  const ratio = seconds / (neededSeconds + extraSeconds);
  const asked = reports.reduce((sum, report) => sum + report.asked - report.arrived, 0);
  /** Of the node whose votes came latest. */
  const voteMs = (at: 0 | 1 | 2): number => most((report) => report.voteMs[at]);
  const facts = [
    `${seconds.toFixed(1)} s, ${ratio.toFixed(2)} times what the bytes${extraSeconds > 0 ? ' and the cut' : ''} need`,
    `${(most((report) => report.sentBytes) / blobBytes).toFixed(2)} copies sent at most`,
    `${asked} chunks of all asked for anew because they had not come`,
    `${most((report) => report.cpuSeconds).toFixed(0)} s CPU and ${most((report) => report.peakMib).toFixed(0)} MiB at most`,
    `votes meanwhile under way for ${voteMs(0)} ms (half of them), ${voteMs(1)} (nine of ten), ${voteMs(2)} at most`,
    `load ${loadavg()[0]?.toFixed(0)}`,
  ];
  process.stdout.write(`    ${facts.join('; ')}\n`);
}

async function pass(seconds: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
}
