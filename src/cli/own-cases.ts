/** Counts hospitals' own cases and says on the terminal what came of it. */
import { printableLine } from '../base/index.ts';
import type { RunSettings } from '../config/index.ts';
import type { LookedThrough } from '../experiment/index.ts';
import type { World } from './world.ts';

/** As `withCountedCases`, whose errors it throws: what cannot be used is named on standard error. */
export async function countOwnCasesOf(
  settings: RunSettings,
  file: string,
  world: World,
): Promise<RunSettings> {
  const { withCountedCases } = await import('../experiment/index.ts');
  return withCountedCases(settings, file, {
    onCase: (hospital, index, total) => {
      if (!world.isLive) return;
      world.erase(0);
      world.out(`${hospital}: looking at case ${index} of ${total}`);
    },
    onHospital: (looked) => {
      if (world.isLive) world.erase(0);
      for (const line of setAsideLines(looked)) world.err(`${line}\n`);
    },
  });
}

function setAsideLines({ hospital, folder, good, setAside }: LookedThrough): string[] {
  if (setAside.length === 0) return [];
  const total = good.length + setAside.length;
  return [
    ...setAside.map(
      ({ name, problem }) => `${hospital}: SET ASIDE ${printableLine(`${name}: ${problem}`)}`,
    ),
    `${hospital}: ${setAside.length} of ${total} are set aside, and the run goes without them; ` +
      `annulus data check ${printableLine(folder)} looks at all`,
  ];
}
