/** `annulus audit disclose`: the keys of one round's updates, for an auditor who has a copy of the log and the updates. */
import { writeFile } from 'node:fs/promises';
import { CliError, exitCodes, usageError, type ExitCode } from '../errors.ts';
import { tell, type FormatFlags } from '../result.ts';
import type { World } from '../world.ts';
import { sealKeyFor, type KeyFlags } from './key-source.ts';
import { indexOf, oneLog } from './one-log.ts';
import { filesIn } from './replay-command.ts';

/** Flags, as typed. */
export interface DiscloseFlags extends FormatFlags, KeyFlags {
  readonly output: string;
  readonly copy?: string;
}

/** Writes a file that opens the updates of one round and nothing else. */
export async function discloseCommand(
  folder: string,
  text: string,
  flags: DiscloseFlags,
  world: World,
): Promise<ExitCode> {
  const number = indexOf('round', text);
  const one = await oneLog(folder, flags.copy ?? null, world);
  const auditor = await import('../../auditor/index.ts');
  const round = await auditor.loggedRound(one.log, number);
  const key = await sealKeyFor(folder, round, one.log.verdict.keptBy, flags, world);
  if (key === null) {
    throw usageError(
      `${folder}: expected --home FOLDER, the home of a member: its key opens the updates`,
    );
  }
  const keyOf = auditor.keysOfMember(key.member, key.sealPrivate);
  const { keys, withoutKey } = await auditor.discloseRound(round, keyOf, await filesIn([folder]));
  if (withoutKey.length > 0) {
    throw new CliError(
      { code: 'check_failed' },
      `round ${number}: ${withoutKey.join(' ')} encrypted no key for ${key.member} that opens the update: nothing was written; ask another member`,
    );
  }
  const bytes = auditor.encodeRoundKeys(keys);
  await writeFile(flags.output, bytes, { flag: 'wx', mode: 0o600 }).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') {
      throw usageError(`--output ${flags.output}: is there already; choose another name`);
    }
    throw error;
  });
  const members = [...keys.keys.keys()];
  tell(
    world,
    flags,
    `wrote ${flags.output}: keys of the ${members.length} updates of round ${number}, by ${members.join(' ')}\n` +
      'Whoever has this file and the stored updates can read what training changed at each of these hospitals in that round, and nothing else: send it over a channel that you trust\n' +
      `the auditor: annulus audit replay COPY ${number} --keys ${flags.output}\n`,
    { file: flags.output, round: number, members, by: key.member },
  );
  return exitCodes.done;
}
