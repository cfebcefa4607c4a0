/** What this hospital's own hold-out says of a new model. */
import type { Digest } from '../../base/index.ts';
import type { RoundContext } from '../round-protocol.ts';

/** Whether the model is not finite, or far worse than the one it came from. @param name where it lies in the store */
export async function isRefusedByHoldOut(
  { open, stage, models, settings }: RoundContext,
  digest: Digest,
  name: string,
): Promise<boolean> {
  const base = await models.obtain(stage, open.base);
  const loss = await models.holdOutLoss(stage, digest, name);
  const baseLoss = await models.holdOutLoss(stage, open.base, base);
  if (loss === null) return false;
  if (!Number.isFinite(loss)) return true;
  return baseLoss !== null && loss > Math.max(baseLoss, 1) * settings.lossFactorMax;
}
