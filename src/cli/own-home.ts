/** The home that a command works on, and its keys. */
import { homedir } from 'node:os';
import type { Home, HomeFacts } from '../node/index.ts';
import { passphraseToOpen, type PassphraseFlags } from './passphrase.ts';
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

/** The home with its keys; a passphrase is looked for only when they are sealed. @throws as `openHome` */
export async function openOwnHome(flags: HomeFlags & PassphraseFlags, world: World): Promise<Home> {
  const { isHomeSealed, openHome } = await import('../node/index.ts');
  const facts = await lookAtOwnHome(flags, world);
  const isSealed = await isHomeSealed(facts);
  return openHome(facts.folder, isSealed ? await passphraseToOpen('node', flags, world) : null);
}
