/** A node whose home came back out of a backup, with real processes: it trains, and does not vote until somebody confirms it. */
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { Hospitals } from './hospitals.ts';
import { done } from './processes.ts';

const founders = ['L1', 'L2', 'L3', 'L4'];
/** Of the student: more than any machine carries out meanwhile. */
const studentRounds = 2000;

describe('a restored node among real processes', function () {
  this.timeout(180_000);
  let hospitals: Hospitals;
  /** Heights that were decided while it was held back: after the first, up to the second. */
  const heldBack: [number, number] = [0, 0];

  before(async () => {
    hospitals = await Hospitals.training(founders, studentRounds);
  });
  afterEach(function () {
    if (this.currentTest?.state === 'failed') process.stderr.write(`${hospitals.lastWords()}\n`);
  });
  after(() => hospitals.remove());

  it('follows and trains, and says why it does not vote', async () => {
    const [home, file] = [hospitals.home('L4'), hospitals.at('L4.backup')];
    expect(await hospitals.running.get('L4')!.stop()).equal(0);
    await done('backup', '-o', file, '--home', home, '--no-passphrase');
    rmSync(home, { recursive: true });
    await done('restore', file, '--home', home);
    hospitals.start('L4');
    const { messages } = await hospitals.until('L4', (status) => status.messages.length > 0);
    const said = messages.find(({ code }) => code === 'restored')!;
    expect(said.text).contain('does not vote until somebody confirms');
    expect(said.remedy).contain('annulus restore --confirm');
    const { node } = await hospitals.status('L1');
    heldBack[0] = node.height;
    await hospitals.contributed('L4', 'L1');
    heldBack[1] = (await hospitals.status('L1')).node.height;
  });

  it('votes when it is confirmed, has caught up, and was shown its votes', async () => {
    const out = await done('restore', '--confirm', '--yes', '--home', hospitals.home('L4'));
    expect(out).contain('L4 votes when it has caught up');
    await hospitals.until('L4', ({ messages }) =>
      messages.every(({ code }) => code !== 'restored'),
    );
    const again = await done('restore', '--confirm', '--yes', '--home', hospitals.home('L4'));
    expect(again).contain('nothing to confirm');
  });

  it('has no vote in what was decided while it was held back', async () => {
    for (const id of founders) expect(await hospitals.running.get(id)!.stop(), id).equal(0);
    const decisions = join(hospitals.home('L1'), 'node', 'log', 'decisions');
    const voters = new Set<number>();
    expect(heldBack[1]).greaterThan(heldBack[0]);
    for (let height = heldBack[0] + 1; height <= heldBack[1]; height++) {
      const text = readFileSync(join(decisions, `${height}.json`), 'utf8');
      const { certificate } = JSON.parse(text) as { certificate: { sigs: [number, string][] } };
      for (const [index] of certificate.sigs) voters.add(index);
    }
    // By place in the manifest: L1, L2 and L3, who are a quorum of four.
    expect([...voters].sort()).deep.equal([0, 1, 2]);
  });
});
