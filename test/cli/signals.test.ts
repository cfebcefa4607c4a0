/** Commands and signals, through the starter under an older Node. 128 + 1, 2, 15 are what shells make of SIGHUP, SIGINT, SIGTERM. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { CliError, exitCodeOf } from '../../src/cli/errors.ts';
import { unlessStopped } from '../../src/cli/stop-signals.ts';
import { start, type Started } from './started.ts';

describe('a signal', function () {
  this.timeout(600_000);
  const folder = mkdtempSync(join(tmpdir(), 'annulus-signals-'));
  const run = join(folder, 'run');
  afterEach(() => {
    rmSync(run, { recursive: true, force: true });
  });
  after(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  /** The process that does the work: it names itself in the lock of the run's folder. */
  const workerOf = (): number => Number.parseInt(readFileSync(join(run, '.lock'), 'utf8'), 10);
  const lives = (pid: number): boolean => {
    try {
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  };
  const stopped = async (
    { child, shows, ended }: Started,
    words: string,
    signal: NodeJS.Signals,
  ): Promise<{ code: number | null; err: string }> => {
    await shows(words);
    const worker = workerOf();
    child.kill(signal);
    const { code, err } = await ended;
    expect(lives(worker), 'an orphan').equal(false);
    expect(existsSync(join(run, 'record.json')), 'the run went on to its end').equal(false);
    return { code, err };
  };

  it('ends a run in order in each of its phases, and leaves what --resume goes on with', async () => {
    // A machine busy with other tests must not take a slow start for a lost peer.
    let args = ['simulate', 'smoke', '--out', run, '--set', 'peer.silenceMs=120000'];
    const phases = [
      ['cases: begins', 'SIGINT', 130],
      ['teacher of hps: begins', 'SIGTERM', 143],
      ['held-out cases: begins', 'SIGHUP', 129],
    ] as const;
    for (const [words, signal, expected] of phases) {
      const { code, err } = await stopped(start(args), words, signal);
      expect(code, `${words}: ${err}`).equal(expected);
      expect(err, words).contain('stopped; to continue').and.not.contain('internal error');
      args = ['simulate', '--resume', run];
    }
    // And a reader that goes away (`| head`) neither ends the run nor hides how it ended.
    const { child, shows, ended } = start(args);
    await shows('cases: begins');
    child.stdout?.destroy();
    const last = await ended;
    expect(last.code, last.err).equal(0);
    expect(readFileSync(join(run, 'record.json'), 'utf8')).contain('"sealedDigest": "');
  });

  it('of a terminal, which reaches starter and run at once, still asks', async () => {
    const { child, shows, ended } = start(['simulate', 'smoke', '--out', run]);
    await shows('cases: begins');
    process.kill(-(child.pid ?? 0), 'SIGINT');
    const { code, err } = await ended;
    expect(code).equal(130);
    expect(err).contain('stopped; to continue');
  });

  it('that kills the starter outright leaves no orphan', async () => {
    const { child, shows, ended } = start(['simulate', 'smoke', '--out', run]);
    await shows('cases: begins');
    child.kill('SIGKILL');
    // The pipes close when the last who holds them has ended.
    const { signal, err } = await ended;
    expect(signal).equal('SIGKILL');
    expect(err).contain('stopped; to continue');
    expect(existsSync(join(run, '.lock')), 'it did not end in order').equal(false);
    expect(existsSync(join(run, 'record.json')), 'the run went on to its end').equal(false);
  });

  it('that kills the run is the end of the starter too', async () => {
    const { shows, ended } = start(['simulate', 'smoke', '--out', run]);
    await shows('cases: begins');
    process.kill(workerOf(), 'SIGKILL');
    expect((await ended).signal).equal('SIGKILL');
  });

  it('ends a reproduction, which the same command goes on with', async () => {
    const out = join(folder, 'arms');
    const { child, shows, ended } = start(['reproduce', 'smoke', '--seeds', '1', '--out', out]);
    await shows('cases of 4 hospitals');
    child.kill('SIGTERM');
    const { code, err } = await ended;
    expect(code).equal(143);
    expect(err).contain('stopped; the same command continues where it stopped');
  });

  it('ends at once a command that has nothing to put in order, whatever it waits for', async () => {
    for (const args of [['doctor']]) {
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
        const { child, ended } = start(args);
        await new Promise((resolve) => setTimeout(resolve, 1_500));
        child.kill(signal);
        expect((await ended).signal, args[0]).equal(signal);
      }
    }
  });

  it('does not wait for ever for a run that does not end', async () => {
    const stop = new AbortController();
    const never = unlessStopped(
      stop.signal,
      () => 'stopped; --resume goes on',
      () => new Promise(() => undefined),
    );
    stop.abort('SIGTERM');
    const error: unknown = await never.catch((thrown: unknown) => thrown);
    expect(error).instanceOf(CliError);
    expect((error as CliError).message).equal('stopped; --resume goes on');
    expect(exitCodeOf(error)).equal(143);
  });
});

describe('a reader that goes away', () => {
  const folder = mkdtempSync(join(tmpdir(), 'annulus-pipe-'));
  after(() => {
    rmSync(folder, { recursive: true });
  });

  it('does not make a bad case a good one', async () => {
    mkdirSync(join(folder, 'train', 'a'), { recursive: true });
    writeFileSync(join(folder, 'train', 'a', 'ct.nii.gz'), 'no image');
    const { child, ended } = start(['data', 'check', folder]);
    child.stdout?.destroy();
    expect((await ended).code).equal(1);
  });
});
