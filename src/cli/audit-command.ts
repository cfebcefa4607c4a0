/** `annulus audit verify`: re-derives everything a log claims, from the files alone. */
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import {
  renderVerdict,
  verifyLogDirectory,
  type LogDirectory,
  type LogVerdict,
} from '../audit/index.ts';
import { parseDigest, printableLine } from '../base/index.ts';
import { exitCodes, usageError, type ExitCode } from './errors.ts';
import { requireFolder } from './files.ts';
import type { World } from './world.ts';

export interface AuditFlags {
  readonly format: string;
  readonly consortium?: string;
}

/** `folder` is a log, a node's folder, or a run's: then the logs of all its nodes are verified. */
export async function auditCommand(
  folder: string,
  flags: AuditFlags,
  world: World,
): Promise<ExitCode> {
  const consortium = flags.consortium === undefined ? null : parseDigest(flags.consortium);
  if (flags.consortium !== undefined && consortium === null) {
    throw usageError('--consortium: expected the 64 hex digits of a consortium id');
  }
  const logs = await findLogs(await requireFolder(folder));
  if (logs.length === 0) {
    throw usageError(`${folder}: expected a log, a node's folder or a run's folder, found none`);
  }
  const verdicts: { readonly folder: string; readonly verdict: LogVerdict }[] = [];
  for (const log of logs) {
    const options = consortium === null ? {} : { consortium };
    verdicts.push({ folder: log, verdict: await verifyLogDirectory(directoryAt(log), options) });
  }
  const differing = differingRoots(verdicts);
  const ok = differing === null && verdicts.every(({ verdict }) => verdict.ok);
  if (flags.format === 'json') {
    world.out(`${JSON.stringify({ ok, differing, logs: verdicts })}\n`);
  } else {
    world.out(textOf(verdicts, differing));
  }
  return ok ? exitCodes.done : exitCodes.failed;
}

/** The first verdict in full; of further logs what differs from it, or one line. */
function textOf(
  verdicts: readonly { folder: string; verdict: LogVerdict }[],
  differing: string | null,
): string {
  const blocks = verdicts.map(({ folder, verdict }, index) =>
    index === 0 || !verdict.ok
      ? `${printableLine(folder)}\n${renderVerdict(verdict)}\n`
      : `${printableLine(folder)}: verified, ${verdict.treeSize} entries, root ${verdict.root ?? '-'}`,
  );
  return [...blocks, ...(differing === null ? [] : [printableLine(`WRONG ${differing}`)]), ''].join(
    '\n',
  );
}

/** Logs of one run may end at different heights, but two of one size have one root. */
function differingRoots(
  verdicts: readonly { folder: string; verdict: LogVerdict }[],
): string | null {
  const roots = new Map<number, { readonly root: string; readonly folder: string }>();
  for (const { folder, verdict } of verdicts) {
    if (verdict.root === null) continue;
    const other = roots.get(verdict.treeSize);
    if (other !== undefined && other.root !== verdict.root) {
      return `${folder} and ${other.folder}: two logs of ${verdict.treeSize} entries with different roots`;
    }
    roots.set(verdict.treeSize, { root: verdict.root, folder });
  }
  return null;
}

async function findLogs(folder: string): Promise<string[]> {
  if (isLog(folder)) return [folder];
  if (isLog(join(folder, 'log'))) return [join(folder, 'log')];
  const nodes = join(folder, 'nodes');
  if (!existsSync(nodes)) return [];
  const names = (await readdir(nodes)).sort();
  return names.map((name) => join(nodes, name, 'log')).filter(isLog);
}

function isLog(folder: string): boolean {
  return ['manifest.json', 'checkpoint', 'tile'].some((name) => existsSync(join(folder, name)));
}

function directoryAt(folder: string): LogDirectory {
  return {
    read: async (name) => {
      try {
        return new Uint8Array(await readFile(join(folder, name)));
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
        throw error;
      }
    },
    list: async () => {
      const entries = await readdir(folder, { recursive: true, withFileTypes: true });
      return entries
        .filter((entry) => entry.isFile())
        .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'))
        .sort();
    },
  };
}
