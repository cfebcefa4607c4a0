/** The members change while real processes train: one comes, one organisation gets another key, one is shut out. */
import { existsSync } from 'node:fs';
import { expect } from 'chai';
import type { LogVerdict } from '../../src/audit/index.ts';
import { Hospitals, modelsOf, roundsWith } from './hospitals.ts';
import { annulus, done } from './processes.ts';

/** Rounds of the student: more than any machine carries out while the commands below are typed. */
const studentRounds = 2000;

const founders = ['L1', 'L2', 'L3', 'L4'];
const everybody = [...founders, 'L5'];
const staying = ['L1', 'L2', 'L3', 'L5'];

describe('a consortium of real processes whose members change', function () {
  this.timeout(180_000);
  let hospitals: Hospitals;
  /** A round to which the newcomer was seen to contribute. */
  let joinedBy = 0;
  const verdicts = new Map<string, LogVerdict>();

  before(async () => {
    hospitals = await Hospitals.training(founders, studentRounds);
  });
  afterEach(function () {
    if (this.currentTest?.state === 'failed') process.stderr.write(`${hospitals.lastWords()}\n`);
  });
  after(() => hospitals.remove());

  it('takes in a fifth hospital by an invitation, and averages what it learnt', async () => {
    // Three of four, and the newcomer.
    await hospitals.invite('L5', 'L1', 1, ['L1', 'L2', 'L3']);
    await hospitals.order(1, 'L1', founders);
    await done('join', hospitals.at('v1.json'), '--home', hospitals.home('L5'));
    hospitals.start('L5');
    joinedBy = await hospitals.contributed('L5', 'L1');
    const { members } = await hospitals.status('L5');
    expect(members.map(({ id }) => id)).deep.equal(everybody);
  });

  it('takes another key for an organisation, signed with the old and the new, and its node goes on by itself', async () => {
    // Four of five, and the new key.
    await hospitals.replaceOrgKey('L2', 'L1', 2, ['L1', 'L3', 'L5']);
    await hospitals.order(2, 'L3', everybody);
    // Its node has other keys too, and nobody started it again.
    await hospitals.contributed('L2', 'L1');
    expect(hospitals.running.get('L2')!.hasEnded).equal(false);
  });

  it('refuses the old key of that organisation for the next version, and takes the new', async () => {
    const draft = hospitals.at('v3.draft.json');
    await done('member', 'revoke', 'L4', '--home', hospitals.home('L1'), '-o', draft);
    const [old, out] = [hospitals.at('L2-org.key'), hospitals.at('old.json')];
    const { code, err } = await hospitals.signOne('v3', 'L2', old, out);
    expect([code, existsSync(out)]).deep.equal([2, false]);
    expect(err).contains("it names another organisation's key for L2 than this one");
    // Four of the five before: without the new key of L2 it would be one too few.
    await hospitals.sign('v3', ['L1', 'L2', 'L3', 'L5']);
  });

  it('shuts out the one that is revoked, which says why, and the others go on', async () => {
    await hospitals.order(3, 'L5', staying);
    const shutOut = hospitals.running.get('L4')!;
    expect(await shutOut.ended()).equal(2);
    const reason = 'version 3 of the manifest does not list L4';
    expect(shutOut.text).contains('this hospital left the consortium at height').contains(reason);
    // Not even when its operator tries again.
    const again = await annulus('start', '--home', hospitals.home('L4'));
    expect([again.code, again.err.includes(reason)], again.err).deep.equal([2, true]);
    const round = await hospitals.contributed('L5', 'L1');
    const { rounds, members } = await hospitals.status('L1');
    expect(rounds.find((one) => one.round === round)!.participants).deep.equal(staying);
    const former = members.filter(({ isMember }) => !isMember);
    expect(former.map(({ id, state }) => [id, state])).deep.equal([['L4', 'excluded']]);
    expect(former[0]!.reason).match(/^revoked: not in the manifest any more since height \d+$/);
  });

  it('leaves one student at all that stay, and logs that both checks accept', async () => {
    const last = await hospitals.contributed('L2', 'L1');
    for (const id of staying) {
      await hospitals.until(id, ({ rounds }) => rounds.some(({ round }) => round > last));
    }
    for (const id of staying) expect(await hospitals.running.get(id)!.stop(), id).equal(0);
    for (const id of everybody) verdicts.set(id, await hospitals.verified(id));
    const all = staying.map((id) => modelsOf(verdicts.get(id)!));
    const longest = all.reduce((one, other) => (other.length > one.length ? other : one));
    expect(longest[last - 1]).match(/^student [0-9a-f]{64}$/);
    // One of them may have stopped before the last round of the others; all hold the round they have waited for.
    for (const models of all) {
      expect(models).length.at.least(last).deep.equal(longest.slice(0, models.length));
    }
    // The log of the one that was shut out is the beginning of theirs.
    const before = modelsOf(verdicts.get('L4')!);
    expect(before).deep.equal(longest.slice(0, before.length));
    const versions = ['manifest-1.json', 'manifest-2.json', 'manifest-3.json'];
    for (const id of everybody) expect(hospitals.versionsOf(id), id).deep.equal(versions);
  });

  it('has in its log the newcomer to the end, and the one that was revoked in no round after its version', () => {
    const verdict = verdicts.get('L1')!;
    const { length: shutOutAfter } = verdicts.get('L4')!.rounds;
    const sealed = verdict.rounds.filter(({ outcome }) => outcome === 'sealed');
    expect(roundsWith(verdict, 'L5')).includes(joinedBy).and.includes(sealed.at(-1)!.round);
    expect(roundsWith(verdict, 'L4')).not.empty;
    expect(roundsWith(verdict, 'L4').at(-1)).at.most(shutOutAfter);
    expect(shutOutAfter).lessThan(verdict.rounds.length);
  });
});
