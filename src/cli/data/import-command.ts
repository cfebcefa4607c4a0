/** `annulus data import`: a site's cases into its store, without anything that says who they are of. */
import type { ImportedCase } from '../../hospital/index.ts';
import { printableLine } from '../../base/index.ts';
import { exitCodes, usageError, type ExitCode } from '../errors.ts';
import { parseCount } from '../numbers.ts';
import { unlessStopped } from '../stop-signals.ts';
import type { World } from '../world.ts';
import { caseTable, type CaseRow } from './case-table.ts';
import { documentOf, progressOf } from './check-command.ts';
import { siteReadingOf, workersOf, type SiteFlags, type WorkersFlags } from './site-flags.ts';
import { sitePlace, type PlaceFlags } from './site-place.ts';
import { summaryOf } from './summary.ts';

/** As typed. */
export interface SiteImportFlags extends SiteFlags, WorkersFlags, PlaceFlags {
  readonly heldOut: string;
  readonly dryRun?: boolean;
  readonly format: string;
}

/**
 * Imports what is new or changed. Exit 0 when all of the source is in the store, 1 when a case waits to be mended.
 *
 * @throws {CliError} 'usage'; {HostError} 'bad_cases' when nothing is there, 'folder_locked' while another import runs
 */
export async function siteImportCommand(
  source: string,
  flags: SiteImportFlags,
  world: World,
): Promise<ExitCode> {
  const heldOutEvery = parseCount('--held-out', flags.heldOut);
  if (heldOutEvery === 1) throw usageError('--held-out: expected 0, or 2 and more, got 1');
  const place = await sitePlace(flags, world);
  const how = await siteReadingOf(flags, place.settings);
  const { importSite, listSources, lookAtSite, openSitePool, partSources } =
    await import('../../hospital/index.ts');
  const { lockFolder } = await import('../../host/index.ts');
  let sources = await listSources(source);
  const asJson = flags.format === 'json';
  const onCaseOf = (): (() => void) => progressOf(world, asJson, sources.cases.length);
  const pool = openSitePool(workersOf(flags));
  const { signal } = world;
  try {
    let cases: readonly ImportedCase[];
    if (flags.dryRun === true) {
      sources = await partSources(sources, { how, pool, store: null });
      cases = await lookAtSite(sources, { how, pool, onCase: onCaseOf() });
    } else {
      const store = await place.open();
      const lock = await lockFolder(place.folder);
      try {
        const words = (): string => 'stopped; the same command goes on from where it was';
        cases = await unlessStopped(signal, words, async () => {
          sources = await partSources(sources, { how, pool, store });
          const onCase = onCaseOf();
          return importSite(sources, store, { how, heldOutEvery, pool, onCase, signal });
        });
      } finally {
        await lock.release();
      }
    }
    if (world.isLive && !asJson) world.erase(0);
    tellImport(cases, { ...flags, folder: place.folder, home: place.home }, sources, world);
    const isWhole = cases.length > 0 && cases.every(({ look }) => look.state === 'ready');
    return isWhole ? exitCodes.done : exitCodes.failed;
  } finally {
    await pool.close();
  }
}

function tellImport(
  cases: readonly ImportedCase[],
  to: { folder: string; home: string | null; dryRun?: boolean; format: string },
  sources: { readonly root: string; readonly passedOver: number },
  world: World,
): void {
  const { counts, text } = summaryOf(cases, sources.passedOver);
  const count = (outcome: ImportedCase['outcome']): number =>
    cases.filter((one) => one.outcome === outcome).length;
  const done = { new: count('new'), changed: count('changed'), same: count('same') };
  const { folder, dryRun = false } = to;
  if (to.format === 'json') {
    const document = { source: sources.root, folder, dryRun, ...done, ...counts };
    world.out(`${JSON.stringify({ ...document, cases: cases.map(documentOf) })}\n`);
    return;
  }
  const shown = cases.filter(({ outcome }) => outcome !== 'same');
  const table = shown.length === 0 ? '' : `${caseTable(shown.map(rowOf), world.columns)}\n`;
  const what = dryRun
    ? 'nothing was written: --dry-run'
    : done.new + done.changed === 0
      ? `nothing new: ${done.same} as before`
      : `${done.new} new, ${done.changed} changed, ${done.same} as before, in ${printableLine(folder)}`;
  const waits = counts.quarantined + counts.ask;
  const next =
    waits === 0
      ? ''
      : `${waits} wait outside of the store, untouched in the source: mend them, and import again\n`;
  world.out(`${table}${text}\n${what}\n${next}`);
}

function rowOf({ name, stored, outcome, look }: ImportedCase): CaseRow {
  const isWaiting = look.state !== 'ready';
  const state = isWaiting ? outcome.toUpperCase() : stored === null ? outcome : `${outcome} ${stored.split('/')[1] ?? ''}`; // prettier-ignore
  return { name, state, look };
}
