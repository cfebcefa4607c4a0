import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { parseDocument } from 'yaml';
import { ConfigError, loadPreset, nearest, type Override } from '../../src/config/index.ts';
import { projectRoot } from '../project-root.ts';

const preset = (name: string): string =>
  readFileSync(join(projectRoot, 'config', `${name}.yaml`), 'utf8');
const smoke = preset('smoke');

function refusal(text: string, overrides: readonly Override[] = []): ConfigError {
  try {
    loadPreset(text, 'p.yaml', overrides);
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error('expected a refusal');
}

const lineOf = (needle: string): number =>
  smoke.split('\n').findIndex((line) => line.includes(needle)) + 1;

describe('a preset', () => {
  it('gives the main job eight hospitals, one of them without labels, as in the paper’s table', () => {
    const { hospitals } = loadPreset(preset('eight-hospitals'), 'e.yaml').consortium;
    const holders = (task: 'hps' | 'ms' | 'calc'): string =>
      hospitals
        .filter(({ cases }) => cases[task] > 0)
        .map(({ id }) => id)
        .join(' ');
    expect(hospitals.length).equal(8);
    // Rows with a count above 0 in the table of Tölle et al. 2025.
    expect(holders('hps')).equal('L1 L2 L3 L4 L6 L7 L8');
    expect(holders('ms')).equal('L1 L3 L7');
    expect(holders('calc')).equal('L1 L2 L6');
  });

  it('keeps defaults where it says nothing, and takes what it says', () => {
    const settings = loadPreset(smoke, 'p.yaml');
    expect(settings.training.student).deep.include({ rounds: 2, stepsPerRound: 3, batch: 1 });
    expect(settings.consortium.hospitals[1]!.scanner).deep.include({ noiseHu: 30, offsetHu: 0 });
  });

  it('takes a file that a Windows editor saved: with a byte order mark and its ends of lines', () => {
    const saved = `\ufeff${smoke.replaceAll('\n', '\r\n')}`;
    expect(loadPreset(saved, 'p.yaml')).deep.equal(loadPreset(smoke, 'p.yaml'));
  });

  it("takes how a hospital's files are to be read, and refuses what says nothing", () => {
    const own = (reading: string): string =>
      smoke.replace('id: L1\n', `id: L1\n      reading: ${reading}\n`);
    expect(own('{}')).not.equal(smoke);
    const [first] = loadPreset(own('{ frame: 3, axes: LPS, units: mm }'), 'p.yaml').consortium
      .hospitals;
    expect(first?.reading).deep.equal({ frame: 3, axes: 'LPS', units: 'mm', voxelsMax: 2 ** 27 });
    for (const [reading, words] of [
      ['{ axes: LAR }', 'three letters such as LAS'],
      ['{ units: microns }', 'ask, header or mm'],
    ] as const) {
      expect(() => loadPreset(own(reading), 'p.yaml')).throw(words);
    }
  });

  it('lets flags win over the file, and names the flag when they are wrong', () => {
    const rounds = (text: string): Override[] => [
      { key: 'training.student.rounds', text, source: '--rounds' },
    ];
    expect(loadPreset(smoke, 'p.yaml', rounds('7')).training.student.rounds).equal(7);
    expect(refusal(smoke, rounds('many')).message).equal(
      '--rounds: training.student.rounds: expected a number, got "many"',
    );
  });

  const changes: [string, string, string, string, string][] = [
    ['an unknown key', 'seed: 1', 'sed: 1', 'unknown_key', 'unknown key sed: did you mean seed?'],
    ['a value out of range', 'seed: 1', 'seed: -1', 'bad_value', 'seed: expected a whole number'],
    ['a nested unknown key', 'noiseHu: 30', 'noseHu: 30', 'unknown_key', 'scanner.noiseHu?'],
    ["a room's range", 'noiseHu: 30', 'noiseHu: 300', 'bad_value', 'scanner.noiseHu'],
    ['a wrong type', 'rounds: 2', 'rounds: two', 'bad_value', 'expected a number, got "two"'],
    [
      'a patch the nets cannot halve',
      '[16, 16, 16]',
      '[17, 16, 16]',
      'bad_value',
      'multiples of 2',
    ],
    ['a patch beyond the volume', '[16, 16, 16]', '[64, 64, 64]', 'bad_value', "phantom's 32"],
    ['a patch of one length', '[16, 16, 16]', '16', 'bad_value', 'three lengths, or whole'],
    ['a patch of another word', '[16, 16, 16]', 'all', 'bad_value', 'training.patch'],
    ['a bad window', 'window: 4', 'window: 99', 'bad_value', 'models.student.window'],
    ['an unknown optimiser', 'batch: 1', 'optimiser: adagrad', 'bad_value', 'adamw or sgd'],
    [
      'an unknown schedule',
      'batch: 1',
      'schedule: step',
      'bad_value',
      'constant or cosine or poly',
    ],
    ['an unknown use of the heart', 'pointRadiusMm: 7', 'heart: both', 'bad_value', 'head'],
    ['an unknown federation', 'batch: 1', 'federation: mean', 'bad_value', 'fedavg or fedprox'],
    ['two hospitals of one name', 'id: L2', 'id: L1', 'bad_value', '"L1" twice'],
    [
      'settings that contradict',
      'redialMsMax: 1000',
      'redialMsMax: 50',
      'bad_value',
      'redialMsMin',
    ],
  ];
  for (const [title, from, to, code, words] of changes) {
    it(`with ${title} is refused with its line`, () => {
      const error = refusal(smoke.replace(from, to));
      expect(error.code).equal(code);
      expect(error.message).contain(words);
      if (from.startsWith('noise')) expect(error.message).contain(`p.yaml:${lineOf(from)}: `);
    });
  }

  it('may train on whole volumes, which need not fit the nets', () => {
    const whole = loadPreset(
      smoke.replace('[16, 16, 16]', 'whole').replace('shape: [32, 32, 32]', 'shape: [33, 31, 30]'),
      'p.yaml',
    );
    expect(whole.training.patch).equal('whole');
    const again: Override[] = [
      { key: 'training.patch', text: 'whole', source: '--set' },
      { key: 'training.clamp', text: '2', source: '--set' },
    ];
    expect(loadPreset(smoke, 'p.yaml', again).training.patch).equal('whole');
    const lengths = smoke.replace('[16, 16, 16]', 'whole');
    const back = [{ key: 'training.patch', text: '[8, 16, 24]', source: '--set' }];
    expect(loadPreset(lengths, 'p.yaml', back).training.patch).deep.equal([8, 16, 24]);
  });

  it('takes all that --set says before it checks, in any order', () => {
    const set = (key: string, text: string): Override => ({ key, text, source: '--set' });
    // Each alone contradicts the file or its kind: blurs of 0.5 to 1, redials of 200 to 1000 ms, a student that is no UNETR.
    const pairs: readonly (readonly Override[])[] = [
      [set('sampling.blurSigmaMin', '3'), set('sampling.blurSigmaMax', '4')],
      [set('network.redialMsMin', '20000'), set('network.redialMsMax', '30000')],
      [set('phantom.shape', '[64, 64, 64]'), set('training.patch', '[48, 48, 48]')],
      [
        ...[set('models.student.kind', 'unetr'), set('models.student.imageSize', '[16, 16, 16]')],
        ...[set('models.student.featureSize', '4'), set('models.student.hiddenSize', '12')],
        ...[set('models.student.mlpDim', '24'), set('models.student.numHeads', '3')],
        set('models.student.numLayers', '4'),
      ],
    ];
    for (const pair of pairs) {
      const [first] = pair;
      const settings = loadPreset(smoke, 'p.yaml', pair);
      expect(loadPreset(smoke, 'p.yaml', [...pair].reverse()), first!.key).deep.equal(settings);
      if (first!.key !== 'phantom.shape') {
        expect(() => loadPreset(smoke, 'p.yaml', [first!]), first!.key).throw(/^--set: /);
      }
    }
    const { sampling, models } = loadPreset(smoke, 'p.yaml', pairs.flat().slice(0, 2));
    expect([sampling.blurSigmaMin, sampling.blurSigmaMax]).deep.equal([3, 4]);
    expect(models.student.kind).equal('swin-unetr');
  });

  it('without hospitals may get them from --set', () => {
    const hospital = 'hospitals: [{id: A, cases: {hps: 1, ms: 1, calc: 1}}]';
    const asked = [{ key: 'consortium', text: `{${hospital}}`, source: '--set' }];
    expect(loadPreset('seed: 1', 'p.yaml', asked).consortium.hospitals[0]!.id).equal('A');
    expect(refusal('seed: 1').message).equal(
      'p.yaml:1: consortium.hospitals: expected a list of hospitals, got nothing',
    );
  });

  it('without a round of the student is refused: nothing would be sealed', () => {
    const none = [{ key: 'training.student.rounds', text: '0', source: '--rounds' }];
    expect(refusal(smoke, none).message).equal(
      '--rounds: training.student.rounds: expected a whole number from 1 to 100000, got 0',
    );
    const teachers = [{ key: 'training.teacher.rounds', text: '0', source: '--set' }];
    expect(loadPreset(smoke, 'p.yaml', teachers).training.teacher.rounds).equal(0);
  });

  it('leaves the heart alone unless it says otherwise', () => {
    expect(loadPreset(smoke, 'p.yaml').training.heart).equal('none');
    for (const text of ['condition', 'head']) {
      const told = [{ key: 'training.heart', text, source: '--set' }];
      expect(loadPreset(smoke, 'p.yaml', told).training.heart).equal(text);
    }
  });

  it('trains a UNETR on patches of its one size and no other', () => {
    const keys = {
      ...{ kind: 'unetr', imageSize: [16, 16, 32], featureSize: 4, hiddenSize: 12, mlpDim: 24 },
      ...{ numHeads: 3, numLayers: 4 },
    };
    const withPatch = (patch: string): Override[] => [
      { key: 'training.patch', text: patch, source: '--set' },
      { key: 'models.student', text: JSON.stringify(keys), source: '--set' },
    ];
    const { models, training } = loadPreset(smoke, 'p.yaml', withPatch('[16, 16, 32]'));
    expect(models.student).deep.equal(keys);
    expect(training.patch).deep.equal([16, 16, 32]);
    expect(refusal(smoke, withPatch('[16, 16, 16]')).message).contain('16, 16, 32, its imageSize');
    expect(refusal(smoke, withPatch('whole')).message).contain('the imageSize of the student');
  });

  it('in which nobody labels a task is refused', () => {
    expect(refusal(smoke.replace(/calc: \d, /g, '')).message).contain('labels for calc');
  });

  const hostile: [string, string][] = [
    ['nothing', ''],
    ['an alias', 'seed: &a 1\npreset: *a'],
    ['a bomb', 'a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]'],
    ['a key twice', 'seed: 1\nseed: 2'],
    ['a tag', 'preset: !!js/function x'],
    ['a tower of brackets', '['.repeat(100_000)],
    ['half a list', 'seed: ['],
    ['a prototype', '__proto__: { polluted: 1 }'],
    ['two documents', `${smoke}\n---\nseed: 2`],
    ['a megabyte', `# ${'x'.repeat(2 ** 20)}`],
  ];
  for (const [title, text] of hostile) {
    it(`that is ${title} is refused`, () => {
      expect(refusal(text)).instanceOf(ConfigError);
      expect(({} as { polluted?: number }).polluted).equal(undefined);
    });
  }

  const slips: readonly (readonly [string, number, string])[] = [
    ['training:\n\tclamp: 1', 2, 'use spaces'],
    ['seed: 1\npreset: x\nseed: 2', 3, 'stands twice'],
    ['seed: [1', 1, 'a bracket that is not closed'],
    ['seed: 1\npreset: a: b', 2, 'put a text with a colon in quotes'],
    ['training:\n  clamp: 1\n   momentum: 0', 2, 'the same number of spaces'],
    ['training:\n  clamp: 1\n momentum: 0', 3, 'the same number of spaces'],
    ['seed: 1\npreset: "a\\qb"', 2, 'write the text in single quotes'],
    ['seed: 1\npreset: @x', 2, 'put it in quotes'],
    ['seed: 1\npreset: "x', 2, 'a closing quote or bracket'],
    ['seed: 1\n---\nseed: 2', 2, 'take the line --- away'],
    ['%PERCENT\n---\nseed: 1', 1, 'take the line away'],
    ['seed: ]', 1, 'a bracket, quote or comma too many'],
    ['seed: 1\npreset', 2, 'a colon and a space after a key'],
  ];
  for (const [text, line, words] of slips) {
    it(`that is ${JSON.stringify(text)} is refused in our words, with what to do`, () => {
      const { message } = refusal(text);
      expect(message.startsWith(`p.yaml:${line}: `), message).equal(true);
      expect(message).contain(words);
      const { errors, warnings } = parseDocument(text, { prettyErrors: false });
      for (const parsers of [...errors, ...warnings]) expect(message).not.contain(parsers.message);
    });
  }

  it('finds the word that was meant', () => {
    expect(nearest('stduent', ['teacher', 'student'])).equal('student');
    expect(nearest('xyz', ['teacher', 'student'])).equal(null);
  });
});
