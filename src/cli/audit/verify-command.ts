/** `annulus audit verify`: re-derives everything a log claims, from the files alone. */
import { verifyRun, renderRunVerdict } from '../../audit/index.ts';
import { parseDigest } from '../../base/index.ts';
import { auditedRun } from './audited-folders.ts';
import { exitCodes, usageError, type ExitCode } from '../errors.ts';
import type { World } from '../world.ts';

/** Flags of `audit verify`, as typed. */
export interface AuditFlags {
  readonly format: string;
  readonly consortium?: string;
  readonly allowMissing?: boolean;
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
  const run = await auditedRun(folder);
  if (run.nodes.length === 0) {
    throw usageError(`${folder}: expected a log, a node's folder or a run's folder, found none`);
  }
  const verdict = await verifyRun(run, {
    allowMissing: flags.allowMissing === true,
    ...(consortium === null ? {} : { consortium }),
  });
  world.out(flags.format === 'json' ? `${JSON.stringify(verdict)}\n` : renderRunVerdict(verdict));
  return verdict.ok ? exitCodes.done : exitCodes.failed;
}
