import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { RunMainJob, RunReproduce } from '../../src/cli/index.ts';
import { runCommandLine } from '../../src/cli/program.ts';
import type { World } from '../../src/cli/world.ts';
import type { RunRecord } from '../../src/dashboard/index.ts';
import { syntheticRecord } from '../dashboard/synthetic-record.ts';
import { syntheticReproduction } from '../dashboard/synthetic-reproduction.ts';

interface Told {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

const finishes: RunMainJob = (settings, ports, onProgress) => {
  onProgress({ kind: 'run-started', id: ports.id, hospitals: ['L1'], stages: [] });
  return Promise.resolve({ ...syntheticRecord(), seed: settings.seed });
};

/** What the six arms would be; the seeds are those asked for. */
const reproduces: RunReproduce = (_, { seeds }, onProgress) => {
  onProgress({ total: 2, done: 1, found: 0, line: 'seed 1: half of it' });
  return Promise.resolve({ ...syntheticReproduction(), seeds });
};

async function run(args: readonly string[], mainJob: RunMainJob = finishes): Promise<Told> {
  let out = '';
  let err = '';
  const world: World = {
    out: (text) => (out += text),
    err: (text) => (err += text),
    isLive: false,
    columns: 100,
    nowMs: () => 0,
    signal: new AbortController().signal,
    mainJob: () => Promise.resolve(mainJob),
    reproduce: () => Promise.resolve(reproduces),
    predict: () => Promise.reject(new Error('not asked')),
  };
  const code = await runCommandLine(args, world, {});
  return { code, out, err };
}

describe('annulus', () => {
  const folder = mkdtempSync(join(tmpdir(), 'annulus-cli-'));
  after(() => {
    rmSync(folder, { recursive: true });
  });
  const presetFile = join(folder, 'bad.yaml');
  writeFileSync(presetFile, 'seed: 1\nsede: 2\n');

  it('teaches with examples', async () => {
    const { code, out } = await run(['simulate', '--help']);
    expect(code).equal(0);
    expect(out).contain('--kill L3@student:2');
    const predict = await run(['predict', '--help']);
    expect(predict.out).contain('--heart heart.nii.gz').and.contain('7 pulmonary artery');
    const reproduce = await run(['reproduce', '--help']);
    expect(reproduce.code).equal(0);
    expect(reproduce.out)
      .contain('goes on where it was')
      .and.contain('annulus reproduce --seeds 1');
  });

  const mistakes: [string[], string][] = [
    [['simulat'], 'Did you mean simulate?'],
    [['simulate', '--sed', '3'], "unknown option '--sed'"],
    [['simulate', 'eight-hospital'], 'did you mean eight-hospitals?'],
    [['simulate', presetFile], 'bad.yaml:2: unknown key sede: did you mean seed?'],
    [['simulate', 'smoke', '--kill', 'L9@student:1'], 'unknown hospital L9'],
    [['simulate', 'smoke', '--kill', 'L1@student:9'], 'from 1 to 2'],
    [['simulate', 'smoke', '--kill', 'L4@teacher-hps:1'], 'L4 does not train teacher-hps'],
    [['simulate', 'smoke', '--rounds', 'x'], '--rounds: training.teacher.rounds'],
    [['simulate', 'smoke', '--set', 'x'], 'expected key=value'],
    [['simulate', 'smoke', '--out', folder], 'the output folder is not empty'],
    [['reproduce', 'smoke', '--seeds', '1,x'], '--seeds: expected different whole numbers'],
    [['reproduce', 'smoke', '--seeds', '2,2'], 'got "2,2"'],
    [['reproduce', 'smoke', '--seeds', '4294967296'], 'from 0 to 4294967295'],
    [['reproduce', 'smoke', '--set', 'x'], 'expected key=value'],
    [['reproduce', 'smoke', '--backend', 'abacus'], '--backend: compute.backend'],
    [['reproduce', 'smoke', '--out', folder], 'the output folder is not empty'],
    [['audit', 'verify', join(folder, 'none')], 'no such folder'],
    [['audit', 'verify', folder], 'found none'],
    [['predict', '--model', folder], "required option '--input <file>'"],
    [
      ['predict', '--model', folder, '--input', presetFile, '--heart', 'none', '--output', folder],
      'none: no such file',
    ],
    [['predict', '--backend', 'gpu'], "argument 'gpu' is invalid"],
    [['predict', '--precision', 'f16'], "argument 'f16' is invalid"],
    [['simulate', 'smoke', '--precision', 'f16'], '--precision: compute.precision'],
  ];
  for (const [args, words] of mistakes) {
    it(`answers ${args.slice(0, 2).join(' ')} (${words}) in one line, with exit code 2`, async () => {
      const { code, err } = await run(args);
      expect(code).equal(2);
      expect(err).contain(words);
      expect(err.trim().split('\n').length, err).equal(1);
      expect(err)
        .match(/^annulus: /)
        .and.not.match(/\n\s+at /);
    });
  }

  it('writes report and record, and one JSON document on request', async () => {
    const target = join(folder, 'run');
    const { code, out } = await run([
      'simulate',
      'smoke',
      '--seed',
      '5',
      '--out',
      target,
      '--format',
      'json',
    ]);
    expect(code).equal(0);
    expect(JSON.parse(out)).deep.include({ seed: 5, ok: true, folder: target });
  });

  it('writes results, table and report of a reproduction, also into a folder that was begun', async () => {
    const target = join(folder, 'arms');
    mkdirSync(target);
    writeFileSync(join(target, 'reproduction.json'), '{}');
    const told = await run(['reproduce', 'smoke', '--seeds', '7,8', '--out', target]);
    expect(told.code).equal(0);
    // Half of the work is done after no time at all on this clock.
    expect(told.out).contain('00:00  seed 1: half of it (50 %, about 0 ms left)');
    expect(told.out).contain('seeds 7, 8').and.contain('DOES NOT HOLD: The distilled SwinUNETR');
    for (const name of ['results.json', 'table.txt', 'report.html']) {
      expect(existsSync(join(target, name)), name).equal(true);
    }
    const json = await run(['reproduce', 'smoke', '--out', target, '--format', 'json']);
    expect(JSON.parse(json.out)).deep.include({ version: 1, seeds: [1, 2, 3] });
    expect(json.err).contain('half of it');
  });

  it('ends with 1 when the nodes do not agree', async () => {
    const { code } = await run(['simulate', 'smoke', '--out', join(folder, 'split')], () =>
      Promise.resolve({ ...syntheticRecord(), sealedDigest: null }),
    );
    expect(code).equal(1);
  });

  it('ends with 4 when a round was closed without a member that nobody killed, and says which', async () => {
    const record = syntheticRecord();
    const ends = async (name: string, faults: RunRecord['faults']): Promise<Told> =>
      run(['simulate', 'smoke', '--out', join(folder, name)], () =>
        Promise.resolve({ ...record, faults }),
      );
    // The record has a kill of L3, and the round that lacks it for that.
    const asked = await ends('asked', record.faults);
    expect(asked.code).equal(0);
    expect(asked.out).match(
      /missed +1 round closed without a member: L3 in student \d+ \(--kill\)/,
    );
    const unasked = await ends(
      'unasked',
      record.faults.filter(({ kind }) => kind !== 'killed'),
    );
    expect(unasked.code).equal(4);
    expect(unasked.out).match(/missed +1 round closed without a member: L3 in student \d+\n/);
  });

  it('refuses more kills in one round than may be away, before it makes a folder', async () => {
    const target = join(folder, 'kills');
    const kills = ['--kill', 'L1@student:1', '--kill', 'L2@student:1'];
    const { code, err } = await run(['simulate', 'smoke', '--out', target, ...kills]);
    expect(code).equal(2);
    // floor((4 - 1) / 3)
    expect(err).contain('4 hospitals agree with at most 1 of them away');
    expect(existsSync(target)).equal(false);
  });

  it('ends with 3 when the disk is full, in one line', async () => {
    const full = Object.assign(new Error('ENOSPC: no space'), { code: 'ENOSPC', path: '/x' });
    const { code, err } = await run(['simulate', 'smoke', '--out', join(folder, 'full')], () =>
      Promise.reject(full),
    );
    expect([code, err]).deep.equal([3, 'annulus: /x: the disk is full\n']);
  });
});
