/**
 * A member with valid keys floods an honest peer. What that costs is counted; how late the event loop was is printed, with
 * the same peer's lateness just before, since a loaded machine is late by itself.
 */
import { expect } from 'chai';
import { HostileWorld, type Figures } from './hostile-world.ts';
import type { Flood } from './rogue-worker.ts';

const floodMs = 3_000;
const blobBytes = 64 * 1024 * 1024;

describe('a peer that a member floods', function () {
  // Starting four members takes seconds on a loaded machine.
  this.timeout(120_000);
  let world: HostileWorld;
  beforeEach(async () => {
    world = await HostileWorld.open(blobBytes);
  });
  afterEach(async () => {
    await world.close();
  });

  /** What the flood did. A round was sealed under it. */
  async function under(flood: Flood): Promise<Figures> {
    const calm = await world.measure(null, floodMs);
    const flooded = await world.measure(flood, floodMs);
    const of = ({ delayMsMax, delayMs99, sealed }: Figures): string =>
      `event loop late by ${delayMsMax} ms at most, ${delayMs99} at 99 %; ${sealed} rounds sealed`;
    const { tookMs, sent, sentBytes, signatures, refusals, readBytes } = flooded;
    process.stdout.write(
      `      ${flood}, ${tookMs} ms: ${sent} sent (${Math.round(sentBytes / 1024)} KiB), ` +
        `${signatures} signatures verified, ${refusals} refused, ${readBytes} bytes read\n` +
        `        before: ${of(calm)}\n        during: ${of(flooded)}\n` +
        flooded.lines.map((line) => `        ${line}\n`).join(''),
    );
    // The beginning of an episode, that its room in the queue is full, that it is slowed down, the end by a hang-up: once each.
    expect(flooded.lines.length, flooded.lines.join('\n')).at.most(4);
    return flooded;
  }

  it('with checkpoints of many lines: none of them is verified, and it is hung up on', async () => {
    const { sent, signatures, lines } = await under('checkpoints');
    expect(sent).greaterThan(40);
    // 540 lines in every second message would be many thousands.
    expect(signatures).below(100);
    expect(lines.join()).contain('hung up on a member');
  });

  it('with messages that nobody can accept: it is hung up on after 40', async () => {
    const { refusals, lines } = await under('refused');
    expect(refusals).within(40, 60);
    expect(lines.join()).contain('hung up on a member');
  });

  it('with more heartbeats than its share: the rest is passed over, and it is hung up on', async () => {
    const { sent, refusals, lines } = await under('heartbeats');
    expect(sent).greaterThan(450);
    expect(refusals).equal(0);
    expect(lines.join()).contain('more broadcasts than its share');
  });

  it('with requests for one byte of a large blob: one byte is read for each', async () => {
    const { sent, readBytes, readBytesMax } = await under('bulk');
    expect(sent).greaterThan(20);
    // Beside the flood the peer reads its own updates and models, of some kB.
    expect(readBytesMax).below(65_536);
    expect(readBytes).below(blobBytes / 16);
  });
});
