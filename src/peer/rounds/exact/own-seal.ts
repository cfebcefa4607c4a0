/** The seal of a round that a node would sign: the model it made of the cut, and what its own hold-out says of it. */
import type { Digest } from '../../../base/index.ts';
import type { UpdateFacts } from '../../../gossip/index.ts';
import type { WrittenModel } from '../../../weights/index.ts';
import type { Cut, Seal } from '../../../wire/index.ts';
import type { RoundContext } from '../../round-protocol.ts';

/** The node's own seal, and whether its hold-out refuses that model. */
export interface AveragedCut {
  readonly seal: Seal;
  readonly isRefused: boolean;
}

/** A model that this node made of a cut. */
export interface MadeModel {
  readonly model: WrittenModel;
  /** Its name in the store, which it loses when it is kept. */
  readonly into: string;
  /** Name of the model that the round began with. */
  readonly base: string;
}

/**
 * Judges and keeps the model.
 *
 * @param factsOf what the envelope of an update says
 * @returns null when the round went on meanwhile: others have sealed it, and what this node made of it is of no use
 */
export async function sealOf(
  context: RoundContext,
  cut: Cut,
  { model, into, base }: MadeModel,
  factsOf: (env: Digest) => UpdateFacts | null,
): Promise<AveragedCut | null> {
  const { open, stage, models, settings } = context;
  const loss = await models.holdOutLoss(stage, model.digest, into);
  const baseLoss = await models.holdOutLoss(stage, open.base, base);
  const total = cut.updates.reduce((sum, { n }) => sum + n, 0);
  // Weighted mean of the signed training losses, rounded down: the same on every node.
  const lossOf = (env: Digest): number => factsOf(env)?.metricsMilli.loss ?? 0;
  const lossSum = cut.updates.reduce((sum, { env, n }) => sum + lossOf(env) * n, 0);
  const metrics = { lossMilli: Math.floor(lossSum / total), updates: cut.updates.length };
  const seal: Seal = { op: 'SEAL', r: open.r, agg: model.digest, W: total, metrics };
  const isRefused = isWorse(loss, baseLoss, settings.lossFactorMax);
  if (!context.isCurrent()) return null;
  // On the disk before this node votes for it: a sealed model is held by all who sealed it.
  if (!isRefused) await models.adopt(into, model);
  return { seal, isRefused };
}

/** A hold-out's verdict on a new model: not finite, or far worse than the model it came from. */
function isWorse(loss: number | null, baseLoss: number | null, factorMax: number): boolean {
  if (loss === null) return false;
  if (!Number.isFinite(loss)) return true;
  return baseLoss !== null && loss > Math.max(baseLoss, 1) * factorMax;
}
