/** What each command of membership refuses, in one line that says what was expected, what came and what to do. */
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { expect } from 'chai';
import { answering, done, hospitals, nowMs, typed, type Circumstances } from './hospitals.ts';

const dayMs = 86_400_000;
/** Words typed, and what holds a space or a path. */
const line = (words: string, ...more: string[]): string[] => [...words.split(' '), ...more];

describe('the commands of membership', () => {
  const { at, clear, of, home, init, found, signed } = hospitals();
  after(clear);
  let [genesis, other, next, invitation] = ['', '', '', ''];

  before(async () => {
    for (const id of ['L1', 'L2', 'L3', 'L4', 'L5', 'X1']) await init(id, '--labels', 'hps');
    genesis = await found('Ring', 'L1', 'L2', 'L3', 'L4');
    other = await found('Other', 'X1');
    for (const id of ['L1', 'L2']) await done(['join', genesis, ...home(id)]);
    await done(['join', other, ...home('X1')]);
    invitation = at('invite.json');
    await done(['invite', ...of('L1'), '-o', invitation]);
    const draft = at('next.draft');
    await done(['consortium', 'draft', '--add', at('L5.request'), ...home('L1'), '-o', draft]);
    next = await signed(draft, at('next'), 'L1', 'L2');
  });

  /** The command fails with this code and one line that has these words. */
  async function refused(
    words: string,
    args: readonly string[],
    around: Circumstances = {},
    code = 2,
  ): Promise<void> {
    const told = await typed(args, around);
    expect(told.err, args.join(' ')).to.contain(words);
    expect(told.err.trimEnd().split('\n').length, told.err).to.equal(1);
    expect(told.code, told.err).to.equal(code);
  }

  const changed = (file: string, change: (text: string) => string): string => {
    writeFileSync(at('changed'), change(readFileSync(file, 'utf8')));
    return at('changed');
  };
  const fresh = (...more: string[]): string[] => [
    ...['init', '--id', 'N1', ...of('N1'), '-o', at('N1.request')],
    ...['--no-passphrase', '--no-org-passphrase', ...more],
  ];

  it('init: bad names, addresses, labels, folders and files; nothing is left behind', async () => {
    await refused("required option '--id <name>' not specified", ['init']);
    await refused('expected 1 to 32 letters', ['init', '--id', 'L 1', ...of('N1')]);
    await refused('expected host:port', fresh('--address', 'somewhere'));
    await refused('expected host:port', fresh('--address', 'host:0'));
    await refused('expected host:port', fresh('--address', 'host:65536'));
    await refused('no IPv4 address', fresh('--address', '10.0.0.256:1'));
    await refused('did you mean calc?', fresh('--labels', 'clac'));
    await refused('no such folder', fresh('--data', at('nothing')));
    await refused('--listen: expected host:port', fresh('--listen', '4001'));
    await refused('no passphrase for the node', ['init', '--id', 'N1', ...of('N1')]);
    mkdirSync(at('N1.home'), { mode: 0o755 });
    await refused('chmod 700', fresh());
    chmodSync(at('N1.home'), 0o700);
    writeFileSync(at('N1.home/x'), '');
    await refused('is not empty', fresh());
    expect(readdirSync(at('N1.home'))).to.deep.equal(['x']);
    const elsewhere = line('init --id N1 --no-passphrase --no-org-passphrase --home', at('n'));
    await refused('a key is never overwritten', [...elsewhere, '--org-key', at('L1.org')]);
    expect(
      existsSync(at('N1.org')) || existsSync(at('N1.request')) || existsSync(at('n')),
    ).to.equal(false);
  });

  it('init --invitation: one that has expired, is early, changed, or none', async () => {
    const args = fresh('--invitation', invitation).map((arg) =>
      arg === at('N1.home') ? at('N2.home') : arg,
    );
    await refused('expired 2 days ago', args, { nowMs: nowMs + 9 * dayMs });
    await refused('the clock of this machine', args, { nowMs: nowMs - dayMs });
    args[args.indexOf(invitation)] = changed(invitation, (text) => text.replace('A', 'B'));
    await refused('ask for it again', args);
    args[args.indexOf(at('changed'))] = genesis;
    await refused('it is no invitation', args);
    expect(existsSync(at('N2.home'))).to.equal(false);
  });

  it('draft: too little, too much, twice the same, of another consortium, or nothing to change', async () => {
    const first = ['consortium', 'draft', '-o', at('d'), '--home', at('none')];
    const facts = ['--name', 'N', '--domain', 'n.example', '--preset', 'smoke'];
    const requests = ['L1', 'L2'].map((id) => at(`${id}.request`));
    const draft = ['consortium', 'draft', ...home('L1'), '-o', at('d')];
    await refused('a genesis needs --name', ['consortium', 'draft', ...requests, '-o', at('d')]);
    await refused('expected the join requests', [...draft, ...facts]);
    await refused('unknown preset', [...draft, ...facts.slice(0, 5), 'smok', ...requests]);
    await refused('both of L1', [...draft, ...facts, requests[0]!, requests[0]!]);
    await refused('it is no join request', [...draft, ...facts, genesis]);
    const shouting = line('--name N --domain N.EXAMPLE --preset smoke', ...requests);
    await refused('$.domain: expected', [...draft, ...shouting]);
    await refused('--set: only with --preset', [...draft, '--set', 'seed=2', '--remove', 'L2']);
    await refused('did you mean seed', [...draft, ...facts, '--set', 'sed=2', ...requests]);
    await refused('never changes', [...draft, '--remove', 'L2', '--name', 'N']);
    await refused('say --add', [...draft, '--remove', 'L2', requests[1]!]);
    await refused('no home of a node', [...first, '--remove', 'L2']);
    await refused('no version to go on from', [
      'consortium',
      'draft',
      ...home('L5'),
      '--remove',
      'L2',
    ]);
    await refused('there is no member L7: expected L1, L2, L3, L4', [...draft, '--remove', 'L7']);
    await refused('L1 is a member already', [...draft, '--add', requests[0]!]);
    await refused('there is no member L5', [...draft, '--replace', at('L5.request')]);
    await refused('named twice', [...draft, '--remove', 'L2', '--replace', requests[1]!]);
    await refused('nothing would change', [...draft, '--replace', requests[1]!]);
    const leave = ['L1', 'L2', 'L3', 'L4'].flatMap((id) => ['--remove', id]);
    await refused('nobody would take part', [...draft, ...leave]);
    const invited = at('X2.request');
    await init('X2', '--invitation', invitation);
    await refused('it needs another invitation', [
      ...['consortium', 'draft', ...home('X1'), '--add', invited, '-o', at('d')],
    ]);
    expect(existsSync(at('d'))).to.equal(false);
  });

  it('sign: without asking, without an own line, of another line, key, consortium or place in the chain', async () => {
    const draft = at('Ring.draft');
    const sign = ['consortium', 'sign', draft, '-o', at('s')];
    const l3 = [...sign, ...of('L3')];
    await refused('give --yes', l3);
    await refused('not signed', l3, { terminal: answering('n') });
    await refused('not signed', l3, { terminal: answering('') });
    const noHome = { env: { ANNULUS_HOME: at('none') } };
    await refused('no home on this machine', [...sign, '--org-key', at('L3.org'), '--yes'], noHome);
    await refused('no home of a node', [...sign, '--home', at('none'), '--yes']);
    await refused('from the stick or the safe', [
      ...sign,
      ...home('L3'),
      '--org-key',
      at('no'),
      '--yes',
    ]);
    await refused('is no member in it', [...sign, ...of('L5'), '--yes']);
    await refused("not this hospital's own", [
      ...sign,
      ...home('L4'),
      '--org-key',
      at('L3.org'),
      '--yes',
    ]);
    const again = at('L3b.request');
    await done([
      ...['init', '--id', 'L3', '--home', at('L3b.home'), '--org-key', at('L3b.org'), '-o', again],
      ...['--no-passphrase', '--no-org-passphrase', '--labels', 'ms'],
    ]);
    await refused("another organisation's key for L3", [
      ...[...sign, '--home', at('L3b.home'), '--org-key', at('L3b.org'), '--yes'],
    ]);
    await refused('orgKey, consensusKey', [
      ...[...sign, '--home', at('L3b.home'), '--org-key', at('L3.org'), '--yes'],
    ]);
    await refused('founds another consortium', [
      ...['consortium', 'sign', at('Other.draft'), ...of('L1'), '--yes', '-o', at('s')],
    ]);
    await refused('came before version 0', [
      ...['consortium', 'sign', at('next.draft'), ...of('L3'), '--yes', '-o', at('s')],
    ]);
    await refused('does not follow', [
      ...['consortium', 'sign', at('next.draft'), ...of('X1'), '--yes', '-o', at('s')],
    ]);
    await refused('ask for it again', [
      ...['consortium', 'sign', changed(draft, (text) => text.replace('"L1"', '"L9"'))],
      ...[...of('L3'), '--yes', '-o', at('s')],
    ]);
    expect(existsSync(at('s'))).to.equal(false);
    const terminal = answering('y');
    const { code, out } = await typed(l3, { terminal });
    expect(code).to.equal(0);
    expect(terminal.asked).to.deep.equal(['Sign this as L3? [y/N] ']);
    expect(out).to.contain('Members: 4');
    // What is there already is not written over by something else.
    await refused('name another file with --output', [
      ...['consortium', 'sign', at('next.draft'), ...of('L2'), '--yes', '-o', at('s')],
    ]);
    const request = ['--request', at('L4.request'), '--org-key', at('L4.org'), '--yes'];
    const away = ['consortium', 'sign', draft, ...request, '-o', at('s4')];
    expect((await typed(away, noHome)).code).to.equal(0);
  });

  it('draft --restart: without a home, or before anything is decided', async () => {
    const draft = ['consortium', 'draft', '--restart', '--remove', 'L3', '-o', at('restart')];
    await refused('--restart: nothing is decided yet', [...draft, ...home('L1')]);
    const env = { ANNULUS_HOME: at('none') };
    await refused('--restart: goes on from the log of a home', draft, { env });
    expect(existsSync(at('restart'))).to.equal(false);
  });

  it('combine and show: other versions, strangers, wrong signatures; a missing version before', async () => {
    const combine = (...files: string[]): string[] => [
      ...['consortium', 'combine', ...files, ...home('L1'), '-o', at('c')],
    ];
    await refused('is another version than', combine(genesis, other));
    await refused('nobody has signed', combine(at('Ring.draft')));
    const wrong = changed(genesis, (text) =>
      text.replace(/"sig":"(.)/, (_, one: string) => `"sig":"${one === 'A' ? 'B' : 'A'}`),
    );
    await refused('changed: ', combine(wrong));
    await refused('a signature is wrong', combine(wrong));
    await refused('no such file', combine(at('none')));
    await refused('no such file', ['consortium', 'show', at('none')]);
    await refused('it is no version of a manifest', ['consortium', 'show', invitation]);
    const { code, out } = await typed(['consortium', 'show', next, '--from', other]);
    expect(code).to.equal(0);
    expect(out).to.contain('The version before is not known here');
    expect(existsSync(at('c'))).to.equal(false);
  });

  it('invite: before it joined, with another key, for too long', async () => {
    await refused('in no consortium yet', ['invite', ...of('L5'), '-o', at('i')]);
    await refused('not the key', [
      'invite',
      ...home('L1'),
      '--org-key',
      at('L2.org'),
      '-o',
      at('i'),
    ]);
    await refused('expected 1 to 90', ['invite', ...of('L1'), '--days', '0', '-o', at('i')]);
    await refused('exists', ['invite', ...of('L1'), '-o', invitation]);
    expect(existsSync(at('i'))).to.equal(false);
  });

  it('join: stale, foreign, unsigned, out of turn, without these keys; the home stays as it was', async () => {
    const join = (id: string, ...files: string[]): string[] => ['join', ...files, ...home(id)];
    await refused('is of consortium', join('L1', other));
    await refused('in no consortium', ['member', 'list', ...home('L3')]);
    await refused('has no member L5', join('L5', genesis));
    await refused('names other keys for L3', ['join', genesis, '--home', at('L3b.home')]);
    await refused('is signed by 2 of the 3 needed', join('L1', next));
    await refused('not by L3, L4', join('L1', next));
    await refused('give all versions from 0 on', join('L3', next));
    await refused('it is no signed version', join('L3', at('Ring.draft')));
    const half = at('half');
    const ofHalf = ['L1', 'L2'].map((id) => at(`Ring.signed.${id}`));
    await done(['consortium', 'combine', ...ofHalf, ...home('L1'), '-o', half]);
    await refused('not, or wrongly, by L3, L4', join('L3', half));
    await refused('get the signatures that are missing and combine them', join('L3', half));
    await refused('expired', join('L5', invitation), { nowMs: nowMs + 8 * dayMs });
    await refused('has no member L5', join('L5', invitation));
    await refused('no home of a node', ['join', genesis, '--home', at('none')]);
    await refused("missing required argument 'files'", ['join']);
    for (const id of ['L3', 'L5']) {
      expect(readdirSync(at(`${id}.home`)).includes('consortium'), id).to.equal(false);
    }
    // Both follow the genesis; L1 takes the first, then the second is not the next any more.
    const [one, two] = [at('one'), at('two')];
    await done(line('member rotate -o', one, ...of('L1')));
    await done(line('member rotate -o', two, ...of('L2')));
    await done(join('L1', one));
    await refused('ask for the newest version', join('L1', two));
    const kept = ['manifest-0.json', 'manifest-1.json'];
    expect(readdirSync(at('L1.home/consortium'))).to.deep.equal(kept);
  });

  it('rotate, revoke and list: before it joined, with another key, of nobody', async () => {
    await refused('in no consortium yet', ['member', 'rotate', ...of('L5'), '-o', at('r')]);
    await done(['join', genesis, ...home('L3')]);
    const wrongKey = [...home('L3'), '--org-key', at('L2.org')];
    await refused('not the key', line('member rotate -o', at('r'), ...wrongKey));
    await refused('never overwritten', [
      ...line('member rotate -o', at('r'), ...of('L3'), '--new-org-key', at('L2.org')),
    ]);
    await refused('there is no member L7', line('member revoke L7 -o', at('r'), ...home('L3')));
    await refused('letters, digits or dashes', ['member', 'revoke', 'a b', ...home('L3')]);
    expect(readdirSync(at('L3.home/keys'))).to.deep.equal(['node-1.json', 'node-1.key']);
    expect(existsSync(at('r'))).to.equal(false);
  });

  it('a home or key that others may read', async () => {
    chmodSync(at('L2.home'), 0o750);
    await refused('chmod 700', ['member', 'list', ...home('L2')]);
    chmodSync(at('L2.home'), 0o700);
    copyFileSync(at('L2.org'), at('loose.org'));
    chmodSync(at('loose.org'), 0o644);
    const loose = [...home('L2'), '--org-key', at('loose.org')];
    await refused('chmod 600', line('invite -o', at('i'), ...loose));
    await refused('not empty', ['restore', genesis, ...home('L2')]);
    await refused("required option '-o, --output <file>'", ['backup', ...home('L2')]);
  });
});
