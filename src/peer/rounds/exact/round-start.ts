/** What training and the average of an exact round share: the model they begin at, and the rule they follow. */
import { averagingRule, roundStart, type AveragingRule } from '../../../gossip/index.ts';
import type { ModelWeights } from '../../../weights/index.ts';
import type { RoundContext } from '../../round-protocol.ts';

/** Where all begin this round. @throws {GossipError} when nobody has a model that it follows from */
export async function startOf(
  context: Pick<RoundContext, 'stage' | 'models' | 'before' | 'open' | 'consortium'>,
): Promise<ModelWeights> {
  const { stage, models, before, open } = context;
  const { outerMomentum } = ruleOf(context);
  const base = await models.obtain(stage, open.base);
  if (before === null || outerMomentum === 0) return base;
  return roundStart(base, await models.obtain(stage, before), outerMomentum);
}

/** How the changes of a round become its model. */
export function ruleOf({
  open,
  consortium,
}: Pick<RoundContext, 'open' | 'consortium'>): AveragingRule {
  return averagingRule(open.rule, consortium.manifest.members.length);
}
