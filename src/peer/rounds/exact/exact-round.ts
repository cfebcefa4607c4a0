/**
 * A round whose average is exact: every member gets every update and averages them by itself, to the same bytes. Here is
 * the node's own training and the average; how updates come and go is in `RoundUpdates`.
 */
import { messageOf, type Digest, type NodeId } from '../../../base/index.ts';
import {
  GossipError,
  averagingRule,
  sealUpdate,
  roundAverage,
  roundStart,
  roundUpdate,
  segmentsOf,
  type AveragingRule,
  type UpdateFacts,
} from '../../../gossip/index.ts';
import { modelDigest, type ModelWeights } from '../../../weights/index.ts';
import type { Cut, CutUpdate, MessageCost, Open, Seal } from '../../../wire/index.ts';
import type { Judgement } from '../../block-rules.ts';
import { ownUpdateName } from '../../housekeeping.ts';
import type { RoundMessage } from '../../peer-messages.ts';
import type { RoundContext, RoundProtocol } from '../../round-protocol.ts';
import type { WorkProgress } from '../../trainer.ts';
import { EnvelopeCheck } from './envelope-check.ts';
import { RoundUpdates } from './round-updates.ts';

interface Average {
  readonly seal: Seal;
  readonly isRefused: boolean;
}

/** See the file's header. */
export class ExactRound implements RoundProtocol {
  readonly open: Open;
  readonly #context: RoundContext;
  readonly #updates: RoundUpdates;
  readonly #envelopeCheck: EnvelopeCheck;
  readonly #heardAtMs = new Map<NodeId, number>();
  /** Participants that said they have no update for this round. */
  readonly #abstaining = new Set<NodeId>();
  readonly #openedAtMs: number;
  #isTraining = false;
  #mustRetryTraining = false;
  #waitingCut: Cut | null = null;
  #isAveraging = false;
  #average: Average | null = null;

  constructor(context: RoundContext) {
    this.open = context.open;
    this.#context = context;
    this.#updates = new RoundUpdates(context, {
      segments: async () => segmentsOf(await context.models.initial(context.stage)),
      onOpened: () => {
        if (this.#waitingCut !== null) this.average(this.#waitingCut);
      },
    });
    this.#envelopeCheck = new EnvelopeCheck(context.consortium, context.open);
    this.#openedAtMs = context.ports.clock.nowMs();
  }

  // What the rules of blocks ask.

  certified(): readonly CutUpdate[] {
    return this.#updates.certified();
  }

  areHeldTogether(updates: readonly CutUpdate[]): boolean {
    return this.#updates.areHeldTogether(updates);
  }

  judgeUpdate(update: CutUpdate): Judgement {
    return this.#updates.judgeUpdate(update);
  }

  certifiedForMs(peer: NodeId): number | null {
    return this.#updates.certifiedForMs(peer);
  }

  isSilent(peer: NodeId): boolean {
    if (this.#abstaining.has(peer)) return true;
    if (peer === this.#context.self) return false;
    const heardAtMs = this.#heardAtMs.get(peer) ?? this.#openedAtMs;
    return this.#context.ports.clock.nowMs() - heardAtMs > this.#context.settings.silenceMs;
  }

  aggregate(): { readonly seal: Seal; readonly isRefused: boolean } | null {
    return this.#average;
  }

  envelope(env: Digest): Uint8Array | null {
    return this.#updates.envelope(env);
  }

  facts(env: Digest): UpdateFacts | null {
    return this.#updates.facts(env);
  }

  // What the peer tells.

  heard(from: NodeId, nowMs: number): void {
    this.#heardAtMs.set(from, nowMs);
  }

  abstained(from: NodeId): void {
    this.#abstaining.add(from);
  }

  get isAbstaining(): boolean {
    return this.#abstaining.has(this.#context.self);
  }

  judgeMessage(message: RoundMessage): MessageCost {
    return message.t === 'update' ? this.#envelopeCheck.judge(message.envelope) : { signatures: 0 };
  }

  take(from: NodeId, message: RoundMessage): void {
    this.#updates.take(from, message);
  }

  repeat(): void {
    if (this.#average !== null) return;
    this.#updates.repeat(this.#waitingCut !== null);
    if (this.#waitingCut !== null) this.average(this.#waitingCut);
    else if (this.#mustRetryTraining) this.train();
  }

  // Training.

  /** Trains and announces, once; a restarted node announces again what it had announced. */
  train(): void {
    const { self, ports } = this.#context;
    if (this.#isTraining || !this.open.participants.includes(self)) return;
    this.#isTraining = true;
    this.#mustRetryTraining = false;
    void this.#trainAndSeal().then(
      (envelope) => {
        if (envelope === null) return;
        this.#context.post(() => {
          this.#updates.announce(envelope);
          this.#context.onEvent({ kind: 'announced', round: this.open.r });
        });
      },
      (error: unknown) => {
        // A model that nobody gave may come later. Else the others are told to go on without us, and this node
        // says why it is missing.
        if (error instanceof GossipError) {
          this.#isTraining = false;
          this.#mustRetryTraining = true;
        } else {
          this.#abstaining.add(this.#context.self);
        }
        ports.logger.log('error', 'local training failed', {
          round: this.open.r,
          reason: messageOf(error),
        });
      },
    );
  }

  /** The signed envelope, or null when the round went on meanwhile. */
  async #trainAndSeal(): Promise<Uint8Array | null> {
    const { stage, self, consortium, keys, ports, shelf, roundsSealed } = this.#context;
    // One update a round, also across a crash: two different ones would be equivocation.
    const remembered = ownUpdateName(this.open.r);
    const earlier = await ports.store.read(remembered);
    if (earlier !== null) return earlier;
    const base = await this.#start();
    await ports.trainer.prepare(stage, await this.#context.teachers(), this.#reporter('prepare'));
    const job = { stage, round: this.open.r, roundsSealed, base, hp: this.open.hp };
    const result = await ports.trainer.train(job, this.#reporter('train'));
    const update = roundUpdate(result.weights, base, result, this.#rule());
    const { values, weight, heads, clampedCount } = update;
    const sealed = await sealUpdate({
      consortium,
      open: this.open,
      author: self,
      ...{ values, weight, heads },
      metricsMilli: { ...result.metricsMilli, clamped: Math.min(clampedCount, 2_000_000) * 1000 },
      dataset: result.dataset,
      logSigner: keys.log,
    });
    // A peer that was stopped, and perhaps started again over this disk, must not leave a second update here.
    if (!this.#context.isCurrent()) return null;
    await shelf.put(sealed.ciphertext, { round: this.open.r, kind: 'update' });
    await shelf.put(sealed.envelope, null);
    await ports.store.write(remembered, sealed.envelope);
    return sealed.envelope;
  }

  #reporter(work: 'prepare' | 'train'): (progress: WorkProgress) => void {
    return (progress) => {
      this.#context.onEvent({ kind: 'working', round: this.open.r, work, progress });
    };
  }

  // The average.

  /** Averages the cut as soon as all its updates are here, once. */
  average(cut: Cut): void {
    if (this.#isAveraging) return;
    this.#waitingCut = cut;
    for (const update of cut.updates) this.#updates.obtainDecided(update);
    const values = cut.updates.map(({ env }) => this.#updates.values(env));
    if (!values.every((one) => one !== null)) return;
    this.#isAveraging = true;
    void this.#meanOf(cut, values).then(
      (average) => {
        this.#context.post(() => {
          this.#average = average;
        });
      },
      (error: unknown) => {
        this.#isAveraging = false; // the tick tries again
        const facts = { round: this.open.r, reason: messageOf(error) };
        this.#context.ports.logger.log('error', 'averaging failed', facts);
      },
    );
  }

  async #meanOf(cut: Cut, values: readonly Int32Array[]): Promise<Average> {
    const { stage, models, settings } = this.#context;
    const base = await models.obtain(stage, this.open.base);
    const updates = cut.updates.flatMap(({ env, n: weight }, index) => {
      const [update, facts] = [values[index], this.#updates.facts(env)];
      if (update === undefined || facts === null) return [];
      return [{ values: update, weight, heads: facts.heads }];
    });
    const weights = roundAverage(await this.#start(), updates, this.#rule());
    const agg = modelDigest(weights);
    const loss = await models.holdOutLoss(stage, agg, weights);
    const baseLoss = await models.holdOutLoss(stage, this.open.base, base);
    const total = cut.updates.reduce((sum, { n }) => sum + n, 0);
    const seal: Seal = {
      op: 'SEAL',
      r: this.open.r,
      agg,
      W: total,
      metrics: { lossMilli: this.#meanLossMilli(cut, total), updates: cut.updates.length },
    };
    const isRefused = isWorse(loss, baseLoss, settings.lossFactorMax);
    // On the disk before this node votes for it: a sealed model is held by all who sealed it.
    if (!isRefused) await models.keep(weights);
    return { seal, isRefused };
  }

  /** Where all begin this round. @throws {GossipError} when nobody has a model that it follows from */
  async #start(): Promise<ModelWeights> {
    const { stage, models, before } = this.#context;
    const { outerMomentum } = this.#rule();
    const base = await models.obtain(stage, this.open.base);
    if (before === null || outerMomentum === 0) return base;
    return roundStart(base, await models.obtain(stage, before), outerMomentum);
  }

  #rule(): AveragingRule {
    const { open, consortium } = this.#context;
    return averagingRule(open.rule, consortium.manifest.members.length);
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
