/** What the log of a home's node ends with: where a consortium that has lost its quorum can go on. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { HomeFacts } from '../../node/index.ts';
import { restartAfter, type Restart, type SignedManifest } from '../../wire/index.ts';
import { logDirectoryAt } from '../audit/audited-folders.ts';
import { CliError, usageError } from '../errors.ts';

/** The end of a log, and the version of the manifest in force there. */
export interface LogEnd {
  readonly consortium: SignedManifest;
  readonly restart: Restart;
}

/**
 * Verifies the whole log first: nobody should sign for one that is damaged.
 *
 * @throws {CliError} 'usage' without a home or before the first block, 'check_failed' when the log is not what it must be
 */
export async function endOfLog(home: HomeFacts | null): Promise<LogEnd> {
  const { examineLog } = await import('../../audit/index.ts');
  const { nodeFolderOf } = await import('../../node/index.ts');
  if (home === null) {
    throw usageError(
      '--restart: goes on from the log of a home: give --home of a member that remains',
    );
  }
  const folder = join(nodeFolderOf(home), 'log');
  if (!existsSync(folder)) throw nothingDecided();
  const { verdict, consortium, bodies } = await examineLog(logDirectoryAt(folder));
  const [finding] = verdict.findings;
  if (finding !== undefined) {
    const { where, what } = finding;
    throw new CliError(
      { code: 'check_failed' },
      `${folder}: ${where}: ${what}; a consortium is not restarted from such a log: draft at another member`,
    );
  }
  const last = bodies.at(-1);
  if (consortium === null || last === undefined) {
    throw nothingDecided();
  }
  const seals = bodies.flatMap(({ ops }) => ops.find((op) => op.op === 'SEAL') ?? []);
  return { consortium, restart: restartAfter(last, seals.at(-1)?.agg ?? null) };
}

function nothingDecided(): CliError {
  return usageError(
    '--restart: nothing is decided yet, so nothing is lost: found the consortium anew',
  );
}
