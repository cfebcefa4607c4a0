/** Where the shards of a vector begin and end. */
import type { ValueRange } from '../average/round-sum.ts';

/** The values of shard number `shard`, from 0: as equal as whole numbers are, and empty where there are more shards than values. */
export function shardRange(valueCount: number, shardCount: number, shard: number): ValueRange {
  return {
    start: Math.floor((valueCount * shard) / shardCount),
    end: Math.floor((valueCount * (shard + 1)) / shardCount),
  };
}
