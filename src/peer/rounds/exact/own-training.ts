/** This node's own part of an exact round: it trains, encrypts what changed for all members and signs the envelope. */
import { messageOf } from '../../../base/index.ts';
import { GossipError, roundUpdate, sealUpdate } from '../../../gossip/index.ts';
import { ownUpdateName } from '../../housekeeping.ts';
import type { RoundContext } from '../../round-protocol.ts';
import type { WorkProgress } from '../../trainer.ts';
import { ruleOf, startOf } from './round-start.ts';

/** What came of the training. */
export interface TrainingOutcome {
  /** The signed envelope of the update, which is on the disk. Told in the peer's queue. */
  readonly onEnvelope: (envelope: Uint8Array) => void;
  /** There will be none: training failed, and trying again would not help. Told at once. */
  readonly onFailed: () => void;
}

/** See the file's header. */
export class OwnTraining {
  readonly #context: RoundContext;
  readonly #outcome: TrainingOutcome;
  #hasBegun = false;
  #mustRetry = false;

  constructor(context: RoundContext, outcome: TrainingOutcome) {
    this.#context = context;
    this.#outcome = outcome;
  }

  /** Trains once, if this node takes part; a restarted node has the envelope that it had before. */
  begin(): void {
    const { self, open, ports, post } = this.#context;
    if (this.#hasBegun || !open.participants.includes(self)) return;
    this.#hasBegun = true;
    this.#mustRetry = false;
    void this.#trainAndSeal().then(
      (envelope) => {
        if (envelope === null) return;
        post(() => {
          this.#outcome.onEnvelope(envelope);
        });
      },
      (error: unknown) => {
        // A model that nobody gave may come later. Else the others are told to go on without us, and this node
        // says why it is missing.
        if (error instanceof GossipError) {
          this.#hasBegun = false;
          this.#mustRetry = true;
        } else {
          this.#outcome.onFailed();
        }
        const facts = { round: open.r, reason: messageOf(error) };
        ports.logger.log('error', 'local training failed', facts);
      },
    );
  }

  /** Begins again if it lacked a model the last time. */
  retry(): void {
    if (this.#mustRetry) this.begin();
  }

  /** The signed envelope, or null when the round went on meanwhile. */
  async #trainAndSeal(): Promise<Uint8Array | null> {
    const { open, stage, self, consortium, keys, ports, shelf, roundsSealed } = this.#context;
    // One update a round, also across a crash: two different ones would be equivocation.
    const remembered = ownUpdateName(open.r);
    const earlier = await ports.store.read(remembered);
    if (earlier !== null) return earlier;
    const base = await startOf(this.#context);
    await ports.trainer.prepare(stage, await this.#context.teachers(), this.#reporter('prepare'));
    const job = { stage, round: open.r, roundsSealed, base, hp: open.hp };
    const result = await ports.trainer.train(job, this.#reporter('train'));
    const update = roundUpdate(result.weights, base, result, ruleOf(this.#context));
    const { values, weight, heads, clampedCount } = update;
    const sealed = await sealUpdate({
      consortium,
      open,
      author: self,
      ...{ values, weight, heads },
      metricsMilli: { ...result.metricsMilli, clamped: Math.min(clampedCount, 2_000_000) * 1000 },
      dataset: result.dataset,
      logSigner: keys.log,
      sealing: ports.crypto.sealing,
    });
    // A peer that was stopped, and perhaps started again over this disk, must not leave a second update here.
    if (!this.#context.isCurrent()) return null;
    await shelf.put(sealed.ciphertext, { round: open.r, kind: 'update' });
    await shelf.put(sealed.envelope, null);
    await ports.store.write(remembered, sealed.envelope);
    return sealed.envelope;
  }

  #reporter(work: 'prepare' | 'train'): (progress: WorkProgress) => void {
    const { open, onEvent } = this.#context;
    return (progress) => {
      onEvent({ kind: 'working', round: open.r, work, progress });
    };
  }
}
