/** `annulus cases`: what is in a hospital's own folder of cases, what is wrong with it, and what it looks like. */
import { chmod, writeFile } from 'node:fs/promises';
import { printableLine } from '../base/index.ts';
import type { Case } from '../data/index.ts';
import type { CaseToShow } from '../report/index.ts';
import type { CaseCounts } from '../config/index.ts';
import type { LookedAtCase, OwnCaseFolder } from '../hospital/index.ts';
import { exitCodes, usageError, type ExitCode } from './errors.ts';
import { requireFolder } from './files.ts';
import { readNumbers } from './numbers.ts';
import { readingOf, type ReadingFlags } from './reading-flags.ts';
import type { World } from './world.ts';

/** Flags of `cases`, as typed. */
export interface CasesFlags extends ReadingFlags {
  readonly spacing: string;
  readonly pictures?: string;
  readonly format: string;
}

/**
 * Looks at every case of the folder and tells what is there and what is wrong. Exit 0 when all can be used and there is one to
 * train on, else 1.
 *
 * @throws {CliError} 'usage'; {HostError} 'bad_cases' for a folder of another kind
 */
export async function casesCommand(
  path: string,
  flags: CasesFlags,
  world: World,
): Promise<ExitCode> {
  const spacingMm = readSpacing(flags.spacing);
  const reading = await readingOf(flags);
  const folder = await requireFolder(path);
  const { countOwnCases, listOwnCases, lookAtCase } = await import('../hospital/index.ts');
  const { trainingDefaults } = await import('../config/index.ts');
  const { caseToShow } = await import('../experiment/index.ts');
  const looking = { spacingMm, reading, pointRadiusMm: trainingDefaults.pointRadiusMm };
  const asJson = flags.format === 'json';
  const listed = await listOwnCases(folder);
  if (flags.pictures !== undefined) await beginPage(flags.pictures);
  const cases: LookedAtCase[] = [];
  const shown: CaseToShow[] = [];
  const tell = (looked: LookedAtCase, own: Case | null): void => {
    if (!asJson) world.out(linesOf(looked));
    // Of a large folder only the pictures fit into memory, never all its volumes.
    if (flags.pictures !== undefined) shown.push(caseToShow(looked, own));
    cases.push(looked);
  };
  const good: OwnCaseFolder[] = [];
  for (const [index, entry] of listed.cases.entries()) {
    const isShown = world.isLive && !asJson;
    if (isShown) world.out(`case ${index + 1} of ${listed.cases.length}`);
    const { looked, own } = await lookAtCase(entry, looking);
    if (isShown) world.erase(0);
    tell(looked, own);
    if (own !== null) good.push(entry);
  }
  for (const { name, problem } of listed.setAside) {
    tell({ name, problem, labels: [], shape: null, spacingMm: null, notes: [] }, null);
  }
  const counts = countOwnCases(good);
  const isGood = good.length === cases.length && good.some(({ split }) => split === 'train');
  const { passedOver } = listed;
  const summary = summaryOf(counts, cases, passedOver);
  if (flags.pictures !== undefined) {
    const { renderCases } = await import('../report/index.ts');
    await writeFile(flags.pictures, renderCases(summary, shown));
  }
  if (asJson) {
    world.out(`${JSON.stringify({ folder, ok: isGood, counts, passedOver, cases })}\n`);
  } else {
    const where =
      flags.pictures === undefined ? '' : `pictures  ${printableLine(flags.pictures)}\n`;
    world.out(`\n${summary}\n${where}`);
  }
  return isGood ? exitCodes.done : exitCodes.failed;
}

/** An empty page for its owner alone, since it will show patients; one that cannot be written is refused before the work. */
async function beginPage(path: string): Promise<void> {
  await writeFile(path, '', { mode: 0o600 });
  await chmod(path, 0o600); // it may have been there
}

function summaryOf(
  { hps, ms, calc, test }: CaseCounts,
  cases: readonly LookedAtCase[],
  passedOver: number,
): string {
  const used = cases.filter(({ problem }) => problem === null);
  const bare = used.filter(({ name, labels }) => isTraining(name) && labels.every(isHeart));
  const labels = `hps ${hps}, ms ${ms}, calc ${calc}, without any label ${bare.length}`;
  const problems = cases.length - used.length;
  const verdict = [
    problems === 0 ? 'nothing wrong' : `${problems} set aside`,
    ...(used.length === test ? ['nothing to train on'] : []),
    ...(passedOver === 0 ? [] : [`${passedOver} hidden and system files passed over`]),
  ];
  return `${used.length - test} to train on (${labels}), ${test} held out: ${verdict.join(', ')}`;
}

const isTraining = (name: string): boolean => name.startsWith('train');
const isHeart = (label: string): boolean => label === 'heart';

function linesOf({ name, labels, shape, spacingMm, problem, notes }: LookedAtCase): string {
  const told = labels.length === 0 ? 'no label' : labels.join(' ');
  const ct = shape === null ? '' : `${shape.join(' x ')} voxels of ${spacingMm?.join(' x ')} mm, `;
  const more = [...(problem === null ? [] : [`SET ASIDE ${problem}`]), ...notes];
  const lines = [`${name}: ${ct}${told}`, ...more.map((line) => `  ${line}`)];
  return `${lines.map(printableLine).join('\n')}\n`;
}

/** `3,3,3`, along [depth, height, width]. @throws {CliError} 'usage' */
function readSpacing(text: string): [number, number, number] {
  const spacingMm = readNumbers('--spacing', text, 3) as [number, number, number];
  if (spacingMm.every((mm) => mm >= 0.3 && mm <= 6)) return spacingMm;
  throw usageError(`--spacing: expected mm from 0.3 to 6, got "${text}"`);
}
