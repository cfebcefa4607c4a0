/** The part of an exported folder that lets its reader repeat one round: updates, models, and the names of the model's tensors. */
import { utf8 } from '../../base/index.ts';
import { indexOf, type OneLog } from './one-log.ts';
import { filesIn } from './replay-command.ts';

/** A file of an exported folder. */
export type WriteFile = (name: string, bytes: Uint8Array) => Promise<void>;

/** Largest file that is copied: an update or a model. */
const fileBytesMax = 2 ** 30;

/** Copies what round `text` needs. @throws {AuditorError} 'no_round', 'files_missing' */
export async function exportRound(
  one: OneLog,
  { text, folders }: { readonly text: string; readonly folders: readonly string[] },
  write: WriteFile,
): Promise<void> {
  const number = indexOf('--round', text);
  const auditor = await import('../../auditor/index.ts');
  const { stageStart } = await import('../../hospital/index.ts');
  const files = await filesIn(folders);
  const round = await auditor.loggedRound(one.log, number);
  const { plan } = round.consortium.manifest;
  const found = await auditor.roundFiles(round, files, await stageStart(plan, round.stage, files));
  for (const name of found.names) {
    const bytes = await files.readPart(name, 0, fileBytesMax);
    if (bytes !== null) await write(name, bytes);
  }
  if (found.initial !== null) await write(found.initial.name, found.initial.bytes);
  await write(`layout-of-round-${number}.json`, utf8(`${JSON.stringify(found.layout)}\n`));
}
