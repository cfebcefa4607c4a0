/** What this hospital's own hold-out says of a new model. */
import type { Digest } from '../../base/index.ts';
import type { RoundContext } from '../round-protocol.ts';

/** A new model: names of the store. */
export interface TriedModel {
  readonly digest: Digest;
  /** Where it lies. */
  readonly name: string;
  /** Where the model lies that the round began with. */
  readonly base: string;
}

/** Whether a model is not finite, or far worse than the one it came from. */
export async function isRefusedByHoldOut(
  { open, stage, models, settings }: RoundContext,
  { digest, name, base }: TriedModel,
): Promise<boolean> {
  const loss = await models.holdOutLoss(stage, digest, name);
  const baseLoss = await models.holdOutLoss(stage, open.base, base);
  if (loss === null) return false;
  if (!Number.isFinite(loss)) return true;
  return baseLoss !== null && loss > Math.max(baseLoss, 1) * settings.lossFactorMax;
}
