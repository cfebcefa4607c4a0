/** The versions of the manifest that a command goes on from: of a home, and of files. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { HomeFacts } from '../../node/index.ts';
import type { SignedManifest } from '../../wire/index.ts';
import { homeFolder, type HomeFlags } from '../own-home.ts';
import type { World } from '../world.ts';
import { ofFile, readNamed } from './named-files.ts';

/** The home when there is one at the place that flags and environment name; null when there is none. */
export async function homeIfAny(flags: HomeFlags, world: World): Promise<HomeFacts | null> {
  const folder = await homeFolder(flags, world);
  const { lookAtHome } = await import('../../node/index.ts');
  if (!existsSync(resolve(folder, 'home.json'))) {
    // One that was named and is not there is a mistake, not a choice.
    if (flags.home !== undefined) return lookAtHome(folder);
    return null;
  }
  return lookAtHome(folder);
}

/** The signed versions known: of the home, or of the invitation it was made with, and those in files. */
export async function knownVersions(
  home: HomeFacts | null,
  files: readonly string[],
  world: World,
): Promise<readonly SignedManifest[]> {
  const { chainOf, versionsOf } = await import('../../node/index.ts');
  let known = home === null ? [] : await versionsOf(home);
  for (const name of files) {
    known = await ofFile(await readNamed(name), 'signed version or invitation', (bytes) =>
      chainOf(known, [bytes], world.dateMs()),
    );
  }
  return known;
}
