import { expect } from 'chai';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { seededRandom } from '../../../src/base/index.ts';
import type { RunRecord } from '../../../src/report/index.ts';
import { packageFile } from '../../../src/host/index.ts';

const main = packageFile('dist/src/cli/main.js');

/** Runs the command; with `killedIn`, kills it as soon as its output has shown that text that many times. */
function annulus(
  args: readonly string[],
  killedIn: { readonly text: string; readonly count: number; readonly afterMs: number } | null,
): Promise<{ code: number | null; signal: string | null; text: string }> {
  const child = spawn(process.execPath, [main, 'simulate', ...args], { stdio: 'pipe' });
  let text = '';
  let isAimed = false;
  const listen = (chunk: Buffer): void => {
    text += chunk.toString();
    if (killedIn === null || isAimed || text.split(killedIn.text).length <= killedIn.count) return;
    isAimed = true;
    setTimeout(() => child.kill('SIGKILL'), killedIn.afterMs);
  };
  child.stdout.on('data', listen);
  child.stderr.on('data', listen);
  return new Promise((resolve) => {
    child.on('close', (code, signal) => {
      resolve({ code, signal, text });
    });
  });
}

describe('a run that is killed', function () {
  this.timeout(600_000);
  const folder = mkdtempSync(join(tmpdir(), 'annulus-resume-'));
  after(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  const recordOf = (run: string): RunRecord =>
    JSON.parse(readFileSync(join(run, 'record.json'), 'utf8')) as RunRecord;
  const digests = ({ rounds }: RunRecord): unknown =>
    rounds.map(({ round, stage, outcome, modelDigest, participants }) => ({
      ...{ round, stage, outcome, modelDigest, participants },
    }));

  it('goes on from where it was to the same models, three times killed', async () => {
    const whole = join(folder, 'whole');
    // A machine busy with other tests must not take a slow start for a lost peer.
    const begin = ['smoke', '--set', 'peer.silenceMs=120000'];
    expect((await annulus([...begin, '--out', whole], null)).code).equal(0);
    const broken = join(folder, 'broken');
    // In the teachers, in the student, and wherever chance wills; each some way into a round.
    const random = seededRandom('resume');
    const aims = [1, 3, 4].map((count) => ({
      ...{ text: 'sealed', count, afterMs: Math.floor(random.uniform() * 400) },
    }));
    let args = [...begin, '--out', broken];
    let kills = 0;
    for (const aim of aims) {
      const { signal } = await annulus(args, aim);
      if (signal === 'SIGKILL') kills += 1;
      args = ['--resume', broken];
      if (existsSync(join(broken, 'record.json'))) break;
    }
    expect(kills, 'killed in the middle').equal(3);
    const last = await annulus(args, null);
    expect(last.code, last.text).equal(0);
    expect(digests(recordOf(broken))).deep.equal(digests(recordOf(whole)));
    expect(recordOf(broken).log).deep.include({ ok: true, nodesVerified: 4 });
  });

  it('refuses a folder without a run, whatever else is said', async () => {
    for (const more of [[], ['--seed', '2']]) {
      const { code, text } = await annulus(['--resume', folder, ...more], null);
      expect(code).equal(2);
      expect(text).contain('expected the folder of a run');
    }
  });
});
