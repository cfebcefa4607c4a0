/** What training and the average of an exact round share: the model they begin at, and the rule they follow. */
import { roundStart, type AveragingRule } from '../../../gossip/index.ts';
import type { ModelWeights } from '../../../weights/index.ts';
import type { RoundContext } from '../../round-protocol.ts';
import { outerStepOf } from '../../stage-rules.ts';

/** Where all begin this round. @throws {GossipError} when nobody has a model that it follows from */
export async function startOf({
  stage,
  models,
  before,
  open,
}: Pick<RoundContext, 'stage' | 'models' | 'before' | 'open'>): Promise<ModelWeights> {
  const { momentum } = outerStepOf(stage);
  const base = await models.obtain(stage, open.base);
  if (before === null || momentum === 0) return base;
  return roundStart(base, await models.obtain(stage, before), momentum);
}

/** How the changes of a round become its model. */
export function ruleOf({
  stage,
  consortium,
}: Pick<RoundContext, 'stage' | 'consortium'>): AveragingRule {
  const { limits, members } = consortium.manifest;
  const { weightMax, clampMicro } = limits;
  const { samplesCap } = stage;
  const { rate: outerRate } = outerStepOf(stage);
  const clamp = clampMicro / 1e6;
  return { memberCount: members.length, clamp, weightMax, samplesCap, outerRate };
}
