/** `annulus logs`: what a node said, from its files; the node need not run. */
import { open, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { exitCodes, usageError, type ExitCode } from '../errors.ts';
import { parseCount } from '../numbers.ts';
import { lookAtOwnHome, type HomeFlags } from '../own-home.ts';
import type { World } from '../world.ts';

/** Flags of `logs`. */
export interface LogsFlags extends HomeFlags {
  readonly follow?: boolean;
  readonly lines: string;
  readonly detail?: boolean;
  readonly format: string;
}

const followMs = 500;
/** Of the end of a file, for the last lines. */
const tailBytesMax = 4 * 1024 * 1024;

/** Prints the last lines, and with `--follow` those that come, until Ctrl-C. @throws {CliError} 'usage' before the first start */
export async function logsCommand(flags: LogsFlags, world: World): Promise<ExitCode> {
  const { logFileOf } = await import('../../daemon/index.ts');
  const home = await lookAtOwnHome(flags, world);
  const file = flags.detail === true ? join(dirname(logFileOf(home)), 'peer.log') : logFileOf(home);
  const count = parseCount('--lines', flags.lines);
  const size = await sizeOf(file);
  if (size === null) throw usageError(`${file}: no log yet: this node has not been started`);
  const from = Math.max(0, size - tailBytesMax);
  const last = linesOf(await readFrom(file, from, size)).slice(-count);
  for (const line of count === 0 ? [] : last) say(line, flags, world);
  let read = size;
  while (flags.follow === true) {
    await pause(followMs);
    const now = (await sizeOf(file)) ?? 0;
    // The file was followed by a new one.
    if (now < read) read = 0;
    if (now === read) continue;
    const text = await readFrom(file, read, now);
    const whole = text.slice(0, text.lastIndexOf('\n') + 1);
    read += Buffer.byteLength(whole);
    for (const line of linesOf(whole)) say(line, flags, world);
  }
  return exitCodes.done;
}

async function sizeOf(file: string): Promise<number | null> {
  const facts = await stat(file).catch(() => null);
  return facts?.isFile() === true ? facts.size : null;
}

async function readFrom(path: string, from: number, to: number): Promise<string> {
  const file = await open(path);
  try {
    const bytes = Buffer.alloc(Math.min(tailBytesMax, Math.max(0, to - from)));
    const { bytesRead } = await file.read(bytes, 0, bytes.byteLength, from);
    return bytes.toString('utf8', 0, bytesRead);
  } finally {
    await file.close();
  }
}

function linesOf(text: string): string[] {
  return text.split('\n').filter((line) => line !== '');
}

/** A line of the log is its time, its level and its words. */
function say(line: string, { format }: LogsFlags, world: World): void {
  if (format !== 'json') {
    world.out(`${line}\n`);
    return;
  }
  const [, at = '', level = '', text = line] = /^(\S+) (\w+) +(.*)$/.exec(line) ?? [];
  world.out(`${JSON.stringify({ at, level, text })}\n`);
}
