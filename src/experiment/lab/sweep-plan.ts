/** What a sweep goes over: values of settings, of one or of several that change together, and the runs that follow from them. */
import { loadSection, type Override } from '../../config/index.ts';
import type { LabSettingsTree } from '../../report/index.ts';
import { LabError } from './errors.ts';
import { labForm } from './settings-form.ts';
import type { LabSettings } from './settings.ts';

/** Settings and the values they take, as YAML writes them: `nodes`, or `nodes+rounds` for two that change together. */
export interface SweepAxis {
  /** Paths of the settings, without `lab.`, joined by `+`. */
  readonly key: string;
  /** As many values as paths, joined by `+`. */
  readonly values: readonly string[];
}

/** One run of a sweep. */
export interface SweepCell {
  /** Of its folder. */
  readonly name: string;
  /** The value of each setting, in the order of `keysOf`. */
  readonly values: readonly string[];
  readonly settings: LabSettings;
}

const valuesMax = 1024;
const cellsMax = 10_000;

/** `topology.kind=ring,torus`, `seed=1..3` or `nodes+rounds=8+100,16+50`. @throws {LabError} 'bad_axis' */
export function readAxis(text: string): SweepAxis {
  const [, typed, list] = /^([A-Za-z][A-Za-z.+]*)=(.+)$/s.exec(text) ?? [];
  if (typed === undefined || list === undefined) {
    refuse(text, `--over: expected KEY=VALUE,VALUE… or KEY=FROM..TO, got "${text}"`);
  }
  const keys = typed.split('+').map((one) => one.replace(/^lab\./, ''));
  const key = keys.join('+');
  const [, from, to] = /^(\d{1,9})\.\.(\d{1,9})$/.exec(list) ?? [];
  const values = from === undefined ? list.split(',') : rangeOf(key, Number(from), Number(to));
  const odd = values.find((value) => value.split('+').length !== keys.length);
  if (keys.length > 1 && odd !== undefined) {
    refuse(key, `--over ${key}: expected ${keys.length} values joined by +, got "${odd}"`);
  }
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
 * The runs: every value of each axis with every one of the others, in the order of the first axis, then of the second.
 * @throws {LabError} 'bad_axis'; {ConfigError} when a run cannot be
 */
export function cellsOf(
  preset: { readonly text: string; readonly file: string },
  overrides: readonly Override[],
  axes: readonly SweepAxis[],
): SweepCell[] {
  const keys = keysOf(axes);
  if (axes.length === 0) refuse('', '--over: expected at least one setting to go over');
  if (new Set(keys).size < keys.length)
    refuse('', `--over: expected each setting once, got ${keys.join(', ')}`);
  const rows = grid(axes);
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

/** Paths of all settings that a sweep goes over. */
export function keysOf(axes: readonly SweepAxis[]): string[] {
  return axes.flatMap(({ key }) => key.split('+'));
}

/** Settings as JSON has them, for comparing what was begun with what is asked. */
export function plainTree(settings: LabSettings): LabSettingsTree {
  return JSON.parse(JSON.stringify(settings)) as LabSettingsTree;
}

function grid(axes: readonly SweepAxis[]): string[][] {
  return axes.reduce<string[][]>(
    (rows, { key, values }) =>
      rows.flatMap((row) =>
        values.map((value) => [...row, ...(key.includes('+') ? value.split('+') : [value])]),
      ),
    [[]],
  );
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
