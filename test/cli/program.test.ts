import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { RunMainJob, RunReproduce } from '../../src/cli/index.ts';
import { usageError } from '../../src/cli/errors.ts';
import type { RunRecord } from '../../src/report/index.ts';
import { encodeStudent, intensityDefaults } from '../../src/distill/index.ts';
import { tinySize, tinySpec, tinyWeights } from '../distill/training-cases.ts';
import { syntheticRecord } from '../report/synthetic-record.ts';
import { syntheticReproduction } from '../report/synthetic-reproduction.ts';
import { runTyped, type Told } from './typed.ts';

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
  return runTyped(args, {
    mainJob: () => Promise.resolve(mainJob),
    reproduce: () => Promise.resolve(reproduces),
  });
}

describe('annulus', () => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'annulus-cli-')));
  const model = join(folder, 'tiny');
  after(() => {
    rmSync(folder, { recursive: true });
  });
  const presetFile = join(folder, 'bad.yaml');
  writeFileSync(presetFile, 'seed: 1\nsede: 2\n');
  mkdirSync(model);
  const student = {
    ...{ spec: tinySpec, weights: tinyWeights(tinySpec), intensity: intensityDefaults },
    spacingMm: [3, 3, 3],
    window: tinySize,
  } as const;
  for (const [name, bytes] of encodeStudent(student)) writeFileSync(join(model, name), bytes);

  it('teaches with examples', async () => {
    const { code, out } = await run(['simulate', '--help']);
    expect(code).equal(0);
    expect(out).contain('--kill L3@student:2');
    const predict = await run(['predict', '--help']);
    expect(predict.out).contain('--heart heart.nii.gz').and.contain('7 pulmonary artery');
    const reproduce = await run(['reproduce', '--help']);
    expect(reproduce.code).equal(0);
    expect(reproduce.out)
      .contain('continues where it stopped')
      .and.contain('annulus reproduce --seeds 1');
  });

  const virtual = ['simulate', 'smoke', '--world', 'virtual'];
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
    [['predict', '--model', join(folder, 'none'), '--input', presetFile], 'no such folder'],
    [
      ['predict', '--model', folder, '--output', join(folder, 'o')],
      'expected one of --input (a CT) and --worklist (many), got both or neither',
    ],
    [
      ['predict', '--model', folder, '--input', presetFile, '--heart', 'none', '--output', folder],
      'none: no such file',
    ],
    [['predict', '--backend', 'gpu'], "argument 'gpu' is invalid"],
    [['predict', '--precision', 'f16'], "argument 'f16' is invalid"],
    [['simulate', 'smoke', '--precision', 'f16'], '--precision: compute.precision'],
    [['simulate', 'smoke', '--world', 'flat'], "argument 'flat' is invalid"],
    [['simulate', 'smoke', '--members', '7'], '--members: only with --world virtual'],
    [[...virtual, '--kill', 'L3@student:1'], '--kill: not with --world virtual'],
    [[...virtual, '--resume', folder], '--resume: not with --world virtual'],
    [[...virtual, '--members', '0'], '--members: expected a whole number from 1 to 256'],
    [[...virtual, '--members', '1e3'], '--members: expected a whole number'],
    [[...virtual, '--until', 'noon'], '--until: expected whole seconds'],
    [[...virtual, '--fault-seed', '-1'], '--fault-seed: expected a whole number'],
    [[...virtual, '--faults', presetFile], 'bad.yaml: '],
    [[...virtual, '--attack', presetFile], 'bad.yaml: '],
    [['simulate', 'smoke', '--attack', presetFile], '--attack: only with --world virtual'],
    [[...virtual, '--faults', presetFile, '--fault-seed', '1'], 'one of the two'],
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

  it('runs a virtual world, to the same bytes wherever it is written', async () => {
    const [one, other] = [join(folder, 'one'), join(folder, 'other')];
    const small = [...virtual, '--members', '5', '--rounds', '1', '--fault-seed', '2'];
    const told = await run([...small, '--out', one]);
    expect([told.code, told.err]).deep.equal([0, '']);
    expect(told.out)
      .match(/student {3}[0-9a-f]{64} on 5 of 5 nodes/)
      .and.match(/of virtual time/);
    const record = readFileSync(join(one, 'record.json'), 'utf8');
    const again = [...virtual, '--members', '5', '--rounds', '1', '--format', 'json'];
    const faults = ['--faults', join(one, 'record.json')];
    const json = await run([...again, ...faults, '--out', other]);
    expect(JSON.parse(json.out)).deep.include({ ok: true, folder: other });
    expect(readFileSync(join(other, 'record.json'), 'utf8')).equal(record);
    expect(readFileSync(join(other, 'report.html'))).deep.equal(
      readFileSync(join(one, 'report.html')),
    );
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

  it('looks for the run before it speaks of what stands beside --resume', async () => {
    const { code, err } = await run(['simulate', 'smoke', '--resume', join(folder, 'nowhere')]);
    expect([code, err]).deep.equal([2, `annulus: ${join(folder, 'nowhere')}: no such folder\n`]);
  });

  it('leaves no folder behind when it is refused, and the default name to the next run', async () => {
    const refuses: RunMainJob = () => Promise.reject(usageError('not like this'));
    const deep = join(folder, 'some', 'where');
    expect((await run(['simulate', 'smoke', '--out', deep], refuses)).code).equal(2);
    expect(existsSync(join(folder, 'some'))).equal(false);
    const output = ['--output', deep];
    expect((await run(['predict', '--model', model, '--input', presetFile, ...output])).code).equal(
      1,
    );
    expect(existsSync(join(folder, 'some'))).equal(false);

    const home = process.cwd();
    process.chdir(folder);
    try {
      expect((await run(['simulate', 'smoke'], refuses)).code).equal(2);
      expect(existsSync('runs')).equal(false);
      // As a run leaves it that was killed before it wrote anything.
      mkdirSync(join('runs', 'smoke-1'), { recursive: true });
      const told = await run(['simulate', 'smoke', '--format', 'json']);
      const smoke = join(process.cwd(), 'runs', 'smoke-1');
      expect(JSON.parse(told.out)).deep.include({ folder: smoke });
      expect((await run(['simulate', 'smoke', '--format', 'json'])).out).contain('smoke-1-2');
    } finally {
      process.chdir(home);
    }
  });

  it('takes a run for its model', async () => {
    const runFolder = join(folder, 'a-run');
    cpSync(model, join(runFolder, 'model'), { recursive: true });
    writeFileSync(join(runFolder, 'report.html'), '');
    for (const [from, to] of [
      [model, 'from-model'],
      [runFolder, 'from-run'],
    ] as const) {
      const args = ['export', '--format', 'safetensors', '--output', join(folder, to)];
      expect((await run([...args, '--model', from])).err, to).equal('');
    }
    const [one, other] = ['from-model', 'from-run'].map((name) =>
      readFileSync(join(folder, name, 'model.safetensors')),
    );
    expect(one).deep.equal(other);
  });

  it('prints nothing of a name that a terminal would obey', async () => {
    const name = 'P\u001b]0;title\u0007\u001b[1A\u009b2K\u202e\r\nannulus: VERIFIED';
    const hospital = join(folder, 'hospital');
    for (const split of ['train', 'test']) {
      mkdirSync(join(hospital, split, name), { recursive: true });
      writeFileSync(join(hospital, split, name, 'ct.nii.gz'), 'no image');
    }
    const log = join(folder, name, 'nodes', 'L1', 'log');
    mkdirSync(log, { recursive: true });
    writeFileSync(join(log, 'manifest.json'), name);
    writeFileSync(join(log, name.replaceAll('/', '')), '');
    const tells: RunMainJob = (settings, ports, onProgress) => {
      onProgress({ kind: 'note', level: 'warn', text: `L1: ${name}` });
      return finishes(settings, ports, onProgress);
    };
    const lines: [string[], number][] = [
      [['data', 'check', hospital], 1],
      [['data', 'check', hospital, '--format', 'json'], 1],
      [['audit', 'verify', join(folder, name)], 1],
      [['simulate', name], 2],
      [['simulate', '--resume', name], 2],
      [['simulate', 'smoke', '--kill', name], 2],
      [['simulate', 'smoke', '--set', `seed=${name}`], 2],
      [['simulate', 'smoke', `--${name}`], 2],
      [['simulate', 'smoke', '--out', join(folder, 'out', name)], 0],
      [['predict', '--model', name, '--input', name, '--output', name], 2],
    ];
    for (const [args, expected] of lines) {
      const { code, out, err } = await run(args, tells);
      expect(code, `${args.join(' ')}: ${err}`).equal(expected);
      const shown = `${out}${err}`.replaceAll('\n', '');
      // What the program itself writes are letters, digits, signs and its boxes; JSON is escaped by the process.
      if (!args.includes('json'))
        expect(shown, args.join(' ')).not.match(/[\p{Cc}\p{Bidi_Control}]/u);
      expect(`${out}${err}`, args.join(' ')).not.match(/^annulus: VERIFIED/m);
    }
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
