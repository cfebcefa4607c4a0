/** Holds config/README.md against the code: every setting is there, as it is, and somebody reads it. */
import { readFileSync, readdirSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { expect } from 'chai';
import ts from 'typescript';
import { parse } from 'yaml';
import { hospitalDefaults, loadPreset, loadSection, runDefaults } from '../../src/config/index.ts';
import { labDefaults, labForm } from '../../src/experiment/index.ts';
import { projectRoot } from '../project-root.ts';

/** A row of the tables of settings. */
interface Row {
  readonly key: string;
  readonly range: string;
  /** As YAML; empty for what has none. */
  readonly defaultText: string;
}

const hospitalKey = 'consortium.hospitals[]';
const page = readFileSync(join(projectRoot, 'config', 'README.md'), 'utf8');
const smoke = presetText('smoke');
const inSmoke = leavesOf(loadPreset(smoke, 'smoke.yaml'), '');
const rows = readRows(page);
const defaults = new Map([
  ...leavesOf(runDefaults, ''),
  ...leavesOf(labDefaults, 'lab'),
  ...leavesOf({ id: undefined, ...hospitalDefaults }, hospitalKey),
]);

describe('config/README.md', () => {
  it('has every setting once, and no other', () => {
    expect(rows.map(({ key }) => key).sort()).deep.equal([...defaults.keys()].sort());
  });

  it("has settings of nnU-Net's and the paper's training that are taken as they stand", () => {
    const recipes = [...page.matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].map(([, text = '']) => text);
    expect(recipes.length).equal(2);
    const library = new Map(
      ['paper-unet', 'paper-swin-unetr'].map((name) => [name, presetText(`models/${name}`)]),
    );
    const [nnunet, paper] = recipes.map((text) => {
      const hospitals = '[{ id: X1, cases: { hps: 1, ms: 1, calc: 1 } }]';
      const whole = text.includes('consortium:') ? '' : `consortium: { hospitals: ${hospitals} }\n`;
      return loadPreset(`${whole}${text}`, 'README.md', [], library);
    });
    // Isensee et al. 2021; 250 000 steps fall to 0 by (1 - e/1000)^0.9.
    expect(nnunet?.training.teacher).deep.include({
      ...{ rounds: 1000, stepsPerRound: 250, batch: 2, optimiser: 'sgd', learningRate: 0.01 },
      ...{ weightDecay: 3e-5, schedule: 'poly' },
    });
    expect(nnunet?.training).include({ momentum: 0.99, clipNorm: 12 });
    // Tölle et al. 2025; a patch may be longer than a phantom where there is none.
    expect(paper?.consortium.hospitals.map(({ folder }) => folder)).deep.equal([
      '/data/L1',
      '/data/L2',
    ]);
    expect(paper?.training.patch).deep.equal([96, 96, 96]);
    expect(paper?.models.student).deep.include({ featureSize: 48, window: 7 });
    expect(paper?.models.teacher).deep.include({ dropoutMilli: 200, deepSupervision: true });
    expect(paper?.training.teacher).include({ optimiser: 'adamw', learningRate: 0.01, batch: 4 });
    expect(paper?.training.student).include({ optimiser: 'adamw', learningRate: 0.0008, batch: 4 });
  });

  it('writes every default as it is', () => {
    for (const { key, defaultText } of rows) {
      const said: unknown = defaultText === '' ? undefined : parse(defaultText);
      expect(said, key).deep.equal(defaults.get(key));
    }
  });

  it('writes every range as it is: a step beyond either end is refused in the same words', () => {
    const ranged = rows.filter(({ key }) => isNumeric(defaults.get(key)));
    for (const { key, range } of ranged) {
      const [, low, high] = /^(\w+|-?[\d.]+) to (-?[\d.]+)/.exec(range) ?? [];
      expect(high, `${key}: a range of numbers`).a('string');
      const beyond = [Number(high) + 1, ...(isNaN(Number(low)) ? [] : [Number(low) - 1])];
      for (const value of beyond) {
        const message = refusal(key, Array.isArray(defaults.get(key)) ? listOf(key, value) : value);
        expect(message, `${key}: ${value}`).contain(
          isNaN(Number(low)) ? ` to ${high}` : wordsOf(low, high),
        );
      }
    }
  });

  const labPresets = readdirSync(join(projectRoot, 'config', 'lab')).map(
    (name) => `lab/${name.replace('.yaml', '')}`,
  );
  for (const preset of ['chests', 'eight-hospitals', 'reproduce', 'smoke', ...labPresets]) {
    it(`gives a reason for everything that ${preset} changes`, () => {
      const reasons = reasonsOf(page, preset);
      const changed = leavesOf(parse(presetText(preset)) as object, '').keys();
      const silent = [...new Set(changed)].filter(
        (key) =>
          !reasons.some(
            (reason) =>
              key === reason || (/^[.[]/.test(key.slice(reason.length)) && key.startsWith(reason)),
          ),
      );
      expect(silent).deep.equal([]);
    });
  }
});

describe('a setting', () => {
  it('is read by code that does more than check it', () => {
    const read = namesRead(join(projectRoot, 'src'));
    const dead = [...defaults.keys()].filter((key) => !read.has(key.split('.').at(-1) ?? ''));
    expect(dead).deep.equal([]);
  });

  it('is not read by its check, its default or its type', () => {
    const names = namesIn(
      `interface S { a: number }
       const defaults: S = { a: 1 };
       function validateS(s: S) { if (s.a > 1) throw new Error(); }
       const { b, c: d } = s; use(s.e, s?.f);`,
    );
    expect([...names].sort()).deep.equal(['b', 'c', 'e', 'f']);
  });
});

function presetText(name: string): string {
  return readFileSync(join(projectRoot, 'config', `${name}.yaml`), 'utf8');
}

/** Rows of the five-column tables: key, unit, range, default, reason. */
function readRows(text: string): Row[] {
  return cellsOf(text)
    .filter((cells) => cells.length === 5)
    .map(([key, , range, defaultText]) => ({
      key: unquoted(key),
      range: range ?? '',
      defaultText: unquoted(defaultText),
    }));
}

/** First column of the table under the heading of `preset`. */
function reasonsOf(text: string, preset: string): string[] {
  const section = text.split(/^### /m).find((part) => part.startsWith(`\`${preset}\``)) ?? '';
  return cellsOf(section).map(([key]) => unquoted(key));
}

/** Cells of the table rows that begin with a code word: headings and rules do not. */
function cellsOf(text: string): string[][] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) =>
      line
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim()),
    );
}

function unquoted(cell: string | undefined): string {
  return (cell ?? '').replace(/^`|`$/g, '');
}

/** Path and value of everything that is not a map; a list of maps is walked under `[]`. */
function leavesOf(value: unknown, path: string): Map<string, unknown> {
  if (Array.isArray(value) && value.some((item) => typeof item === 'object')) {
    return new Map(value.flatMap((item) => [...leavesOf(item, `${path}[]`)]));
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return new Map([[path, value]]);
  }
  const entries = Object.entries(value as Record<string, unknown>);
  return new Map(
    entries.flatMap(([key, inner]) => [...leavesOf(inner, path === '' ? key : `${path}.${key}`)]),
  );
}

function isNumeric(value: unknown): boolean {
  return Array.isArray(value)
    ? value.length > 0 && value.every((item) => typeof item === 'number')
    : typeof value === 'number';
}

/** As long a list as the preset under test has: others depend on its length. */
function listOf(key: string, value: number): number[] {
  const list = inSmoke.get(key) ?? defaults.get(key);
  return (list as number[]).map(() => value);
}

/** A range as messages write it. */
function wordsOf(low: string | undefined, high: string | undefined): string {
  return `from ${String(Number(low))} to ${String(Number(high))}`;
}

/** What the reader of presets says to `value` under `key`. */
function refusal(key: string, value: unknown): string {
  const text = JSON.stringify(value);
  try {
    if (key.startsWith('lab.')) {
      loadSection('lab: {}', 'p.yaml', labForm, [{ key, text, source: '--set' }]);
    } else if (key.startsWith(`${hospitalKey}.`)) {
      const [group = '', name = ''] = key.slice(hospitalKey.length + 1).split('.');
      const cases = group === 'cases' ? `unlabelled: 1, ${name}: ${text}` : 'unlabelled: 1';
      const cell = group === 'cases' ? '' : `, ${group}: { ${name}: ${text} }`;
      const unlabelledTwice = cases.replace(/^unlabelled: 1, (?=unlabelled)/, '');
      const hospital = `    - { id: X1, cases: { ${unlabelledTwice} }${cell} }\n`;
      loadPreset(smoke.replace('  hospitals:\n', `  hospitals:\n${hospital}`), 'p.yaml');
    } else {
      loadPreset(smoke, 'p.yaml', [{ key, text, source: '--set' }]);
    }
  } catch (error) {
    return (error as Error).message;
  }
  return 'accepted';
}

/** Names of properties that `src` reads outside `config`. */
function namesRead(folder: string): Set<string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name))
    // `config` reads settings to check them; only its plan makes something of them.
    .filter((file) => !/^config\/(?!run-plan)/.test(slashed(folder, file)));
  return new Set(files.flatMap((file) => [...namesIn(readFileSync(file, 'utf8'))]));
}

function slashed(folder: string, file: string): string {
  return relative(folder, file).split(sep).join('/');
}

/** `x.name` and `const { name } = x`, but not in a function that only validates or parses. */
function namesIn(text: string): Set<string> {
  const names = new Set<string>();
  const visit = (node: ts.Node): void => {
    if (ts.isFunctionDeclaration(node) && /^(validate|read|check)/.test(node.name?.text ?? '')) {
      return;
    }
    if (ts.isPropertyAccessExpression(node)) names.add(node.name.text);
    if (ts.isBindingElement(node)) names.add((node.propertyName ?? node.name).getText(source));
    ts.forEachChild(node, visit);
  };
  const source = ts.createSourceFile('x.ts', text, ts.ScriptTarget.Latest);
  visit(source);
  return names;
}
