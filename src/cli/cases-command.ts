/** `annulus cases`: what is in a hospital's own folder of cases, and what is wrong with it. Reads, and writes nothing. */
import type { OwnCaseFolder } from '../node/index.ts';
import { CliError, exitCodes, usageError, type ExitCode } from './errors.ts';
import { requireFolder } from './files.ts';
import type { World } from './world.ts';

export interface CasesFlags {
  readonly spacing: string;
  readonly format: string;
}

/** One case, looked at. */
interface LookedAt {
  /** `train/<case>` */
  readonly name: string;
  readonly labels: readonly string[];
  /** Voxels of the CT along [depth, height, width]; null where it could not be read. */
  readonly shape: readonly number[] | null;
  readonly spacingMm: readonly number[] | null;
  readonly problem: string | null;
  readonly notes: readonly string[];
}

export async function casesCommand(
  path: string,
  flags: CasesFlags,
  world: World,
): Promise<ExitCode> {
  const spacingMm = parseSpacing(flags.spacing);
  const folder = await requireFolder(path);
  const { countOwnCases, listOwnCases } = await import('../node/index.ts');
  const asJson = flags.format === 'json';
  const listed = await listOwnCases(folder);
  const cases: LookedAt[] = [];
  for (const [index, own] of listed.entries()) {
    if (world.isLive && !asJson) world.err(`\rcase ${index + 1} of ${listed.length}`);
    const looked = await lookAt(own, spacingMm);
    if (world.isLive && !asJson) world.err('\r\u001b[K');
    if (!asJson) world.out(linesOf(looked));
    cases.push(looked);
    if (world.signal.aborted) {
      throw new CliError({ code: 'cancelled' }, 'stopped before all cases were looked at');
    }
  }
  const counts = countOwnCases(listed);
  const problems = cases.filter(({ problem }) => problem !== null).length;
  if (asJson) {
    world.out(`${JSON.stringify({ folder, ok: problems === 0, counts, cases })}\n`);
  } else {
    const { hps, ms, calc, test } = counts;
    const train = listed.length - test;
    const bare = cases.filter(({ name, labels }) => isTraining(name) && labels.every(isHeart));
    const labels = `hps ${hps}, ms ${ms}, calc ${calc}, without any label ${bare.length}`;
    const verdict = problems === 0 ? 'nothing wrong' : `${problems} with a problem`;
    world.out(`\n${train} to train on (${labels}), ${test} held out: ${verdict}\n`);
  }
  return problems === 0 ? exitCodes.done : exitCodes.failed;
}

const isTraining = (name: string): boolean => name.startsWith('train');
const isHeart = (label: string): boolean => label === 'heart';

async function lookAt(
  own: OwnCaseFolder,
  spacingMm: readonly [number, number, number],
): Promise<LookedAt> {
  const { readCaseFiles } = await import('../node/index.ts');
  const { caseFiles, DataError, readOwnCase, spacingOf } = await import('../data/index.ts');
  const { trainingDefaults } = await import('../config/index.ts');
  const labels = caseFiles.filter((file) => file !== 'ct' && own.files[file] !== undefined);
  const files = await readCaseFiles(own);
  try {
    const { pointRadiusMm } = trainingDefaults;
    const { ct, notes } = readOwnCase('case', files, { spacingMm, pointRadiusMm });
    const spacing = spacingOf(ct.affine).map((mm) => Math.round(mm * 1000) / 1000);
    return { name: own.name, labels, shape: ct.shape, spacingMm: spacing, problem: null, notes };
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    const unread = { shape: null, spacingMm: null, problem: error.message, notes: [] };
    return { name: own.name, labels, ...unread };
  }
}

function linesOf({ name, labels, shape, spacingMm, problem, notes }: LookedAt): string {
  const told = labels.length === 0 ? 'no label' : labels.join(' ');
  const ct = shape === null ? '' : `${shape.join(' x ')} voxels of ${spacingMm?.join(' x ')} mm, `;
  const more = [...(problem === null ? [] : [`PROBLEM ${problem}`]), ...notes];
  return [`${name}: ${ct}${told}`, ...more.map((line) => `  ${line}`), ''].join('\n');
}

/** `3,3,3`, along [depth, height, width]. @throws {CliError} 'usage' */
function parseSpacing(text: string): [number, number, number] {
  const numbers = text.split(',').map(Number);
  if (numbers.length !== 3 || !numbers.every((mm) => mm >= 0.3 && mm <= 6)) {
    throw usageError(
      `--spacing: expected three numbers of mm from 0.3 to 6 such as 3,3,3, got "${text}"`,
    );
  }
  return numbers as [number, number, number];
}
