/** Eight hospitals as processes from an empty machine to one student, with everything on the way that changes who is a member. */
import { expect } from 'chai';
import type { LogVerdict } from '../../src/audit/index.ts';
import { Hospitals, modelsOf, roundsWith } from './hospitals.ts';
import { done } from './processes.ts';

/** Rounds of the student: more than the commands below take, which are typed while it is trained. */
const studentRounds = 60;

const founders = ['L1', 'L2', 'L3', 'L4', 'L5', 'L6', 'L7', 'L8'];
const everybody = [...founders, 'L9'];
const staying = everybody.filter((id) => id !== 'L8');

describe('eight hospitals as processes, and a ninth', function () {
  this.timeout(1_200_000);
  let hospitals: Hospitals;

  before(async () => {
    hospitals = await Hospitals.training(founders, studentRounds);
  });
  afterEach(function () {
    if (this.currentTest?.state === 'failed') process.stderr.write(`${hospitals.lastWords()}\n`);
  });
  after(() => hospitals.remove());

  it('take in the ninth, though one is killed meanwhile', async () => {
    // Six of eight, and the newcomer.
    await hospitals.invite('L9', 'L1', 1, ['L1', 'L2', 'L3', 'L4', 'L5', 'L6']);
    await hospitals.running.get('L7')!.kill();
    await hospitals.order(1, 'L1', ['L1', 'L2']);
    await done('join', hospitals.at('v1.json'), '--home', hospitals.home('L9'));
    for (const id of ['L7', 'L9']) hospitals.start(id);
    await hospitals.contributed('L9', 'L1');
    await hospitals.contributed('L7', 'L1');
  });

  it('go on with other keys of one node, and of one organisation', async () => {
    await done(
      ...['member', 'rotate', '--home', hospitals.home('L3'), '--org-key', hospitals.orgKey('L3')],
      ...['-o', hospitals.at('v2.json')],
    );
    await hospitals.order(2, 'L3', everybody);
    await hospitals.contributed('L3', 'L1');
    // Seven of nine, and the new key.
    await hospitals.replaceOrgKey('L2', 'L1', 3, ['L1', 'L3', 'L4', 'L5', 'L6', 'L9']);
    await hospitals.order(3, 'L4', everybody);
    await hospitals.contributed('L2', 'L1');
  });

  it('shut out the one that is revoked', async () => {
    const draft = hospitals.at('v4.draft.json');
    await done('member', 'revoke', 'L8', '--home', hospitals.home('L9'), '-o', draft);
    await hospitals.sign('v4', ['L1', 'L2', 'L3', 'L4', 'L5', 'L6', 'L9']);
    await hospitals.order(4, 'L9', staying);
    expect(await hospitals.running.get('L8')!.ended()).equal(2);
    await hospitals.contributed('L9', 'L1');
  });

  it('end with one student, and logs that both checks accept', async () => {
    for (const id of staying) await hospitals.until(id, ({ node }) => node.isDone);
    for (const id of staying) expect(await hospitals.running.get(id)!.stop(), id).equal(0);
    const verdicts = new Map<string, LogVerdict>();
    for (const id of everybody) verdicts.set(id, await hospitals.verified(id));
    const first = verdicts.get('L1')!;
    expect(modelsOf(first).at(-1)).match(/^student [0-9a-f]{64}$/);
    for (const id of staying) {
      expect(modelsOf(verdicts.get(id)!), id).deep.equal(modelsOf(first));
      expect(roundsWith(first, id), id).not.empty;
    }
    const { length: shutOutAfter } = verdicts.get('L8')!.rounds;
    expect(shutOutAfter).lessThan(first.rounds.length);
    expect(roundsWith(first, 'L8').at(-1)).at.most(shutOutAfter);
    const versions = [1, 2, 3, 4].map((number) => `manifest-${number}.json`);
    for (const id of everybody) expect(hospitals.versionsOf(id), id).deep.equal(versions);
    process.stdout.write(
      `${first.rounds.length} rounds, ${first.heights} blocks; L8 shut out after ${shutOutAfter}\n`,
    );
  });
});
