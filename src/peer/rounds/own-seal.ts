/** The seal of a round that a node would sign: the model it made of the cut, and what its own hold-out says of it. */
import { equalBytes, type Digest } from '../../base/index.ts';
import type { UpdateFacts } from '../../gossip/index.ts';
import type { WrittenModel } from '../../weights/index.ts';
import { encodeCanonical, type Cut, type Seal } from '../../wire/index.ts';
import type { Judgement } from '../local-view.ts';
import type { RoundContext } from '../round-protocol.ts';
import { cutSums } from './cut-sums.ts';
import { isRefusedByHoldOut } from './hold-out.ts';

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
  const { open, models } = context;
  const isRefused = await isRefusedByHoldOut(context, { digest: model.digest, name: into, base });
  const seal: Seal = { op: 'SEAL', r: open.r, agg: model.digest, ...cutSums(cut, factsOf) };
  if (!context.isCurrent()) return null;
  // On the disk before this node votes for it: a sealed model is held by all who sealed it.
  if (!isRefused) await models.adopt(into, model);
  return { seal, isRefused };
}

/** A seal of a model that everybody computes to the same bytes. @param own what this node has computed; null while it does */
export function judgeSameSeal(seal: Seal, own: AveragedCut | null): Judgement {
  if (own === null) return 'wait';
  if (!equalBytes(encodeCanonical(seal), encodeCanonical(own.seal))) return 'reject';
  // Hold-outs differ: waiting paces the views, where rejecting would burn through them until the cut is overdue.
  return own.isRefused ? 'wait' : 'accept';
}
