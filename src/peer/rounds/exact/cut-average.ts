/** The average of a decided cut on one node, and what its own hold-out says of it. */
import { messageOf, type Digest } from '../../../base/index.ts';
import { roundAverage } from '../../../gossip/index.ts';
import { modelDigest } from '../../../weights/index.ts';
import type { Cut, Seal } from '../../../wire/index.ts';
import type { RoundContext } from '../../round-protocol.ts';
import { ruleOf, startOf } from './round-start.ts';
import type { RoundUpdates } from './round-updates.ts';

/** The node's own seal, and whether its hold-out refuses that model. */
export interface AveragedCut {
  readonly seal: Seal;
  readonly isRefused: boolean;
}

/** See the file's header. */
export class CutAverage {
  readonly #context: RoundContext;
  readonly #updates: RoundUpdates;
  #cut: Cut | null = null;
  #isUnderWay = false;
  #result: AveragedCut | null = null;

  constructor(context: RoundContext, updates: RoundUpdates) {
    this.#context = context;
    this.#updates = updates;
  }

  /** Whether a cut was decided. */
  get isDue(): boolean {
    return this.#cut !== null;
  }

  /** The average, once it is there. */
  get result(): AveragedCut | null {
    return this.#result;
  }

  /** Takes the decided cut, and averages it as soon as all its updates are here. */
  begin(cut: Cut): void {
    this.#cut ??= cut;
    this.goOn();
  }

  /** One more update may be here, or the time has come to try again. */
  goOn(): void {
    const cut = this.#cut;
    if (cut === null || this.#isUnderWay) return;
    for (const update of cut.updates) this.#updates.obtainDecided(update);
    const values = cut.updates.map(({ env }) => this.#updates.values(env));
    if (!values.every((one) => one !== null)) return;
    this.#isUnderWay = true;
    void this.#meanOf(cut, values).then(
      (average) => {
        this.#context.post(() => {
          this.#result = average;
        });
      },
      (error: unknown) => {
        this.#isUnderWay = false; // the tick tries again
        const facts = { round: cut.r, reason: messageOf(error) };
        this.#context.ports.logger.log('error', 'averaging failed', facts);
      },
    );
  }

  async #meanOf(cut: Cut, values: readonly Int32Array[]): Promise<AveragedCut> {
    const { open, stage, models, settings } = this.#context;
    const base = await models.obtain(stage, open.base);
    const updates = cut.updates.flatMap(({ env, n: weight }, index) => {
      const [update, facts] = [values[index], this.#updates.facts(env)];
      if (update === undefined || facts === null) return [];
      return [{ values: update, weight, heads: facts.heads }];
    });
    const weights = roundAverage(await startOf(this.#context), updates, ruleOf(this.#context));
    const agg = modelDigest(weights);
    const loss = await models.holdOutLoss(stage, agg, weights);
    const baseLoss = await models.holdOutLoss(stage, open.base, base);
    const total = cut.updates.reduce((sum, { n }) => sum + n, 0);
    const metrics = { lossMilli: this.#meanLossMilli(cut, total), updates: cut.updates.length };
    const seal: Seal = { op: 'SEAL', r: open.r, agg, W: total, metrics };
    const isRefused = isWorse(loss, baseLoss, settings.lossFactorMax);
    // On the disk before this node votes for it: a sealed model is held by all who sealed it.
    if (!isRefused) await models.keep(weights);
    return { seal, isRefused };
  }

  /** Weighted mean of the signed training losses, rounded down: the same on every node. */
  #meanLossMilli(cut: Cut, total: number): number {
    const lossOf = (env: Digest): number => this.#updates.facts(env)?.metricsMilli.loss ?? 0;
    const sum = cut.updates.reduce((s, { env, n }) => s + lossOf(env) * n, 0);
    return Math.floor(sum / total);
  }
}

/** A hold-out's verdict on a new model: not finite, or far worse than the model it came from. */
function isWorse(loss: number | null, baseLoss: number | null, factorMax: number): boolean {
  if (loss === null) return false;
  if (!Number.isFinite(loss)) return true;
  return baseLoss !== null && loss > Math.max(baseLoss, 1) * factorMax;
}
