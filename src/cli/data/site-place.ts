/** The store that a command works on: of a home, or a folder of its own. */
import { resolve } from 'node:path';
import type { SiteStore } from '../../hospital/index.ts';
import { usageError } from '../errors.ts';
import { lookAtOwnHome, openOwnHome, type HomeFlags } from '../own-home.ts';
import type { PassphraseFlags } from '../passphrase.ts';
import type { World } from '../world.ts';
import type { SiteSettings } from './site-flags.ts';

/** As typed. */
export interface PlaceFlags extends HomeFlags, PassphraseFlags {
  readonly into?: string;
}

/** Where it is, and whose. */
export interface SitePlace {
  readonly folder: string;
  /** Null where it is no home's. */
  readonly home: string | null;
  readonly settings: SiteSettings | null;
  /** Opens it, under the home's site key or a key of its own. @throws as `SiteStore.open` and `openOwnHome` */
  readonly open: () => Promise<SiteStore>;
}

/**
 * The place that the flags name; the default home where they name none.
 *
 * @throws {CliError} 'usage' for both flags, or a home whose settings name another folder; as `lookAtOwnHome`
 */
export async function sitePlace(flags: PlaceFlags, world: World): Promise<SitePlace> {
  const { importedCasesOf, SiteStore: Stores } = await import('../../hospital/index.ts');
  if (flags.into !== undefined) {
    if (flags.home !== undefined) throw usageError('--home and --into: give one of the two');
    const folder = resolve(flags.into);
    return { folder, home: null, settings: null, open: () => Stores.open(folder, null) };
  }
  const home = await lookAtOwnHome(flags, world);
  const { readSettings } = await import('../node/start-command.ts');
  const { node } = await readSettings(flags, world);
  if (node.data.folder !== '') {
    throw usageError(
      `node.yaml says data.folder: the node trains from there; import with --into ${node.data.folder}, or empty data.folder`,
    );
  }
  const folder = importedCasesOf(home.folder);
  return {
    ...{ folder, home: home.folder, settings: node.data },
    open: async () => {
      const { keys } = await openOwnHome(flags, world);
      return Stores.open(folder, keys.site);
    },
  };
}
