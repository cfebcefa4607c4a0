/** The average of a decided cut on one node, from the updates of all. */
import { messageOf } from '../../../base/index.ts';
import { GossipError, type UpdateFile } from '../../../gossip/index.ts';
import type { WrittenModel } from '../../../weights/index.ts';
import type { Cut } from '../../../wire/index.ts';
import { workName } from '../../housekeeping.ts';
import type { RoundContext } from '../../round-protocol.ts';
import { sealOf, type AveragedCut } from '../own-seal.ts';
import { ruleOf, startOf } from '../round-start.ts';
import type { RoundUpdates } from '../round-updates.ts';

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
    const files = cut.updates.map(({ env }) => this.#updates.file(env));
    if (!files.every((one) => one !== null)) return;
    this.#isUnderWay = true;
    void this.#meanOf(cut, files).then(
      (average) => {
        if (average === null) return;
        this.#context.post(() => {
          this.#result = average;
        });
      },
      (error: unknown) => {
        if (!this.#context.isCurrent()) return;
        this.#isUnderWay = false; // the tick tries again
        const facts = { round: cut.r, reason: messageOf(error) };
        this.#context.ports.logger.log('error', 'averaging failed', facts);
      },
    );
  }

  /** Null when the round went on meanwhile: others have sealed it, and what this node made of it is of no use. */
  async #meanOf(cut: Cut, files: readonly UpdateFile[]): Promise<AveragedCut | null> {
    const { stage, open, models } = this.#context;
    const base = await models.obtain(stage, open.base);
    const into = workName(cut.r, 'average');
    const model = await this.#averaged(cut, files, into);
    return sealOf(this.#context, cut, { model, into, base }, (env) => this.#updates.facts(env));
  }

  /** @throws {GossipError} 'blob_mismatch' when the file of an update is damaged: it has been mended then */
  async #averaged(cut: Cut, updates: readonly UpdateFile[], into: string): Promise<WrittenModel> {
    const { stage, models, ports } = this.#context;
    const layout = await models.layout(stage);
    const start = await startOf(this.#context);
    const rule = ruleOf(this.#context);
    const outcome = await ports.averager.average({ layout, start, updates, rule, into });
    if (outcome.kind === 'averaged') return outcome.model;
    const { digest } = outcome;
    for (const { env, upd } of cut.updates) if (upd === digest) await this.#updates.mend(env);
    throw new GossipError(
      { code: 'blob_mismatch', digest, from: 'the disk' },
      `the update ${digest.slice(0, 12)} was damaged on the disk and is fetched again`,
    );
  }
}
