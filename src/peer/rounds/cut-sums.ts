/** What a SEAL says of its CUT: the same on every node. */
import type { Digest } from '../../base/index.ts';
import type { UpdateFacts } from '../../gossip/index.ts';
import type { Cut, Seal } from '../../wire/index.ts';

/** Sum of the weights, and the weighted mean of the signed training losses, rounded down. */
export function cutSums(
  { updates }: Pick<Cut, 'updates'>,
  factsOf: (env: Digest) => UpdateFacts | null,
): Pick<Seal, 'W' | 'metrics'> {
  const total = updates.reduce((sum, { n }) => sum + n, 0);
  const lossOf = (env: Digest): number => factsOf(env)?.metricsMilli.loss ?? 0;
  const losses = updates.reduce((sum, { env, n }) => sum + lossOf(env) * n, 0);
  return {
    W: total,
    metrics: { lossMilli: Math.floor(losses / total), updates: updates.length },
  };
}
