/**
 * `annulus predict --worklist`: one CT after another, each into a folder of its own. A CT is written beside its folder and
 * then renamed, so that what is there is whole: a run that was stopped at any moment goes on where it was.
 */
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { printableLine, utf8 } from '../../base/index.ts';
import { digestOf } from '../../crypto/index.ts';
import type { StudyResult, WorklistEntry } from '../../prediction/index.ts';
import { exitCodeOf, exitCodes, lineOf, usageError, type ExitCode } from '../errors.ts';
import { intoFolder, readInput, writeOutput } from '../files.ts';
import type { World } from '../world.ts';
import type { PredictFlags, PreparePrediction } from './flags.ts';

/** What a worklist is predicted with. */
export interface WorklistRun {
  readonly prepare: PreparePrediction;
  /** Files of the model by name. */
  readonly model: ReadonlyMap<string, Uint8Array>;
  readonly flags: Pick<PredictFlags, 'output' | 'format' | 'strict'>;
  readonly world: World;
}

/** The list that a folder of results belongs to. */
const mark = 'worklist.json';
/** In a CT's folder: what became of it. */
const resultFile = 'result.json';

/** Exit 0 when all are done, 1 when one failed or, with `--strict`, is implausible. @throws {CliError} 'usage' */
export async function predictWorklist(path: string, run: WorklistRun): Promise<ExitCode> {
  const { flags, world } = run;
  const entries = await readWorklist(path);
  const { countResults, resultText, summaryDocument, summaryLines } = await import('../../prediction/index.ts'); // prettier-ignore
  return intoFolder(
    flags.output,
    async (output) => {
      await checkMark(output, entries, run.model);
      const results = new Map<string, StudyResult>();
      const all = (): StudyResult[] => entries.map(({ id }) => results.get(id) ?? waiting(id));
      for (const entry of entries) {
        const result = (await doneBefore(output, entry.id)) ?? (await predictEntry(output, entry, run)); // prettier-ignore
        results.set(entry.id, result);
        await writeSummary(output, all());
        if (flags.format !== 'json') world.out(`${printableLine(`${entry.id}  ${resultText(result)}`)}\n`); // prettier-ignore
      }
      world.out(
        flags.format === 'json'
          ? `${JSON.stringify(summaryDocument(all()), null, 2)}\n`
          : `${[summaryLines(all()).at(-1) ?? '', join(output, 'summary.csv')].map(printableLine).join('\n')}\n`,
      );
      const { failed, implausible } = countResults(all());
      const isGood = failed === 0 && (flags.strict !== true || implausible === 0);
      return isGood ? exitCodes.done : exitCodes.failed;
    },
    mark,
  );
}

/** A CSV file, or a folder whose files and folders are one CT each. Paths are made absolute. */
async function readWorklist(path: string): Promise<WorklistEntry[]> {
  const { parseWorklist, worklistOf } = await import('../../prediction/index.ts');
  const facts = await stat(path).catch(() => null);
  if (facts === null) throw usageError(`${path}: no such file or folder`);
  if (!facts.isDirectory()) {
    const from = dirname(resolve(path));
    const absolute = (name: string): string => (isAbsolute(name) ? name : join(from, name));
    return parseWorklist(await readInput(path)).map((entry) => ({
      ...entry,
      input: absolute(entry.input),
      heart: entry.heart === null ? null : absolute(entry.heart),
    }));
  }
  const entries = await readdir(path, { withFileTypes: true });
  const inputs = entries.filter(
    (entry) =>
      !entry.name.startsWith('.') &&
      (entry.isDirectory() || (entry.isFile() && /\.(nii|nii\.gz|zip)$/i.test(entry.name))),
  );
  if (inputs.length === 0) {
    throw usageError(`${path}: expected .nii, .nii.gz or .zip files or folders of DICOM files, got none`); // prettier-ignore
  }
  return worklistOf(inputs.map(({ name }) => resolve(path, name)).sort());
}

/** Results of another list or of another model are not mixed with these. */
async function checkMark(
  output: string,
  entries: readonly WorklistEntry[],
  model: WorklistRun['model'],
): Promise<void> {
  const digest = digestOf(model.get('model.json') ?? new Uint8Array(0));
  const text = `${JSON.stringify({ format: 'annulus-worklist/1', model: digest, studies: entries }, null, 2)}\n`;
  const file = join(output, mark);
  if (!existsSync(file)) return writeOutput(file, text);
  if ((await readFile(file, 'utf8')) === text) return;
  throw usageError(
    `${output}: expected results of the same worklist and the same model, got others; choose another --output`,
  );
}

function waiting(id: string): StudyResult {
  return { id, status: 'waiting', verdict: null, measures: [], error: null };
}

async function doneBefore(output: string, id: string): Promise<StudyResult | null> {
  const file = join(output, id, resultFile);
  return existsSync(file) ? (JSON.parse(await readFile(file, 'utf8')) as StudyResult) : null;
}

/** @throws what would fail every other CT as well: a model that is none, a machine that cannot compute, a full disk */
async function predictEntry(
  output: string,
  { id, ...paths }: WorklistEntry,
  { prepare, world }: WorklistRun,
): Promise<StudyResult> {
  const failed = (error: unknown): StudyResult => ({
    ...waiting(id),
    status: 'failed',
    error: printableLine(lineOf(error)),
  });
  const tell = (text: string): void => {
    world.err(`${printableLine(`${id}: ${text}`)}\n`);
  };
  const predicted = await prepare(paths, tell)
    .then((predict) => predict())
    .catch((error: unknown) => {
      if (isOfAll(error)) throw error;
      return error instanceof Error ? error : new Error(String(error));
    });
  if (predicted instanceof Error) return failed(predicted);
  const result: StudyResult = {
    ...{ id, status: 'done', error: null },
    verdict: predicted.warning.length === 0 ? 'plausible' : 'implausible',
    measures: predicted.measures.map(({ id: name, unit, value }) => ({ id: name, unit, value })),
  };
  const part = join(output, `${id}.part`);
  // Left by a run that was stopped.
  await rm(part, { recursive: true, force: true });
  await mkdir(part);
  for (const [name, bytes] of predicted.files) await writeOutput(join(part, name), bytes);
  await writeOutput(join(part, resultFile), `${JSON.stringify(result, null, 2)}\n`);
  await rename(part, join(output, id));
  return result;
}

function isOfAll(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : null;
  return code === 'bad_model' || exitCodeOf(error) === exitCodes.unreachable;
}

async function writeSummary(output: string, results: readonly StudyResult[]): Promise<void> {
  const { summaryCsv, summaryDocument } = await import('../../prediction/index.ts');
  await writeOutput(join(output, 'summary.csv'), summaryCsv(results));
  await writeOutput(
    join(output, 'summary.json'),
    utf8(`${JSON.stringify(summaryDocument(results), null, 2)}\n`),
  );
}
