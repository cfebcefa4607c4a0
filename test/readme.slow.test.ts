/** The commands of README.md that need a trained student, for real: the default main job, and what comes after it. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { expect } from 'chai';
import type { RunRecord } from '../src/report/index.ts';
import { projectRoot } from './project-root.ts';
import { readmeCommands, readmeExcerpt } from './readme-commands.ts';

describe('README.md on the main job', function () {
  this.timeout(3_600_000);
  const folder = mkdtempSync(join(tmpdir(), 'annulus-readme-'));
  const run = join(folder, 'runs', 'eight-hospitals-1');

  after(() => {
    rmSync(folder, { recursive: true });
  });

  it('runs eight hospitals with no flag at all, as shown', () => {
    const out = typed('npx annulus simulate');
    for (const line of readmeExcerpt) expect(out).match(line);
    const { nodes, sealedDigest } = recordOf(run);
    expect(nodes.map(({ modelDigest }) => modelDigest)).deep.equal(Array(8).fill(sealedDigest));
    expect(readFileSync(join(run, 'report.html'), 'utf8')).contain(sealedDigest);
  });

  for (const command of readmeCommands.filter((line) => line.includes('runs/eight-hospitals-1'))) {
    it(`then does: ${command}`, () => {
      const out = typed(command);
      const { sealedDigest, log } = recordOf(run);
      if (command.includes(' audit verify ')) expect(out).contain(sealedDigest);
      if (command.startsWith('python3')) expect(out).contain(`root ${log.root}`);
    });
  }

  /** As typed in an empty folder where the package's files lie too. @returns what it said. */
  function typed(command: string): string {
    const line = command
      .replace(/^npx /, '')
      .replace(/^python3/, '/usr/bin/python3')
      .replace(/(?<=\s)(config|test)\//g, (path) => join(projectRoot, path));
    const bin = join(projectRoot, 'node_modules', '.bin');
    const env = { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH ?? ''}` };
    const options = { shell: true, cwd: folder, encoding: 'utf8', env } as const;
    const done = spawnSync(line, { ...options, maxBuffer: 2 ** 26 });
    expect(done.status, done.stderr).equal(0);
    return done.stdout;
  }
});

function recordOf(run: string): RunRecord {
  return JSON.parse(readFileSync(join(run, 'record.json'), 'utf8')) as RunRecord;
}
