/** A sweep as a process that is killed. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { expect } from 'chai';
import { start, type Started } from '../../cli/started.ts';

const runCount = 27;
const over = [
  ...['--over', 'topology.kind=ring,torus,complete'],
  ...['--over', 'training.learningRate=0.05,0.1,0.2', '--over', 'seed=1..3'],
];

describe('a sweep of 3 × 3 × 3', function () {
  this.timeout(300_000);
  const folder = mkdtempSync(join(tmpdir(), 'annulus-sweep-'));
  const whole = join(folder, 'whole');

  after(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  it('that is killed goes on, and ends with the bytes of one that was not', async () => {
    expect(await sweep(whole, '2').ended).include({ code: 0, err: '' });
    const killed = join(folder, 'killed');
    const cells = join(killed, 'cells');
    const { child, ended } = sweep(killed, '2');
    while (finished(cells) < 3 && child.exitCode === null) await pause(1);
    process.kill(-(child.pid ?? 0), 'SIGKILL');
    await ended;
    expect(finished(cells)).lessThan(runCount);
    expect(existsSync(join(killed, 'report.html'))).equal(false);
    const { code, out, err } = await sweep(killed, '1').ended;
    expect(code, err).equal(0);
    // Only those that lacked were run.
    expect(out.split('\n').filter((line) => /-seed-\d/.test(line)).length).lessThan(runCount - 2);
    expect(finished(cells)).equal(runCount);
    expect(filesOf(killed)).deep.equal(filesOf(whole));
  });

  it('refuses to go on with other settings', async () => {
    const { code, err } = await sweep(whole, '1', ['--rounds', '3']).ended;
    expect(code).equal(2);
    expect(err).contain('was begun with other settings or values');
  });
});

function sweep(out: string, workers: string, more: readonly string[] = []): Started {
  const sizes = ['--set', 'nodes=32', ...(more.length > 0 ? more : ['--rounds', '150'])];
  return start(['sweep', 'tiny', ...over, ...sizes, '--out', out, '--workers', workers]);
}

/** Runs that have their name. */
function finished(cells: string): number {
  return existsSync(cells) ? readdirSync(cells).filter((name) => /^\d/.test(name)).length : 0;
}

/** Every file by its path, as text. */
function filesOf(top: string): Map<string, string> {
  const files = readdirSync(top, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  return new Map(files.map((file) => [relative(top, file), readFileSync(file, 'utf8')]));
}
