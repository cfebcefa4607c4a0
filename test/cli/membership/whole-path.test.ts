import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { lockFolder } from '../../../src/host/index.ts';
import { openHome, restoredAtMs } from '../../../src/node/index.ts';
import type { ManifestFacts } from '../../../src/node/index.ts';
import { verifyManifest } from '../../../src/wire/index.ts';
import { answering, done, hospitals, nowMs, typed } from './hospitals.ts';

const labels = { L1: 'hps,ms', L2: 'hps', L3: 'calc', L4: '' } as const;
const ids = Object.keys(labels) as (keyof typeof labels)[];

describe('a consortium by files alone', () => {
  const { at, clear, of, home, init, found, signed } = hospitals();
  after(clear);
  let words: Record<string, readonly string[]> = {};
  let genesis = '';

  before(async () => {
    for (const [n, id] of ids.entries()) {
      const address = ['--address', `127.0.0.1:${4001 + n}`];
      const told = (await init(id, ...address, '--labels', labels[id])) as { words: string[] };
      words = { ...words, [id]: told.words };
    }
    genesis = await found('Heart ring', ...ids);
  });

  it('is founded by four that each made their own keys, and stands in every home', async () => {
    for (const id of ids) await done(['join', genesis, ...home(id)]);
    const { cid, manifest } = verifyManifest(new Uint8Array(readFileSync(genesis)));
    for (const id of ids) {
      const opened = await openHome(at(`${id}.home`), null);
      expect(opened.manifests.map((signed) => signed.cid)).to.deep.equal([cid]);
      expect(opened.member.id).to.equal(id);
    }
    expect(manifest.name).to.equal('Heart ring');
    expect(manifest.members.map(({ addresses }) => addresses)).to.deep.equal(
      [4001, 4002, 4003, 4004].map((port) => [`/ip4/127.0.0.1/tcp/${port}`]),
    );
    // Who labelled a task teaches it; all take part in the student. Half of them must do for a round.
    expect(
      manifest.plan.stages.map(({ id, participants, minParticipants }) =>
        [id, ...participants, minParticipants].join(' '),
      ),
    ).to.deep.equal([
      'teacher-hps L1 L2 1',
      'teacher-ms L1 1',
      'teacher-calc L3 1',
      'student L1 L2 L3 L4 2',
    ]);
  });

  it("shows every member's eight words as its init did, and who signed", async () => {
    const facts = (await done(['consortium', 'show', genesis])) as ManifestFacts;
    expect(
      Object.fromEntries(facts.members.map(({ id, words: told }) => [id, told])),
    ).to.deep.equal(words);
    expect(facts.words.length).to.equal(8);
    expect(facts.approval!.isEnough).to.equal(true);
    expect(facts.cid).to.equal(facts.digest);
    const { out } = await typed(['consortium', 'show', genesis]);
    expect(out).to.contain('all members: 4 of 4 needed (L1, L2, L3, L4)');
    expect(out).to.contain(words.L3!.join(' '));
    const list = (await done(['member', 'list', ...home('L2')])) as {
      members: { id: string; self: boolean; words: string[] }[];
    };
    expect(list.members.map(({ id, self, words: told }) => [id, self, told])).to.deep.equal(
      ids.map((id) => [id, id === 'L2', words[id]]),
    );
  });

  it('is combined as the signatures come: what was there stays', async () => {
    const to = at('gathered');
    const combine = async (file: string): Promise<string[]> => {
      const args = ['consortium', 'combine', file, ...home('L2'), '-o', to];
      const { approval } = (await done(args)) as ManifestFacts;
      return [...approval!.groups[0]!.missing];
    };
    expect(await combine(`${genesis}.L3`)).to.deep.equal(['L1', 'L2', 'L4']);
    expect(await combine(`${genesis}.L1`)).to.deep.equal(['L2', 'L4']);
    expect(await combine(genesis)).to.deep.equal([]);
    expect(readFileSync(to)).to.deep.equal(readFileSync(genesis));
    const other = await typed(['consortium', 'combine', genesis, '-o', at('L1.request')]);
    expect(other.err).to.contain('no version of a manifest');
  });

  it('takes in a ninth by invitation, which signs as well as three of four', async () => {
    const invitation = at('invite.json');
    await done(['invite', ...of('L1'), '-o', invitation]);
    await init('L9', '--invitation', invitation, '--labels', 'ms');
    const draft = at('v1.draft');
    await done(['consortium', 'draft', '--add', at('L9.request'), ...home('L1'), '-o', draft]);
    const { out } = await typed(['consortium', 'show', draft, ...home('L2')]);
    expect(out).to.contain('L9 joins');
    expect(out).to.contain('members before: 0 of 3 needed; not yet L1, L2, L3, L4');
    expect(out).to.contain('members after: 0 of 4 needed; not yet L1, L2, L3, L4, L9');
    expect(out).to.contain('new org keys: 0 of 1 needed; not yet L9');
    // Without the newcomer four of five are there, but its key is new.
    const without = await signed(draft, at('v1.without'), 'L1', 'L2', 'L3', 'L4');
    const refused = await typed(['join', without, ...home('L9')]);
    expect(refused.code).to.equal(2);
    expect(refused.err).to.contain('not by L9');
    const enough = await signed(draft, at('v1'), 'L9', 'L1', 'L2', 'L4');
    // L3 has version 0, L9 has the invitation only; both take it.
    for (const id of ['L3', 'L9']) await done(['join', enough, ...home(id)]);
    const { manifests } = await openHome(at('L9.home'), null);
    expect(manifests.length).to.equal(2);
    const stages = manifests[1]!.manifest.plan.stages;
    expect(stages.map(({ participants }) => participants.join(' '))).to.deep.equal([
      'L1 L2',
      'L1 L9',
      'L3',
      'L1 L2 L3 L4 L9',
    ]);
    expect(stages.map(({ minParticipants }) => minParticipants)).to.deep.equal([1, 1, 1, 3]);
    for (const id of ['L1', 'L2', 'L4']) await done(['join', enough, ...home(id)]);
  });

  it('shuts a member out by the signatures of the others', async () => {
    const draft = at('v2.draft');
    await done(['member', 'revoke', 'L4', ...home('L1'), '-o', draft]);
    // Of five before T is 4, of four after it is 3.
    const signedBy = await signed(draft, at('v2'), 'L1', 'L2', 'L3', 'L9');
    await done(['join', signedBy, ...home('L9')]);
    const { out } = await typed(['consortium', 'show', signedBy, ...home('L9')]);
    expect(out).to.contain('L4 leaves');
    const refused = await typed(['join', signedBy, ...home('L4')]);
    expect(refused.code).to.equal(2);
    expect(refused.err).to.contain('version 2 of the manifest has no member L4');
    for (const id of ['L1', 'L2', 'L3']) await done(['join', signedBy, ...home(id)]);
  });

  it('renews the keys of a node by its own organisation alone', async () => {
    const before = await openHome(at('L2.home'), null);
    const file = at('v3');
    const facts = ['--address', 'new.l2.example:4001'];
    await done(['member', 'rotate', ...of('L2'), ...facts, '-o', file]);
    expect((await openHome(at('L2.home'), null)).member).to.deep.equal(before.member);
    for (const id of ['L2', 'L1']) await done(['join', file, ...home(id)]);
    const { member, keys } = await openHome(at('L2.home'), null);
    expect(member.consensusKey).to.not.equal(before.member.consensusKey);
    expect(member.orgKey).to.equal(before.member.orgKey);
    expect(member.addresses).to.deep.equal(['/dns4/new.l2.example/tcp/4001']);
    expect(keys.site).to.deep.equal(before.keys.site);
    for (const id of ['L3', 'L9']) await done(['join', file, ...home(id)]);
  });

  it("replaces an organisation's key when the others sign for it, and it with both", async () => {
    const [newKey, request] = [at('L3.org-2'), at('L3.request-2')];
    await done([
      ...['member', 'rotate', ...of('L3'), '--new-org-key', newKey, '--no-org-passphrase'],
      ...['-o', request],
    ]);
    const draft = at('v4.draft');
    await done(['consortium', 'draft', '--replace', request, ...home('L1'), '-o', draft]);
    const { out } = await typed(['consortium', 'show', draft, ...home('L1')]);
    expect(out).to.contain("L3 has another ORGANISATION'S KEY");
    const files = ['L1', 'L2', 'old', 'new'].map((name) => at(`v4.${name}`));
    const sign = async (id: string, key: string, file: string): Promise<void> => {
      const args = [draft, ...home(id), '--org-key', at(key), '--yes', '-o', file];
      await done(['consortium', 'sign', ...args]);
    };
    await sign('L1', 'L1.org', files[0]!);
    await sign('L2', 'L2.org', files[1]!);
    await sign('L3', 'L3.org', files[2]!);
    await sign('L3', 'L3.org-2', files[3]!);
    const combined = at('v4');
    await done(['consortium', 'combine', ...files, ...home('L1'), '-o', combined]);
    for (const id of ['L1', 'L3']) await done(['join', combined, ...home(id)]);
    const { member } = await openHome(at('L3.home'), null);
    expect(Buffer.from(readFileSync(newKey)).toString()).to.not.contain(member.orgKey);
    const facts = (await done(['consortium', 'show', combined, ...home('L2')])) as ManifestFacts;
    expect(facts.change!.rerooted).to.deep.equal(['L3']);
    expect(facts.approval!.isEnough).to.equal(true);
  });

  it('goes into a backup and comes back out of it, not over the home that is there', async () => {
    const file = at('L1.backup');
    const env = { ANNULUS_BACKUP_PASSPHRASE: 'of the backup alone' };
    const running = await lockFolder(at('L1.home'));
    const told = await typed(['backup', '-o', file, ...home('L1')], { env });
    expect([told.code, told.err.includes('annulus stop')]).to.deep.equal([3, true]);
    await running.release();
    await done(['backup', '-o', file, ...home('L1')], { env });
    const over = await typed(['restore', file, ...home('L1')], { env });
    expect([over.code, over.err]).to.deep.equal([
      2,
      `annulus: ${at('L1.home')} is not empty: choose another folder, or move away what is in it\n`,
    ]);
    const wrong = { env: { ANNULUS_BACKUP_PASSPHRASE: 'of something else' } };
    const refused = await typed(['restore', file, '--home', at('back')], wrong);
    expect(refused.err).to.contain('the passphrase does not open it');
    await done(['restore', file, '--home', at('back')], { env });
    const [was, is] = [await openHome(at('L1.home'), null), await openHome(at('back'), null)];
    expect(is.member).to.deep.equal(was.member);
    expect(is.manifests.length).to.equal(was.manifests.length);
    const confirm = ['restore', '--confirm', '--home', at('back')];
    const nobody = await typed(confirm);
    expect([nobody.code, nobody.err.includes('give --yes')]).to.deep.equal([2, true]);
    const unsure = await typed(confirm, { terminal: answering('n') });
    expect([unsure.code, unsure.err]).to.deep.equal([2, 'annulus: not confirmed\n']);
    expect(await restoredAtMs(is)).to.equal(nowMs);
    const sure = answering('y');
    const confirmed = await typed(confirm, { terminal: sure });
    expect(confirmed.out).to.contain('L1 votes when it has caught up');
    expect(sure.asked[0]).to.contain('run nowhere, for good?');
    expect(await restoredAtMs(is)).to.equal(null);
    expect((await typed([...confirm, file])).err).to.contain('leave it out with --confirm');
    expect((await typed(['restore'])).err).to.contain('expected a backup, or --confirm');
  });
});
