/** The home that a command works on, and its keys. */
import { homedir } from 'node:os';
import type { Home, HomeFacts } from '../node/index.ts';
import { openWithPassphrase, type PassphraseFlags } from './passphrase.ts';
import type { World } from './world.ts';

/** Flags of a command that reads a home. */
export interface HomeFlags {
  readonly home?: string;
}

/** Where the home is: `--home`, else `ANNULUS_HOME`, else in the folder that the system keeps such things in. */
export async function homeFolder({ home }: HomeFlags, { env }: World): Promise<string> {
  if (home !== undefined) return home;
  const { defaultHome } = await import('../node/index.ts');
  return defaultHome(env, homedir());
}

/** What the home says without its passphrase. @throws as `lookAtHome` */
export async function lookAtOwnHome(flags: HomeFlags, world: World): Promise<HomeFacts> {
  const { lookAtHome } = await import('../node/index.ts');
  return lookAtHome(await homeFolder(flags, world));
}

/**
 * What the keys of a home are opened for. A passphrase is looked for only when they are sealed.
 *
 * @throws {CliError} 'usage' without a passphrase or with a wrong one; what else `open` throws
 */
export async function withHomeKeys<T>(
  home: HomeFacts,
  flags: PassphraseFlags,
  world: World,
  open: (passphrase: string | null) => Promise<T>,
): Promise<T> {
  const { isHomeSealed } = await import('../node/index.ts');
  if (!(await isHomeSealed(home))) return open(null);
  return openWithPassphrase('node', home.folder, flags, world, open);
}

/** The home with its keys. @throws as `withHomeKeys` and `openHome` */
export async function openOwnHome(flags: HomeFlags & PassphraseFlags, world: World): Promise<Home> {
  const { openHome } = await import('../node/index.ts');
  const home = await lookAtOwnHome(flags, world);
  return withHomeKeys(home, flags, world, (passphrase) => openHome(home.folder, passphrase));
}
