/** What an auditor reads in a log: a real run in small, by four peers in one process, as files. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { toyMembers as members, writeToyRun } from '../peer/toy-run.ts';
import { runTyped, type Told } from './typed.ts';

describe('annulus audit, reading in a log', () => {
  const top = mkdtempSync(join(tmpdir(), 'annulus-reading-'));
  const run = join(top, 'run');
  let sealed = '';

  before(async () => {
    sealed = await writeToyRun(run);
  });

  after(() => {
    rmSync(top, { recursive: true });
  });

  const audit = (...args: readonly string[]): Promise<Told> => runTyped(['audit', ...args]);
  const jsonOf = async (...args: readonly string[]): Promise<unknown> =>
    JSON.parse((await audit(...args, '--format', 'json')).out) as unknown;

  it('says what the log is: five rounds of four members, and the model that was sealed last', async () => {
    const { code, out } = await audit('info', run);
    expect(code).equal(0);
    expect(out).contain(`version 0, from height 1: ${members.join(' ')}`);
    expect(out).contain(`student: 5 sealed, last model ${sealed}`);
    // Five rounds: one OPEN alone, then CUT and SEAL of each, the next OPEN in the SEAL's block: 11 heights, 20 updates.
    expect(await jsonOf('info', run)).deep.include({ ok: true, heights: 11, entries: 31 });
  });

  it('finds a round, a member, a kind, a height and a digest', async () => {
    const found = async (...args: readonly string[]): Promise<number[]> =>
      ((await jsonOf('search', run, ...args)) as { index: number }[]).map(({ index }) => index);
    expect(await found('--kind', 'update')).length(20);
    expect(await found('--kind', 'update', '--member', 'L2')).length(5);
    expect(await found('--kind', 'update', '--member', 'L2', '--round', '3')).length(1);
    expect(await found('--kind', 'SEAL')).length(5);
    // The SEAL of round 2 opens round 3.
    expect(await found('--kind', 'SEAL', '--round', '3')).length(2);
    expect(await found('--height', '1')).deep.equal([0]);
    expect(await found('--digest', sealed)).deep.equal([30]);
  });

  it('says that nothing fits, and exits with 1', async () => {
    expect(await audit('search', run, '--round', '99')).deep.include({
      ...{ code: 1, out: '', err: 'no entry fits\n' },
    });
  });

  it('shows an entry with its payload readable, and writes the bytes that are hashed', async () => {
    const { out } = await audit('get', run, '1');
    const shown = JSON.parse(out) as { payload: { _type: string } };
    expect(shown.payload._type).equal('https://in-toto.io/Statement/v1');
    const raw = join(top, 'entry.json');
    expect((await audit('get', run, '1', '--raw', raw)).code).equal(0);
    const bundle = readFileSync(join(run, 'nodes/L1/log/tile/entries/000.p/31'));
    expect(bundle.includes(readFileSync(raw))).equal(true);
    const again = await audit('get', run, '1', '--raw', raw);
    expect(again).deep.include({ code: 2 });
    expect(again.err).contain('is there already');
  });

  it('proves an entry to somebody who has the policy alone, and not another entry', async () => {
    const folder = join(top, 'proof');
    expect((await audit('proof', run, '7', '--output', folder)).code).equal(0);
    const [entry, proof, policy] = ['entry-7.json', 'entry-7.tlog-proof', 'policy'].map((name) =>
      join(folder, name),
    ) as [string, string, string];
    expect(await audit('check-proof', entry, proof, policy)).deep.include({ code: 0 });
    const other = join(top, 'other');
    writeFileSync(
      other,
      readFileSync(entry).map((byte, at) => (at === 40 ? byte ^ 1 : byte)),
    );
    const refused = await audit('check-proof', other, proof, policy);
    expect(refused.code).equal(1);
    expect(refused.out).match(/^WRONG {2}the entry is not number 7/);
  });

  it('exports the log for somebody without Annulus: every file by its SHA-256, and other programs accept it', async () => {
    const folder = join(top, 'for-auditor');
    const { code, out } = await audit('export', run, '--output', folder);
    expect(code).equal(0);
    expect(out).contain('a log of 31 entries');
    const sums = spawnSync('sha256sum', ['-c', '--strict', '--quiet', 'SHA256SUMS'], {
      cwd: folder,
    });
    expect(sums.status).equal(0);
    const python = spawnSync('/usr/bin/python3', ['verify_log.py', 'log-L1'], {
      ...{ cwd: folder, encoding: 'utf8' },
    });
    expect(python.stdout).contain('size 31');
    expect((await audit('verify', join(folder, 'log-L1'))).code).equal(0);
    const again = await audit('export', run, '--output', folder);
    expect(again).deep.include({ code: 2 });
    expect(again.err).contain('expected an empty folder, or none');
  });

  it('signs the export with the key of a home, as openssl finds', async () => {
    const home = join(top, 'home');
    const made = ['--home', home, '--no-passphrase', '--no-org-passphrase', '--labels', 'hps'];
    const init = await runTyped([
      'init',
      '--id',
      'L7',
      '--org-key',
      join(top, 'org.key'),
      '--output',
      join(top, 'request'),
      ...made,
    ]);
    expect(init.err).equal('');
    const folder = join(top, 'signed');
    expect((await audit('export', run, '--output', folder, '--home', home)).code).equal(0);
    const verify = (): number | null =>
      spawnSync(
        'openssl',
        'pkeyutl -verify -rawin -pubin -inkey signer.pem -sigfile SHA256SUMS.sig -in SHA256SUMS'.split(
          ' ',
        ),
        { cwd: folder },
      ).status;
    expect(verify()).equal(0);
    writeFileSync(join(folder, 'SHA256SUMS'), 'another list\n');
    expect(verify()).equal(1);
  });

  it('does not export a damaged log', async () => {
    const copy = join(top, 'not-exported');
    await writeToyRun(copy);
    writeFileSync(join(copy, 'nodes/L1/log/policy'), 'log\n');
    const { code, err } = await audit('export', copy, '--output', join(top, 'never'));
    expect(code).equal(1);
    expect(err).contain('a damaged log is not exported');
  });

  it('tells copies of one log from logs of two consortia', async () => {
    const [a, b] = [join(run, 'nodes/L1'), join(run, 'nodes/L2')];
    const same = await audit('diff', a, b);
    expect(same).deep.include({ code: 0, out: 'the same: 11 heights, 31 entries\n' });
  });

  it('reads on in a damaged log, says so and exits with 1', async () => {
    const copy = join(top, 'damaged');
    await writeToyRun(copy);
    const bundle = join(copy, 'nodes/L1/log/tile/entries/000.p/31');
    const bytes = readFileSync(bundle);
    bytes[bytes.byteLength - 30] = (bytes[bytes.byteLength - 30] ?? 0) ^ 1;
    writeFileSync(bundle, bytes);
    const info = await audit('info', join(copy, 'nodes/L1'));
    expect(info).deep.include({ code: 1 });
    expect(info.err).match(/1 findings, the first: entry 30 \(block 11\)/);
    expect((await audit('get', join(copy, 'nodes/L1'), '1')).code).equal(1);
    const lost = await audit('get', join(copy, 'nodes/L1'), '30');
    expect(lost).deep.include({ code: 2 });
    expect(lost.err).contain('entry 30 is damaged or missing');
  });

  for (const [args, text] of [
    [['get', '.', 'x'], 'entry: expected a whole number from 0, got x'],
    [['search', '.', '--digest', 'abc'], '--digest: expected the first 8 to 64 hex digits'],
    [['search', '.', '--kind', 'open'], 'Allowed choices are update'],
    [['info', '/nowhere/at/all'], '/nowhere/at/all'],
    [['proof', '.', '0'], "required option '--output <folder>' not specified"],
  ] as const) {
    it(`refuses ${args.join(' ')}`, async () => {
      const { code, err } = await audit(...args);
      expect(code).equal(2);
      expect(err).contain(text);
    });
  }

  it('refuses a copy of a member that is not there, and an entry behind the end', async () => {
    expect((await audit('info', run, '--copy', 'L9')).err).contain('--copy L9: expected a member');
    expect((await audit('get', run, '31')).err).contain('expected an entry from 0 to 30, got 31');
  });
});
