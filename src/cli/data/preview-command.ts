/** `annulus data preview`: pictures of a site's cases with their labels, for its own screen. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { printableLine } from '../../base/index.ts';
import type { CaseToShow } from '../../report/index.ts';
import { exitCodes, type ExitCode } from '../errors.ts';
import { intoFolder } from '../files.ts';
import type { World } from '../world.ts';
import { siteReadingOf, type SiteFlags } from './site-flags.ts';

/** As typed. */
export interface PreviewFlags extends SiteFlags {
  readonly output: string;
  readonly case?: string;
  readonly format: string;
}

/**
 * Writes two slices of each case as PNG, and a page with all of them. Exit 0 when every case could be shown.
 *
 * @throws {CliError} 'usage'; {HostError} 'bad_cases' when nothing is there
 */
export async function previewCommand(
  source: string,
  flags: PreviewFlags,
  world: World,
): Promise<ExitCode> {
  const how = await siteReadingOf(flags, null);
  const { listSources, openSitePool, partSources, readSiteCase } =
    await import('../../hospital/index.ts');
  const { picturesOfCase } = await import('../../experiment/index.ts');
  const { renderCases, slicePng } = await import('../../report/index.ts');
  const pool = openSitePool(1);
  const sources = await partSources(await listSources(source), { how, pool, store: null }).finally(
    () => pool.close(),
  );
  const chosen = sources.cases.filter(({ name }) => flags.case === undefined || name === flags.case); // prettier-ignore
  return intoFolder(flags.output, async (folder) => {
    const shown: CaseToShow[] = [];
    const files: string[] = [];
    for (const [index, { name, problem, ...own }] of chosen.entries()) {
      if (world.isLive && flags.format !== 'json') {
        world.erase(0);
        world.out(`case ${index + 1} of ${chosen.length}`);
      }
      // What is only doubted is what should be looked at.
      const read = problem === null ? await readSiteCase(own, { ...how, keepImplausible: true }) : null; // prettier-ignore
      const slices = read?.made == null ? [] : picturesOfCase(name, read.made);
      for (const [n, slice] of slices.entries()) {
        const file = `${String(index + 1).padStart(3, '0')}-${n === 0 ? 'axial' : 'coronal'}.png`;
        await writeFile(join(folder, file), slicePng(slice), { mode: 0o600 });
        files.push(file);
      }
      const why = problem ?? read?.look.problem ?? null;
      shown.push({ name, problem: why?.text ?? null, notes: read?.look.notes ?? [], slices });
    }
    if (world.isLive && flags.format !== 'json') world.erase(0);
    const failed = shown.filter(({ slices }) => slices.length === 0).length;
    const summary = `${shown.length} ${shown.length === 1 ? 'case' : 'cases'}, ${failed} of them could not be shown`;
    const page = renderCases(summary, shown);
    await writeFile(join(folder, 'index.html'), page, { mode: 0o600 });
    world.out(
      flags.format === 'json'
        ? `${JSON.stringify({ folder, files: ['index.html', ...files], failed })}\n`
        : `${summary}\n${printableLine(join(folder, 'index.html'))}, and ${files.length} pictures\n`,
    );
    return failed === 0 && shown.length > 0 ? exitCodes.done : exitCodes.failed;
  });
}
