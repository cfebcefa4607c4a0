/** `run.json` in a run's folder: what the run was asked for, so that it can go on after any end. */
import { fromUtf8, utf8, type Digest, type Store } from '../../base/index.ts';
import type { RunSettings, StartDigests } from '../../config/index.ts';
import { digestOf } from '../../crypto/index.ts';
import { SimulateError } from './errors.ts';
import type { KillRequest } from './job-ports.ts';

/** The content of `run.json`. */
export interface RunFile {
  readonly format: typeof format;
  /** When the run was begun, ms since 1970. */
  readonly startedAtMs: number;
  /** Digest of the program: peers refuse a round of another one. */
  readonly code: Digest;
  readonly kills: readonly KillRequest[];
  readonly settings: RunSettings;
  /** The models that its settings name to begin from. */
  readonly starts: StartDigests;
  /** Digest of all the rest: a run that goes on as another one than was begun would fail late and in riddles. */
  readonly digest: Digest;
}

const format = 'annulus-run/1';
const name = 'run.json';

/**
 * The run of this folder as it was begun, which is now if nobody did before.
 *
 * @throws {SimulateError} 'other_program', 'other_settings' when it was begun otherwise
 */
export async function beginRun(
  store: Store,
  run: Omit<RunFile, 'format' | 'startedAtMs' | 'digest'>,
  nowMs: number,
): Promise<RunFile> {
  const bytes = await store.read(name);
  if (bytes === null) {
    const bare = { format, startedAtMs: nowMs, ...run } as const;
    const begun: RunFile = { ...bare, digest: digestOfRun(bare) };
    await store.write(name, utf8(`${JSON.stringify(begun, null, 1)}\n`));
    return begun;
  }
  const begun = parse(bytes);
  if (begun?.code !== run.code) {
    throw new SimulateError(
      { code: 'other_program' },
      'this run was begun by another version of the program, whose rounds this one may not join: begin a new run',
    );
  }
  if (!isSame(begun.settings, run.settings)) {
    throw new SimulateError(
      { code: 'other_settings' },
      'this run was begun with other settings: a run keeps them to its end; begin a new run',
    );
  }
  if (!isSame(begun.starts, run.starts)) {
    throw new SimulateError(
      { code: 'other_settings' },
      'this run began from other models than training.teacher.start and training.student.start now hold: put them back, or begin a new run',
    );
  }
  return begun;
}

/**
 * What the run in a folder was begun with; the settings are still to be checked.
 *
 * @throws {SimulateError} 'no_run', 'run_file_changed'
 */
export function readRunFile(bytes: Uint8Array | null, folder: string): RunFile {
  const run = bytes === null ? null : parse(bytes);
  if (run === null) {
    throw new SimulateError(
      { code: 'no_run', folder },
      `${folder}: expected the folder of a run with its ${name}, found none`,
    );
  }
  const { digest, ...rest } = run;
  if (digest !== digestOfRun(rest)) {
    throw new SimulateError(
      { code: 'run_file_changed', folder },
      `${folder}/${name}: a seed, a setting or a kill in it was changed after the run was begun, or another version began it: put it back as it was, or begin a new run with what you want (--seed, --set)`,
    );
  }
  return run;
}

function digestOfRun(run: Omit<RunFile, 'digest'>): Digest {
  return digestOf(utf8(JSON.stringify(sorted(run))));
}

function parse(bytes: Uint8Array): RunFile | null {
  try {
    const run = JSON.parse(fromUtf8(bytes)) as Partial<RunFile> | null;
    const isWhole =
      run?.format === format && typeof run.startedAtMs === 'number' && Array.isArray(run.kills);
    return isWhole && typeof run.settings === 'object' ? (run as RunFile) : null;
  } catch {
    return null;
  }
}

/** As JSON has them: what is written there comes back in the same order. */
function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));
}

function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(sorted);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]));
}
