/** The folder of a laboratory run read again. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fromUtf8, messageOf } from '../../base/index.ts';
import { loadSection } from '../../config/index.ts';
import { labFormat, roundColumns, type LabRecord, type LabRound } from '../../report/index.ts';
import { LabError } from './errors.ts';
import type { LabPlan } from './run-lab.ts';
import { labForm } from './settings-form.ts';
import { decodeState, type LabState } from './state-file.ts';
import { stateName } from './write-lab.ts';

const recordBytesMax = 256 * 1024 * 1024;
const forksMax = 100;

/** A finished run that was read again. */
export interface LabFolder {
  readonly record: LabRecord;
  readonly rounds: readonly LabRound[];
}

/** @throws {LabError} 'no_run' unless the folder has a record and measurements by this version */
export async function readLab(folder: string): Promise<LabFolder> {
  const record = readRecord(await readText(folder, 'record.json'), join(folder, 'record.json'));
  const lines = (await readText(folder, 'rounds.jsonl')).trimEnd().split('\n');
  const rounds = lines.map((line) => readRound(parsed(line, join(folder, 'rounds.jsonl')), folder));
  return { record, rounds };
}

/** @throws {LabError} 'no_run' unless it is a record of this version */
export function readRecord(text: string, name: string): LabRecord {
  const record = Object(parsed(text, name)) as Partial<LabRecord>;
  if (record.format !== labFormat || typeof record.final !== 'object') {
    throw new LabError(
      { code: 'no_run', folder: name },
      `${name}: expected a record of the laboratory, ${labFormat}`,
    );
  }
  readRound(record.final, name);
  return record as LabRecord;
}

/** @throws {LabError} 'no_run' unless every measurement is a number, or null where it may be */
function readRound(value: unknown, folder: string): LabRound {
  const round = Object(value) as Partial<Record<keyof LabRound, unknown>>;
  const bad = roundColumns.find((key) => round[key] !== null && typeof round[key] !== 'number');
  if (bad === undefined) return round as unknown as LabRound;
  throw new LabError({ code: 'no_run', folder }, `${folder}: ${bad}: expected a number`);
}

/**
 * The plan of a record, checked as strictly as a preset: the file may have been edited.
 * @throws {ConfigError} naming what is wrong; {LabError} 'no_run'
 */
export function planOfRecord(
  tree: Pick<LabRecord, 'settings' | 'files' | 'fork'>,
  name: string,
  depth = 0,
): LabPlan {
  if (depth > forksMax) {
    throw new LabError(
      { code: 'no_run', folder: name },
      `${name}: expected at most ${forksMax} forks`,
    );
  }
  const { fork } = tree;
  const files = Object(tree.files) as Record<string, unknown>;
  return {
    settings: loadSection(JSON.stringify({ lab: tree.settings }), name, labForm),
    files: Object.fromEntries(Object.entries(files).map(([key, text]) => [key, String(text)])),
    fork:
      typeof fork !== 'object' || fork === null
        ? null
        : { from: planOfRecord(fork.from, name, depth + 1), round: fork.round },
  };
}

/** The state of a run after a round, if its folder keeps it. @throws {LabError} 'bad_state' when the file is damaged */
export async function readState(folder: string, round: number): Promise<LabState | null> {
  const path = join(folder, stateName(round));
  const bytes = await readFile(path).catch(() => null);
  if (bytes === null) return null;
  const state = decodeState(bytes, path);
  if (state.round === round) return state;
  throw new LabError({ code: 'bad_state' }, `${path}: expected round ${round}, got ${state.round}`);
}

async function readText(folder: string, name: string): Promise<string> {
  const path = join(folder, name);
  const bytes = await readFile(path).catch(() => null);
  if (bytes === null || bytes.length > recordBytesMax) {
    throw new LabError(
      { code: 'no_run', folder },
      `${folder}: expected the folder of a laboratory run, with ${name}`,
    );
  }
  return fromUtf8(bytes);
}

function parsed(text: string, name: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new LabError(
      { code: 'no_run', folder: name },
      `${name}: expected JSON: ${messageOf(error)}`,
      { cause: error },
    );
  }
}
