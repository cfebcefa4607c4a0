/** `annulus data check`: what is in a site's folder, what of it can be used, and how the rest is mended. Writes nothing. */
import type { ImportedCase } from '../../hospital/index.ts';
import { exitCodes, type ExitCode } from '../errors.ts';
import type { World } from '../world.ts';
import { caseTable } from './case-table.ts';
import { siteReadingOf, workersOf, type SiteFlags, type WorkersFlags } from './site-flags.ts';
import { summaryOf } from './summary.ts';

/** As typed. */
export interface CheckFlags extends SiteFlags, WorkersFlags {
  readonly format: string;
}

/**
 * Looks at every case. Exit 0 when all can be used and there is one at least, else 1.
 *
 * @throws {CliError} 'usage'; {HostError} 'bad_cases' when nothing is there
 */
export async function checkCommand(
  source: string,
  flags: CheckFlags,
  world: World,
): Promise<ExitCode> {
  const how = await siteReadingOf(flags, null);
  const { listSources, lookAtSite, openSitePool, partSources } =
    await import('../../hospital/index.ts');
  const listed = await listSources(source);
  const pool = openSitePool(workersOf(flags));
  const asJson = flags.format === 'json';
  try {
    const sources = await partSources(listed, { how, pool, store: null });
    const cases = await lookAtSite(sources, {
      how,
      pool,
      onCase: progressOf(world, asJson, sources.cases.length),
    });
    if (world.isLive && !asJson) world.erase(0);
    const summary = summaryOf(cases, sources.passedOver);
    const isGood = cases.length > 0 && cases.every(({ look }) => look.state === 'ready');
    world.out(
      asJson
        ? `${JSON.stringify({ source: sources.root, ok: isGood, ...summary.counts, cases: cases.map(documentOf) })}\n`
        : `${caseTable(cases.map(rowOf), world.columns)}\n${summary.text}\n`,
    );
    return isGood ? exitCodes.done : exitCodes.failed;
  } finally {
    await pool.close();
  }
}

/** Says how many cases are through, on a terminal. */
export function progressOf(world: World, asJson: boolean, total: number): () => void {
  let done = 0;
  return () => {
    done += 1;
    if (!world.isLive || asJson) return;
    world.erase(0);
    world.out(`case ${done} of ${total}`);
  };
}

/** A case as programs get it. */
export function documentOf({ name, stored, outcome, look }: ImportedCase): object {
  return { name, stored, outcome, ...look };
}

function rowOf({ name, look }: ImportedCase): Parameters<typeof caseTable>[0][0] {
  return { name, state: look.state === 'ready' ? 'ready' : look.state.toUpperCase(), look };
}
