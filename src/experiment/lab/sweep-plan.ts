/** What a sweep goes over: values of settings, as a grid or side by side, and the runs that follow from them. */
import { loadSection, type Override } from '../../config/index.ts';
import type { LabSettingsTree } from '../../report/index.ts';
import { LabError } from './errors.ts';
import { labForm, type LabSettings } from './settings.ts';

/** A setting and the values it takes, as YAML writes them. */
export interface SweepAxis {
  /** Path of the setting, without `lab.`. */
  readonly key: string;
  readonly values: readonly string[];
}

/** One run of a sweep. */
export interface SweepCell {
  /** Of its folder. */
  readonly name: string;
  /** The value of each axis, in their order. */
  readonly values: readonly string[];
  readonly settings: LabSettings;
}

const valuesMax = 1024;
const cellsMax = 10_000;

/** `topology.kind=ring,torus` or `seed=1..3`. @throws {LabError} 'bad_axis' */
export function readAxis(text: string): SweepAxis {
  const [, key, list] = /^(?:lab\.)?([A-Za-z][A-Za-z.]*)=(.+)$/s.exec(text) ?? [];
  if (key === undefined || list === undefined) {
    refuse(text, `--over: expected KEY=VALUE,VALUE… or KEY=FROM..TO, got "${text}"`);
  }
  const [, from, to] = /^(\d{1,9})\.\.(\d{1,9})$/.exec(list) ?? [];
  const values = from === undefined ? list.split(',') : rangeOf(key, Number(from), Number(to));
  if (values.some((value) => value.trim() === '')) {
    refuse(key, `--over ${key}: expected a value between commas, got none`);
  }
  if (values.length > valuesMax) {
    refuse(key, `--over ${key}: expected at most ${valuesMax} values, got ${values.length}`);
  }
  if (new Set(values).size < values.length) {
    refuse(key, `--over ${key}: expected each value once, got "${list}"`);
  }
  return { key, values };
}

/**
 * The runs, in the order of the first axis, then of the second, and so on.
 * @param isPairwise the first values of all axes together, then the second ones, in place of a grid
 * @throws {LabError} 'bad_axis'; {ConfigError} when a run cannot be
 */
export function cellsOf(
  preset: { readonly text: string; readonly file: string },
  overrides: readonly Override[],
  axes: readonly SweepAxis[],
  isPairwise: boolean,
): SweepCell[] {
  const keys = axes.map(({ key }) => key);
  if (axes.length === 0) refuse('', '--over: expected at least one setting to go over');
  if (new Set(keys).size < keys.length)
    refuse('', `--over: expected each setting once, got ${keys.join(', ')}`);
  const rows = isPairwise ? pairs(axes) : grid(axes);
  if (rows.length > cellsMax)
    refuse('', `--over: expected at most ${cellsMax} runs, got ${rows.length}`);
  const digits = String(rows.length).length;
  return rows.map((values, index) => {
    const own = values.map((text, at): Override => ({
      key: `lab.${keys[at] ?? ''}`,
      text,
      source: '--over',
    }));
    const settings = loadSection(preset.text, preset.file, labForm, [...overrides, ...own]);
    const words = values.map((value, at) => `${keys[at] ?? ''}-${value}`).join('-');
    const number = String(index + 1).padStart(digits, '0');
    return {
      name: `${number}-${words.replace(/[^A-Za-z0-9.]+/g, '-').slice(0, 100)}`,
      values,
      settings,
    };
  });
}

/** Settings as JSON has them, for comparing what was begun with what is asked. */
export function plainTree(settings: LabSettings): LabSettingsTree {
  return JSON.parse(JSON.stringify(settings)) as LabSettingsTree;
}

function grid(axes: readonly SweepAxis[]): string[][] {
  return axes.reduce<string[][]>(
    (rows, { values }) => rows.flatMap((row) => values.map((value) => [...row, value])),
    [[]],
  );
}

function pairs(axes: readonly SweepAxis[]): string[][] {
  const [first] = axes;
  const odd = axes.find(({ values }) => values.length !== first?.values.length);
  if (odd !== undefined) {
    refuse(
      odd.key,
      `--pairwise: expected as many values of ${odd.key} as of ${first?.key ?? ''}, got ${odd.values.length}`,
    );
  }
  return (first?.values ?? []).map((_, at) => axes.map(({ values }) => values[at] as string));
}

function rangeOf(key: string, from: number, to: number): string[] {
  if (to < from || to - from >= valuesMax) {
    refuse(
      key,
      `--over ${key}: expected FROM..TO upwards of at most ${valuesMax} values, got ${from}..${to}`,
    );
  }
  return Array.from({ length: to - from + 1 }, (_, at) => String(from + at));
}

function refuse(key: string, message: string): never {
  throw new LabError({ code: 'bad_axis', key }, message);
}
