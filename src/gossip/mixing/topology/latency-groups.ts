/** Regions of nodes that are near each other, from measured latencies. */
import { GossipError } from '../../errors.ts';

/**
 * The region of each node, numbered in the order of their first nodes: going through the nodes in order, each joins the
 * first region to all of whose nodes it has at most `latencyMsMax` both ways, or begins one.
 * @param latencyMs `latencyMs[i][j]`: from node i to node j
 * @throws {GossipError} 'bad_topology' unless it is a square of numbers from 0
 */
export function latencyGroups(
  latencyMs: readonly (readonly number[])[],
  latencyMsMax: number,
): number[] {
  const isSquare = latencyMs.every(
    (row) => row.length === latencyMs.length && row.every((ms) => ms >= 0),
  );
  if (!isSquare) {
    throw new GossipError(
      { code: 'bad_topology', kind: 'clusters' },
      'topology clusters: expected as many latencies in each row as there are rows, all from 0 ms',
    );
  }
  const regions: number[][] = [];
  return latencyMs.map((_, node) => {
    const isNear = (other: number): boolean =>
      (latencyMs[node]?.[other] ?? Infinity) <= latencyMsMax &&
      (latencyMs[other]?.[node] ?? Infinity) <= latencyMsMax;
    const found = regions.findIndex((region) => region.every(isNear));
    if (found >= 0) {
      regions[found]?.push(node);
      return found;
    }
    return regions.push([node]) - 1;
  });
}
