/** Where the shards of a vector begin and end. */
import type { AveragingRule } from '../average/averaging-rule.ts';
import { compressedBlockValues } from '../average/compressed-values.ts';
import type { ValueRange } from '../average/round-sum.ts';

/**
 * The values of shard number `shard`, from 0: as equal as whole numbers are, and empty where there are more shards than values.
 * Where updates are compressed they are cut between blocks of one scale, so that shards hold the numbers that a whole update does.
 */
export function shardRange(
  valueCount: number,
  shardCount: number,
  shard: number,
  { compression }: Pick<AveragingRule, 'compression'> = {},
): ValueRange {
  const unit = compression === undefined ? 1 : compressedBlockValues;
  const units = Math.ceil(valueCount / unit);
  const cut = (at: number): number =>
    Math.min(valueCount, unit * Math.floor((units * at) / shardCount));
  return { start: cut(shard), end: cut(shard + 1) };
}
