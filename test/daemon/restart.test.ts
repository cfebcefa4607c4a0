/** Two of four hospitals lose their machines for good; the others go on with a newcomer by a restart, with real processes. */
import { expect } from 'chai';
import { freePorts } from '../../src/host/index.ts';
import { Hospitals, modelsOf } from './hospitals.ts';
import { annulus, done } from './processes.ts';

const founders = ['L1', 'L2', 'L3', 'L4'];
const remaining = ['L1', 'L2'];
const everybody = [...remaining, 'L5'];
/** Of the student: more than are carried out while two machines are lost. */
const studentRounds = 12;

describe('a consortium of real processes that lost its quorum for good', function () {
  this.timeout(180_000);
  let hospitals: Hospitals;
  let height = 0;

  before(async () => {
    hospitals = await Hospitals.training(founders, studentRounds);
    await Promise.all(['L3', 'L4'].map((id) => hospitals.burn(id)));
  });
  afterEach(function () {
    if (this.currentTest?.state === 'failed') process.stderr.write(`${hospitals.lastWords()}\n`);
  });
  after(() => hospitals.remove());

  it('stands still, at one height', async () => {
    const isGone = (id: string): boolean => !remaining.includes(id);
    for (const id of remaining) {
      await hospitals.until(id, ({ members }) =>
        members.every((member) => !isGone(member.id) || member.link !== 'connected'),
      );
    }
    const heights = await Promise.all(remaining.map((id) => hospitals.status(id)));
    height = Math.max(...heights.map(({ node }) => node.height));
    // Who is behind gets what is decided from the other.
    for (const id of remaining) await hospitals.until(id, ({ node }) => node.height === height);
  });

  it('refuses a restart that two organisations and the newcomer sign: three of the four must', async () => {
    const invitation = hospitals.at('for-L5.json');
    await done(
      ...['invite', '--home', hospitals.home('L1'), '--org-key', hospitals.orgKey('L1')],
      ...['-o', invitation],
    );
    const [port = 0] = await freePorts('127.0.0.1', 1);
    await hospitals.init('L5', `127.0.0.1:${port}`, '--invitation', invitation);
    const out = await done(
      ...['consortium', 'draft', '--restart', '--remove', 'L3', '--remove', 'L4'],
      ...['--add', hospitals.request('L5'), '--home', hospitals.home('L1')],
      ...['-o', hospitals.at('v1.draft.json')],
    );
    expect(out).contains(`RESTART after height ${height}, WITHOUT VOTES`);
    expect(out).contains('are gone for good');
    await hospitals.sign('v1', ['L1', 'L2', 'L5']);
    const few = await annulus(
      ...['consortium', 'submit', hospitals.at('v1.json'), '--home', hospitals.home('L1'), '--yes'],
    );
    expect(
      [few.code, few.err.includes('signed by 2 of the 3 needed (members before)')],
      few.err,
    ).deep.equal([1, true]);
    const unasked = await annulus(
      ...['consortium', 'submit', hospitals.at('v1.json'), '--home', hospitals.home('L1')],
    );
    expect([unasked.code, unasked.err.includes('nobody to ask')], unasked.err).deep.equal([
      2,
      true,
    ]);
  });

  it('goes on from where it stood, with the newcomer, when each has handed it in', async () => {
    const third = hospitals.at('v1.signed-safe.json');
    await hospitals.signWithoutHome('v1', 'L3', 'v0', third);
    const whole = hospitals.at('v1.json');
    await done('consortium', 'combine', third, '--home', hospitals.home('L1'), '-o', whole);
    const first = await done(
      'consortium',
      'submit',
      whole,
      '--home',
      hospitals.home('L1'),
      '--yes',
    );
    expect(first).equal(`version 1 is in force since height ${height + 1}\n`);
    await done('join', whole, '--home', hospitals.home('L5'));
    hospitals.start('L5');
    // Three of three must agree, and nobody at L2 has said yes yet.
    expect((await hospitals.status('L2')).node.height).equal(height);
    await done('consortium', 'submit', whole, '--home', hospitals.home('L2'), '--yes');
    for (const id of everybody) await hospitals.until(id, ({ node }) => node.isDone);
    for (const id of everybody) expect(await hospitals.running.get(id)!.stop(), id).equal(0);
  });

  it('has one model, in logs that both checks follow through the restart', async () => {
    const verdicts = await Promise.all(everybody.map((id) => hospitals.verified(id)));
    const [first, ...others] = verdicts.map(modelsOf);
    expect(first!.at(-1)).match(/^student [0-9a-f]{64}$/);
    for (const other of others) expect(other).deep.equal(first);
    for (const { notes } of verdicts) expect(notes.join()).contains('RESTART');
  });
});
