/** `annulus data fingerprint`: one hash of all cases, made again from their files; and what the log says of them. */
import { join } from 'node:path';
import { exitCodes, usageError, type ExitCode } from '../errors.ts';
import { parseCount } from '../numbers.ts';
import { openOwnHome } from '../own-home.ts';
import type { World } from '../world.ts';
import { requireStore } from './list-command.ts';
import { sitePlace, type PlaceFlags } from './site-place.ts';

/** As typed. */
export interface FingerprintFlags extends PlaceFlags {
  readonly round?: string;
  readonly workers: string;
  readonly format: string;
}

/**
 * Prints the fingerprint. Exit 1 when a case is not as it was imported.
 *
 * @throws {CliError} 'usage' where nothing was imported, or for `--round` without a home
 */
export async function fingerprintCommand(flags: FingerprintFlags, world: World): Promise<ExitCode> {
  const { caseName, commitmentFor, contentRoot, hashSite, openSitePool, recordsRoot } =
    await import('../../hospital/index.ts');
  const place = await sitePlace(flags, world);
  await requireStore(place.folder);
  const round = flags.round === undefined ? null : parseCount('--round', flags.round);
  if (round !== null && place.home === null) {
    throw usageError('--round: only a home has rounds; give --home');
  }
  const store = await place.open();
  const pool = openSitePool(parseCount('--workers', flags.workers));
  try {
    const hashes = await hashSite(store, pool);
    const ready = store.cases.filter(({ state }) => state === 'ready');
    const changed = ready
      .filter(({ number, content }) => hashes.get(number)?.content !== content)
      .map(({ split, number }) => `${split}/${caseName(number)}`);
    const root = contentRoot(ready.map(({ number }) => hashes.get(number)?.content ?? 'gone'));
    let commitment: string | null = null;
    if (round !== null) {
      const { diskStore } = await import('../../host/index.ts');
      const { nodeFolderOf } = await import('../../node/index.ts');
      const { folder, keys } = await openOwnHome(flags, world);
      const prepared = diskStore(join(nodeFolderOf({ folder }), 'cases'));
      commitment = commitmentFor(
        await recordsRoot(prepared, 'train/', keys.site),
        keys.site,
        round,
      );
    }
    const document = { folder: place.folder, cases: ready.length, fingerprint: root, changed };
    world.out(
      flags.format === 'json'
        ? `${JSON.stringify({ ...document, ...(round === null ? {} : { round, commitment }) })}\n`
        : [
            `cases        ${ready.length}`,
            `fingerprint  ${root}`,
            ...(round === null ? [] : [`round ${String(round).padEnd(7)}${commitment ?? ''}`]),
            ...changed.map(
              (name) => `CHANGED      ${name}: not as it was imported; import it again`,
            ),
            '',
          ].join('\n'),
    );
    return changed.length === 0 ? exitCodes.done : exitCodes.failed;
  } finally {
    await pool.close();
  }
}
