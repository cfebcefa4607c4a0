/** `annulus doctor bundle`: what this node can show to whoever is to help, in one file, after a look at all that goes out. */
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import type { BundleFile } from '../../daemon/index.ts';
import { exitCodes, usageError, type ExitCode } from '../errors.ts';
import { lookAtOwnHome } from '../own-home.ts';
import { givenPassphrase } from '../passphrase.ts';
import type { World } from '../world.ts';
import { preflightFindings, statusOfNode, type PreflightFlags } from './preflight-command.ts';
import { readSettings } from './start-command.ts';

/** Flags of `doctor bundle`. */
export interface BundleFlags extends PreflightFlags {
  readonly output: string;
  readonly withAddresses?: boolean;
  readonly yes?: boolean;
}

const linesShown = 3;
const lineLength = 100;

/** Shows what goes out, asks, and writes it. Exit 0 when written, 1 when the answer was no. */
export async function bundleCommand(flags: BundleFlags, world: World): Promise<ExitCode> {
  const { bundleBytes, bundleFiles } = await import('../../daemon/index.ts');
  if (existsSync(flags.output)) throw usageError(`${flags.output}: is there already: choose another file`); // prettier-ignore
  if (flags.yes !== true && world.terminal === null) {
    throw usageError('nobody is here to look at what goes out: say --yes to write it unseen');
  }
  const home = await lookAtOwnHome(flags, world);
  const settings = await readSettings(flags, world);
  const passphrase = await givenPassphrase('node', flags, world);
  const files = await bundleFiles({
    ...{ home, settings, findings: await preflightFindings(flags, world) },
    status: await statusOfNode(home.folder, settings.node),
    secrets: passphrase === null ? [] : [passphrase],
    withAddresses: flags.withAddresses === true,
  });
  if (world.isLive) world.erase(0);
  const bytes = bundleBytes(files);
  world.err(previewText(files));
  const question = `Write these ${files.length} files, ${bytes.byteLength} bytes as a zip, to ${flags.output}? [y/N] `;
  const answer = flags.yes === true ? 'y' : await world.terminal?.ask(question, false);
  if (answer?.trim().toLowerCase() !== 'y') {
    world.err('nothing was written\n');
    return exitCodes.failed;
  }
  await writeFile(flags.output, bytes, { flag: 'wx', mode: 0o600 });
  const names = files.map(({ name, text }) => ({ name, bytes: Buffer.byteLength(text) }));
  const text = `${flags.output}: ${files.length} files. Read it before you pass it on.\n`;
  world.out(
    flags.format === 'json' ? `${JSON.stringify({ file: flags.output, files: names })}\n` : text,
  );
  return exitCodes.done;
}

/** Each file with its size and its first lines. */
export function previewText(files: readonly BundleFile[]): string {
  const parts = files.flatMap(({ name, text }) => {
    const lines = text.split('\n').filter((line) => line.trim() !== '');
    const shown = lines.slice(0, linesShown).map((line) => `    ${line.slice(0, lineLength)}`);
    const more = lines.length - shown.length;
    return [
      `${name}, ${Buffer.byteLength(text)} bytes`,
      ...shown,
      ...(more > 0 ? [`    … and ${more} more lines`] : []),
    ];
  });
  return `This is what would go out:\n${parts.join('\n')}\n`;
}
