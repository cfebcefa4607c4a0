/** `annulus audit diff`: two copies of a log, and whether anybody was told two histories. */
import { compareLogs, type LogRelation } from '../../audit/index.ts';
import { exitCodes, type ExitCode } from '../errors.ts';
import { tell, type FormatFlags } from '../result.ts';
import type { World } from '../world.ts';
import { oneLog } from './one-log.ts';

/** Compares two logs. Exit code 1 when they are of two histories or two consortia, or one of them is damaged. */
export async function diffCommand(
  first: string,
  second: string,
  flags: FormatFlags,
  world: World,
): Promise<ExitCode> {
  const a = await oneLog(first, null, world);
  const b = await oneLog(second, null, world);
  const relation = await compareLogs(a, b);
  tell(world, flags, textOf(relation, [a.folder, b.folder]), relation);
  const isFine = relation.kind === 'same' || relation.kind === 'longer';
  return isFine && a.log.verdict.ok && b.log.verdict.ok ? exitCodes.done : exitCodes.failed;
}

function textOf(relation: LogRelation, [a, b]: readonly [string, string]): string {
  switch (relation.kind) {
    case 'same':
      return `the same: ${relation.heights} heights, ${relation.entries} entries\n`;
    case 'longer': {
      const [longer, shorter] = relation.longer === 0 ? [a, b] : [b, a];
      const [more, less] =
        relation.longer === 0 ? relation.heights : [relation.heights[1], relation.heights[0]];
      return `one history: ${longer} goes on from ${shorter}, which ends at height ${less}, to height ${more}\n`;
    }
    case 'strangers':
      return `two consortia: ${relation.cids.map((cid) => cid ?? 'one that cannot be read').join(' and ')}\n`;
    case 'fork': {
      const { height, blocks, votedForBoth, cosignedBoth } = relation.fork;
      const list = (ids: readonly string[]): string =>
        ids.length === 0 ? 'nobody' : ids.join(' ');
      return [
        `TWO HISTORIES from height ${height} on:`,
        `  ${a}: block ${blocks[0]}`,
        `  ${b}: block ${blocks[1]}`,
        `voted for both         ${list(votedForBoth)}`,
        `cosigned both          ${list(cosignedBoth)}`,
        'Each of them is convicted by its own signatures: keep both folders. Nothing decided from this height on can be relied on.',
        '',
      ].join('\n');
    }
  }
}
