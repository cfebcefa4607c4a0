/** The one log that a command reads. It is verified before anything in it is shown. */
import {
  examineLog,
  type ExaminedLog,
  type LogDirectory,
  type NodeFolder,
} from '../../audit/index.ts';
import { usageError } from '../errors.ts';
import type { World } from '../world.ts';
import { auditedRun } from './audited-folders.ts';

/** A log that was verified. */
export interface OneLog {
  /** Where it lies. */
  readonly folder: string;
  readonly directory: LogDirectory;
  readonly log: ExaminedLog;
  readonly node: NodeFolder;
}

/**
 * Verifies the log in `folder`; of a run's folder the copy of `member`, else the first. What is wrong with it goes to standard
 * error, for a damaged log can still be read where it is sound.
 * @throws {CliError} 'usage' when no log is there
 */
export async function oneLog(folder: string, member: string | null, world: World): Promise<OneLog> {
  const { nodes } = await auditedRun(folder);
  const node = member === null ? nodes[0] : nodes.find(({ name }) => name === member);
  if (node === undefined) {
    const names = nodes.flatMap(({ name }) => name ?? []);
    throw usageError(
      nodes.length === 0
        ? `${folder}: expected a log, a node's folder or a run's folder, found none`
        : `--copy ${member ?? ''}: expected a member whose log is in ${folder}: ${names.join(' ')}`,
    );
  }
  const log = await examineLog(node.log);
  const { findings } = log.verdict;
  if (findings.length > 0) {
    const [first] = findings;
    world.err(
      `${node.folder}: ${findings.length} findings, the first: ${first?.where ?? ''}: ${first?.what ?? ''}\n` +
        '"annulus audit verify" tells them all; what follows is what is sound\n',
    );
  }
  if (log.consortium === null) throw usageError(`${node.folder}: its manifest cannot be read`);
  return { folder: node.folder, directory: node.log, log, node };
}

/** The bytes of entry `index`. @throws {CliError} 'usage' when there is none, or it is damaged */
export async function soundEntry({ folder, log }: OneLog, index: number): Promise<Uint8Array> {
  const size = log.bodies.at(-1)?.log.size ?? 0;
  if (index >= size) {
    throw usageError(`${folder}: expected an entry from 0 to ${size - 1}, got ${index}`);
  }
  const bytes = await log.entries.at(index);
  if (bytes === null) {
    throw usageError(`${folder}: entry ${index} is damaged or missing; another copy may have it`);
  }
  return bytes;
}

/** @throws {CliError} 'usage' unless `text` is a whole number from 0 */
export function indexOf(what: string, text: string): number {
  if (!/^(0|[1-9][0-9]{0,14})$/.test(text)) {
    throw usageError(`${what}: expected a whole number from 0, got ${text}`);
  }
  return Number(text);
}

/** 2026-11-29 17:01:12, UTC. */
export function timeText(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19).replace('T', ' ');
}
