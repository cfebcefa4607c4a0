/** Every command of README.md is run: here, or by the test or script that is named beside its form. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { limitsOf, loadPreset, membersOf, planOf } from '../src/config/index.ts';
import type { OnProgress } from '../src/report/index.ts';
import { simulatedConsortium, simulatedMember } from '../src/experiment/index.ts';
import { mainJobParts, RunRecorder } from '../src/experiment/run/run-recorder.ts';
import { syntheticRecord } from './report/synthetic-record.ts';
import { syntheticReproduction } from './report/synthetic-reproduction.ts';
import { writeToyRun } from './peer/toy-run.ts';
import { runTyped } from './cli/typed.ts';
import { projectRoot } from './project-root.ts';
import { readmeCommands, readmeExcerpt } from './readme-commands.ts';

/** Who runs a command of this form. `here`: for real. `dry`: its words are read here, and it is run for real there. */
const forms: readonly {
  readonly form: RegExp;
  readonly here: 'real' | 'dry' | null;
  readonly by: string;
}[] = [
  { form: /^npm (ci|test|run check)$/, here: null, by: '.ci/run' },
  { form: /^npx annulus (simulate )?--help$/, here: 'real', by: '' },
  {
    form: /^npx annulus (testnet|status|wait|init|consortium|join|preflight|start|audit verify net)\b/,
    here: null,
    by: 'test/readme-member.test.ts',
  },
  { form: /^npx annulus audit verify \S+$/, here: 'real', by: '' },
  { form: /^npx annulus doctor$/, here: 'real', by: '' },
  { form: /^npx annulus topology /, here: 'real', by: '' },
  { form: /^python3 verify\/verify_log\.py \S+$/, here: 'real', by: '' },
  { form: /^npx annulus simulate$/, here: 'dry', by: 'test/readme.slow.test.ts' },
  { form: /^npx annulus predict --\S/, here: 'dry', by: 'test/readme.slow.test.ts' },
  { form: /^npx annulus simulate --resume /, here: null, by: 'test/experiment/run/resume.test.ts' },
  {
    form: /^npx annulus reproduce( smoke --seeds 1)?$/,
    here: 'dry',
    by: 'test/experiment/paper/reproduction.test.ts',
  },
  {
    form: /^npx annulus data (check|preview|import) /,
    here: null,
    by: 'test/cli/site-data.test.ts',
  },
  { form: /^npx annulus import /, here: null, by: 'test/interop/import.test.ts' },
  { form: /^npx annulus export /, here: null, by: 'test/interop/export.test.ts' },
  {
    form: /^npx annulus simulate smoke --world virtual /,
    here: 'dry',
    by: 'test/experiment/run/virtual-run.test.ts',
  },
  { form: /^npx annulus simulate tiny$/, here: 'dry', by: '' },
  { form: /^npx annulus sweep /, here: 'dry', by: '' },
  { form: /^npx annulus compare /, here: null, by: 'test/cli/lab.test.ts' },
  {
    form: /^npx annulus simulate (smoke|--)/,
    here: 'dry',
    by: 'test/experiment/run/main-job.test.ts',
  },
];

describe('README.md', function () {
  this.timeout(120_000);
  const folder = mkdtempSync(join(tmpdir(), 'annulus-readme-'));
  /** Stands for `runs/eight-hospitals-1`. */
  const run = join(folder, 'run');

  before(async () => {
    await writeToyRun(run);
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });

  it('tells nothing to type that is not in the list of forms', () => {
    expect(readmeCommands.length).greaterThan(10);
    for (const { form } of forms) {
      expect(
        readmeCommands.some((command) => form.test(command)),
        String(form),
      ).equal(true);
    }
    expect(readmeCommands.filter((command) => formOf(command) === undefined)).deep.equal([]);
  });

  it('leaves a command only to a test or a script that there is', () => {
    for (const { by } of forms.filter((form) => form.by !== '')) {
      expect(existsSync(join(projectRoot, by)), by).equal(true);
    }
    const ci = readFileSync(join(projectRoot, '.ci', 'run'), 'utf8');
    for (const command of readmeCommands.filter((line) => formOf(line)?.by === '.ci/run')) {
      expect(ci).contain(command);
    }
  });

  for (const command of readmeCommands.filter((line) => formOf(line)?.here === 'real')) {
    it(`is right about: ${command}`, () => {
      const line = command
        .replace('runs/eight-hospitals-1', run)
        // Debian's own Python has the package `cryptography`; another in the path may not.
        .replace(/^python3/, '/usr/bin/python3');
      const done = spawnSync(line, { shell: true, cwd: projectRoot, encoding: 'utf8' });
      // npm may have remarks of its own on the machine's configuration.
      expect(done.status, done.stderr).equal(0);
      expect(done.stdout).not.equal('');
    });
  }

  for (const command of readmeCommands.filter((line) => formOf(line)?.here === 'dry')) {
    it(`is understood in: ${command}`, async () => {
      const args = command.replaceAll('runs/eight-hospitals-1', run).split(/\s+/).slice(2);
      const place = args.includes('--output') ? args.indexOf('--output') + 1 : args.length;
      const target = mkdtempSync(join(folder, 'out-'));
      if (place === args.length) args.push('--out', target);
      else args[place] = target;
      const { code, err } = await dryRun(args);
      expect([code, err]).deep.equal([0, '']);
    });
  }

  it('shows what the terminal shows', async () => {
    const target = join(folder, 'runs', 'eight-hospitals-1');
    const { out } = await dryRun(['simulate', '--out', target]);
    for (const line of readmeExcerpt) expect(out).match(line);
  });
});

function formOf(command: string): (typeof forms)[number] | undefined {
  return forms.find(({ form }) => form.test(command));
}

/** The command line in this process, with rooms behind it that only tell what a run would; a virtual one is run. */
async function dryRun(
  args: readonly string[],
): Promise<{ code: number; out: string; err: string }> {
  const { code, out, err } = await runTyped(args, {
    mainJob: () =>
      Promise.resolve((settings, ports, onProgress) => {
        tellProgress(settings, ports.id, onProgress);
        return Promise.resolve(syntheticRecord());
      }),
    reproduce: () => Promise.resolve(() => Promise.resolve(syntheticReproduction())),
    predict: () =>
      Promise.resolve(() =>
        Promise.resolve({
          files: new Map(),
          lines: ['found'],
          document: {},
          measures: [],
          warning: [],
        }),
      ),
  });
  return { code, out, err: args.includes('json') ? '' : err };
}

/** The first events as the recorder tells them, and two rounds. */
function tellProgress(
  settings: ReturnType<typeof loadPreset>,
  id: string,
  onProgress: OnProgress,
): void {
  const { seed, consortium } = settings;
  const members = membersOf(settings).map((member) => simulatedMember(seed, member, []));
  const facts = { ...consortium, plan: planOf(settings), limits: limitsOf(1) };
  const { name, domain, plan, limits } = facts;
  const recorder = new RunRecorder(settings, id, onProgress, { nowMs: () => 0 }, 0);
  recorder.begin(simulatedConsortium(members, { name, domain, plan, limits }), mainJobParts);
  onProgress({ kind: 'stage-finished', stage: 'data', ms: 1000 });
  for (const { id: stage, participants } of [plan.stages[0]!, plan.stages.at(-1)!]) {
    onProgress({
      ...{ kind: 'round-sealed', stage, stageRound: 1, participants, excluded: [] },
      ...{ modelDigest: 'ab'.repeat(32), loss: 0.5, logSize: 9 },
    });
  }
}
