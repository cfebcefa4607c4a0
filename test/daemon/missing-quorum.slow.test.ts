/** Two of four hospitals are silent, with real processes: what those who remain are told, and that it ends when one is back. */
import { expect } from 'chai';
import { Hospitals } from './hospitals.ts';
import { annulus, done } from './processes.ts';

/** Of the student: more than this test sees. */
const studentRounds = 200;

describe('a consortium of real processes that lacks its quorum', function () {
  this.timeout(240_000);
  let hospitals: Hospitals;
  let height = 0;

  before(async () => {
    hospitals = await Hospitals.training(['L1', 'L2', 'L3', 'L4'], studentRounds);
    expect(await hospitals.running.get('L3')!.stop()).equal(0);
    await hospitals.running.get('L4')!.kill();
  });
  afterEach(function () {
    if (this.currentTest?.state === 'failed') process.stderr.write(`${hospitals.lastWords()}\n`);
  });
  after(() => hospitals.remove());

  it('is told by status: how many must agree, who is away since when, and what to do', async () => {
    const { node } = await hospitals.until('L1', ({ messages }) =>
      messages.some(({ code }) => code === 'no-quorum'),
    );
    height = node.height;
    const text = await done('status', '--home', hospitals.home('L1'));
    expect(text).match(/^quorum +MISSING: 2 of 4 members are connected, 3 must agree$/m);
    const away =
      /nothing can be agreed, no decision for .+: 2 of 4 members are away \(L3 not heard of for .+, L4 not heard of for .+\), 2 are here with this node, and 3 must be/;
    expect(text).match(away);
    expect(text).contain('do: have their nodes started');
    expect(text).contain('if they never come back: annulus consortium draft --restart');
    // The process itself is well: a supervisor has no reason to start it again.
    const health = await annulus('status', '--health', '--home', hospitals.home('L1'));
    expect([health.code, health.out]).deep.equal([0, 'healthy\n']);
  });

  it('is told by a wait that was in vain, with exit code 3', async () => {
    const home = hospitals.home('L1');
    const { code, out, err } = await annulus(
      ...['wait', '--round', '100', '--timeout', '1', '--home', home],
    );
    expect([code, out], err).deep.equal([3, '']);
    expect(err).contain('round 100 was not reached in 1 s; nothing can be agreed');
    expect(err).contain('L3 not heard of for').contain('L4 not heard of for');
    expect(err).contain('have their nodes started').contain('annulus consortium draft --restart');
  });

  it('decides nothing meanwhile, and goes on by itself when one of the two is back', async () => {
    // What was under way when they fell silent may have been decided still.
    expect((await hospitals.status('L1')).node.height).equal(height);
    hospitals.start('L3');
    const out = await done('wait', '--height', `${height + 2}`, '--home', hospitals.home('L1'));
    expect(out).match(/^reached: height \d+/);
    const text = await done('status', '--home', hospitals.home('L1'));
    expect(text).match(/^quorum +3 of 4 members are connected, 3 must agree$/m);
    expect(text).not.contain('nothing can be agreed');
  });
});
