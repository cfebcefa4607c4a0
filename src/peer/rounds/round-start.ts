/** What training and the average of a round share: the model they begin at, and the rule they follow. */
import { averagingRule, type AveragingRule } from '../../gossip/index.ts';
import { workName } from '../housekeeping.ts';
import type { RoundContext } from '../round-protocol.ts';

/**
 * Name in the store of the model where all begin this round.
 *
 * @param into where it is left if it has to be made
 * @throws {GossipError} when nobody has one it follows from
 */
export async function startOf(
  context: Pick<RoundContext, 'stage' | 'models' | 'before' | 'open' | 'consortium' | 'ports'>,
  into: string = workName(context.open.r, 'start'),
): Promise<string> {
  const { stage, models, before: beforeDigest, open, ports } = context;
  const { outerMomentum: momentum } = ruleOf(context);
  const base = await models.obtain(stage, open.base);
  if (beforeDigest === null || momentum === 0) return base;
  // A round's start is the same for its training and its average, and after a crash.
  if (await ports.store.has(into)) return into;
  const before = await models.obtain(stage, beforeDigest);
  const layout = await models.layout(stage);
  await ports.averager.start({ layout, base, before, momentum, into });
  return into;
}

/** How the changes of a round become its model. */
export function ruleOf({
  open,
  consortium,
}: Pick<RoundContext, 'open' | 'consortium'>): AveragingRule {
  return averagingRule(open.rule, consortium.manifest.members.length);
}
