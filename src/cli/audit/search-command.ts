/** `annulus audit search`: the entries of a log that fit, one in a line. */
import {
  logEntries,
  nodeLogClaim,
  ownEntries,
  Report,
  type LogEntry,
  type OwnEntry,
} from '../../audit/index.ts';
import { fromUtf8 } from '../../base/index.ts';
import { exitCodes, usageError, type ExitCode } from '../errors.ts';
import type { FormatFlags } from '../result.ts';
import type { World } from '../world.ts';
import { readable } from './get-command.ts';
import { indexOf, oneLog, timeText, type OneLog } from './one-log.ts';

/** Kinds of entries, as typed. */
export const entryKinds = [
  'update',
  'report',
  'OPEN',
  'CUT',
  'SEAL',
  'VOID',
  'EVID',
  'MEMBER',
] as const;

/** Flags, as typed. */
export interface SearchFlags extends FormatFlags {
  readonly copy?: string;
  readonly member?: string;
  readonly round?: string;
  readonly height?: string;
  readonly kind?: string;
  readonly digest?: string;
  /** Entries of the node's own log in place of the shared one's. */
  readonly own?: boolean;
}

/** Prints all entries that fit every flag that is given. Exit code 1 when none does. */
export async function searchCommand(
  folder: string,
  flags: SearchFlags,
  world: World,
): Promise<ExitCode> {
  const { digest } = flags;
  if (digest !== undefined && !/^[0-9a-f]{8,64}$/.test(digest)) {
    throw usageError(`--digest: expected the first 8 to 64 hex digits of a SHA-256, got ${digest}`);
  }
  const round = flags.round === undefined ? null : indexOf('--round', flags.round);
  const height = flags.height === undefined ? null : indexOf('--height', flags.height);
  const one = await oneLog(folder, flags.copy ?? null, world);
  if (flags.own === true) return searchOwn(one, flags, round, world);
  const { log } = one;
  const fits = (entry: LogEntry): boolean =>
    (round === null || entry.rounds.includes(round)) &&
    (height === null || entry.height === height) &&
    (flags.kind === undefined || entry.kinds.includes(flags.kind as (typeof entryKinds)[number])) &&
    (flags.member === undefined || isAbout(entry, flags.member)) &&
    (digest === undefined || entry.digest.startsWith(digest) || names(entry, digest));
  const found: LogEntry[] = [];
  for await (const entry of logEntries(log)) if (fits(entry)) found.push(entry);
  world.out(flags.format === 'json' ? jsonOf(found) : textOf(found));
  if (found.length === 0) world.err('no entry fits\n');
  return log.verdict.ok && found.length > 0 ? exitCodes.done : exitCodes.failed;
}

/** The own log of the node whose copy it is: every event, or those of a round. */
async function searchOwn(
  { log, node, folder }: OneLog,
  flags: SearchFlags,
  round: number | null,
  world: World,
): Promise<ExitCode> {
  const { keptBy } = log.verdict;
  if (node.nodeLog === null || keptBy === null) {
    throw usageError(`${folder}: --own: expected the folder of a node, found a log alone`);
  }
  const report = new Report();
  const found: OwnEntry[] = [];
  const claim = await nodeLogClaim(log, keptBy);
  for await (const one of ownEntries(node.nodeLog, claim, report)) {
    const { entry } = one;
    if (round === null || (entry !== null && 'round' in entry && entry.round === round)) {
      found.push(one);
    }
  }
  const line = ({ log: number, index, entry }: OwnEntry): string => {
    if (entry === null) return `log ${number}  entry ${String(index).padStart(5)}  DAMAGED\n`;
    const { atMs, event, ...facts } = entry;
    return `log ${number}  entry ${String(index).padStart(5)}  ${timeText(atMs)}  ${event.padEnd(17)}  ${JSON.stringify(facts)}\n`;
  };
  world.out(flags.format === 'json' ? `${JSON.stringify(found)}\n` : found.map(line).join(''));
  for (const { where, what } of report.findings) world.err(`${where}: ${what}\n`);
  if (found.length === 0) world.err('no entry fits\n');
  const isRight = log.verdict.ok && report.findings.length === 0;
  return isRight && found.length > 0 ? exitCodes.done : exitCodes.failed;
}

/** Whether a member signed it, or it is a block that names the member. */
function isAbout(entry: LogEntry, member: string): boolean {
  if (entry.member !== null) return entry.member === member;
  return textIn(entry).includes(`"${member}"`);
}

function names(entry: LogEntry, digest: string): boolean {
  return textIn(entry).includes(`"${digest}`);
}

function textIn({ bytes }: LogEntry): string {
  if (bytes === null) return '';
  try {
    return JSON.stringify(readable(bytes));
  } catch {
    return fromUtf8(bytes);
  }
}

function jsonOf(entries: readonly LogEntry[]): string {
  const lines = entries.map(({ bytes, ...facts }) => ({
    ...facts,
    bytes: bytes?.byteLength ?? null,
  }));
  return `${JSON.stringify(lines)}\n`;
}

function textOf(entries: readonly LogEntry[]): string {
  return entries
    .map(
      ({ index, height, rounds, kinds, member, atMs, digest, bytes }) =>
        `entry ${String(index).padStart(5)}  height ${String(height).padStart(5)}  round ${(rounds.join(' ') || '-').padStart(7)}  ` +
        `${timeText(atMs)}  ${kinds.join('+').padEnd(9)} ${(member ?? '').padEnd(8)} ${bytes === null ? 'DAMAGED' : digest.slice(0, 16)}\n`,
    )
    .join('');
}
