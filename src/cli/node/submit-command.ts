/** `annulus consortium submit`: a signed version of the manifest for the running node, which has the members agree on it. */
import type { Submission } from '../../peer/index.ts';
import { CliError, exitCodes, type ExitCode } from '../errors.ts';
import { readInput } from '../files.ts';
import { ofFile } from '../membership/named-files.ts';
import { requireYes } from '../membership/sign-command.ts';
import type { World } from '../world.ts';
import { askNode, type ControlFlags } from './control-commands.ts';

/** Flags of `consortium submit`. */
export interface SubmitFlags extends ControlFlags {
  readonly yes?: boolean;
  readonly despiteQuorum?: boolean;
}

/** Largest file: a manifest with a hundred members and their signatures. */
const bytesMax = 4 * 1024 * 1024;

/** @throws {CliError} 'check_failed' when the node refuses it; {HostError} 'no_control' */
export async function submitCommand(
  file: string,
  flags: SubmitFlags,
  world: World,
): Promise<ExitCode> {
  const bytes = await readInput(file, bytesMax);
  await confirmRestart(file, bytes, flags, world);
  const path = flags.despiteQuorum === true ? '/submit?despite-quorum=1' : '/submit';
  const said = (await askNode(flags, world, 'POST', path, bytes)) as Submission;
  if (said.kind === 'refused') {
    throw new CliError({ code: 'check_failed' }, `${file}: ${said.reason}; ${said.advice}`);
  }
  world.out(flags.format === 'json' ? `${JSON.stringify(said)}\n` : `${textOf(said)}\n`);
  return exitCodes.done;
}

function textOf(said: Exclude<Submission, { kind: 'refused' }>): string {
  switch (said.kind) {
    case 'decided':
      return `version ${said.version} is in force since height ${said.height}`;
    case 'waiting':
      return `version ${said.version} is kept: this node goes on with it when it has come to height ${said.height}, which it gets from a member that has it`;
    case 'pending':
      return `version ${said.version} is told to the members, and put to the vote between two rounds`;
  }
}

/** A restart is put in force without votes, so that a person of each member says yes to it. */
async function confirmRestart(
  file: string,
  bytes: Uint8Array,
  flags: SubmitFlags,
  world: World,
): Promise<void> {
  const { openDraft } = await import('../../wire/index.ts');
  const { manifest } = await ofFile({ name: file, bytes }, 'signed version', openDraft);
  if (manifest.restart === undefined) return;
  const members = manifest.members.map(({ id }) => id).join(', ');
  const what = `${file} restarts ${manifest.name} after height ${manifest.restart.height} with ${members}, without votes. Who is left out, or has decided more, cannot go on with it.`;
  await requireYes(flags, world, `${what} Hand it to this node?`, 'not handed in');
}
