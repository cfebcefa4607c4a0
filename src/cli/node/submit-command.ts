/** `annulus consortium submit`: a signed version of the manifest for the running node, which has the members agree on it. */
import type { Submission } from '../../peer/index.ts';
import { CliError, exitCodes, type ExitCode } from '../errors.ts';
import { readInput } from '../files.ts';
import type { World } from '../world.ts';
import { askNode, type ControlFlags } from './control-commands.ts';

/** Flags of `consortium submit`. */
export type SubmitFlags = ControlFlags;

/** Largest file: a manifest with a hundred members and their signatures. */
const bytesMax = 4 * 1024 * 1024;

/** @throws {CliError} 'check_failed' when the node refuses it; {HostError} 'no_control' */
export async function submitCommand(
  file: string,
  flags: SubmitFlags,
  world: World,
): Promise<ExitCode> {
  const bytes = await readInput(file, bytesMax);
  const said = (await askNode(flags, world, 'POST', '/submit', bytes)) as Submission;
  if (said.kind === 'refused') {
    throw new CliError({ code: 'check_failed' }, `${file}: ${said.reason}; ${said.advice}`);
  }
  const text =
    said.kind === 'decided'
      ? `version ${said.version} is in force since height ${said.height}`
      : `version ${said.version} is told to the members, and put to the vote between two rounds`;
  world.out(flags.format === 'json' ? `${JSON.stringify(said)}\n` : `${text}\n`);
  return exitCodes.done;
}
