/** With whose key the updates of a round are opened: a home's, a file's that a member disclosed, or a simulated member's. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { LoggedRound } from '../../auditor/index.ts';
import type { NodeId } from '../../base/index.ts';
import { memberOf } from '../../wire/index.ts';
import { usageError } from '../errors.ts';
import { readInput } from '../files.ts';
import { openOwnHome } from '../own-home.ts';
import type { PassphraseFlags } from '../passphrase.ts';
import type { World } from '../world.ts';

/** Flags that name keys. */
export interface KeyFlags extends PassphraseFlags {
  readonly home?: string;
}

/** A member's private key for updates. */
export interface SealKey {
  readonly member: NodeId;
  readonly sealPrivate: Uint8Array;
  /** Where it came from, for people. */
  readonly from: string;
}

/**
 * The seal key of a member of that round: of `--home`, of the home that the log lies in, or of a simulated run, whose keys
 * all follow from its seed.
 *
 * @param copy member whose copy is read
 * @returns null when none of these is there
 * @throws {CliError} 'usage' when the home is of somebody who was no member, or has other keys now
 */
export async function sealKeyFor(
  folder: string,
  round: LoggedRound,
  copy: NodeId | null,
  flags: KeyFlags,
  world: World,
): Promise<SealKey | null> {
  const home = flags.home ?? (existsSync(join(folder, 'home.json')) ? folder : undefined);
  if (home !== undefined) return keyOfHome(round, { ...flags, home }, world);
  const runFile = join(folder, 'run.json');
  if (!existsSync(runFile) || copy === null) return null;
  const { readRunFile, simulatedMember } = await import('../../experiment/index.ts');
  const { settings } = readRunFile(await readInput(runFile, 2 ** 24), folder);
  const { seal } = simulatedMember(settings.seed, copy, []).keys;
  return { member: copy, sealPrivate: seal.privateKey, from: `the simulated member ${copy}` };
}

async function keyOfHome(
  { consortium, open }: LoggedRound,
  flags: KeyFlags & { readonly home: string },
  world: World,
): Promise<SealKey> {
  const home = await openOwnHome(flags, world);
  const line = memberOf(consortium.manifest, home.id);
  const keys = line === null ? null : home.keysOf(line);
  if (keys === null) {
    throw usageError(
      line === null
        ? `${flags.home}: expected the home of a member in round ${open.r}, got that of ${home.id}`
        : `${flags.home}: the keys that ${home.id} had in round ${open.r} are not in this home any more; ask another member`,
    );
  }
  return { member: home.id, sealPrivate: keys.seal.privateKey, from: flags.home };
}
