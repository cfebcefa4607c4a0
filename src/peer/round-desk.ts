/**
 * One round on one node: its own training, the updates of all, and the average. Long work runs beside the peer's queue and
 * comes back through `post`. In one file because training and the average share the round's start and rule.
 */
import { messageOf, type Digest, type NodeId } from '../base/index.ts';
import {
  GossipError,
  averagingRule,
  sealUpdate,
  roundAverage,
  roundStart,
  roundUpdate,
  segmentsOf,
  type AveragingRule,
} from '../gossip/index.ts';
import { modelDigest, type ModelWeights } from '../weights/index.ts';
import type { Cut, PlanStage, Seal } from '../wire/index.ts';
import type { LocalView } from './block-rules.ts';
import type { PeerEvent } from './events.ts';
import { ownUpdateName } from './housekeeping.ts';
import type { ModelShelf } from './model-shelf.ts';
import type { RoundMessage } from './peer-messages.ts';
import type { PeerKeys, PeerPorts } from './ports.ts';
import type { PeerSettings } from './settings.ts';
import type { WorkProgress } from './trainer.ts';
import { UpdateDesk, type UpdateDeskOptions } from './update-desk.ts';

/** What a desk needs of its peer. */
export interface RoundDeskOptions extends UpdateDeskOptions {
  readonly stage: PlanStage;
  readonly roundsSealed: number;
  /** The model that the round's base came from; null in a stage's first round. */
  readonly before: Digest | null;
  readonly keys: PeerKeys;
  readonly ports: PeerPorts;
  readonly models: ModelShelf;
  readonly settings: PeerSettings;
  /** Sealed models of the stages before. */
  readonly teachers: () => Promise<Map<string, ModelWeights>>;
  readonly onEvent: (event: PeerEvent) => void;
  /** Whether this round is still the current one of a running peer. */
  readonly isCurrent: () => boolean;
}

interface Average {
  readonly seal: Seal;
  readonly isRefused: boolean;
}

/** See the file's header. */
export class RoundDesk implements Pick<LocalView, 'isSilent' | 'aggregate'> {
  readonly open: RoundDeskOptions['open'];
  /** The updates of this round. */
  readonly updates: UpdateDesk;
  readonly #options: RoundDeskOptions;
  readonly #heardAtMs = new Map<NodeId, number>();
  /** Participants that said they have no update for this round. */
  readonly #abstaining = new Set<NodeId>();
  readonly #openedAtMs: number;
  #isTraining = false;
  #mustRetryTraining = false;
  #isAveraging = false;
  #average: Average | null = null;

  constructor(options: RoundDeskOptions) {
    this.open = options.open;
    this.#options = options;
    this.updates = new UpdateDesk(options, {
      segments: async () => segmentsOf(await options.models.initial(options.stage)),
      onOpened: () => {
        if (this.#waitingCut !== null) this.average(this.#waitingCut);
      },
    });
    this.#openedAtMs = options.ports.clock.nowMs();
  }

  // What the rules of blocks ask.

  isSilent(peer: NodeId): boolean {
    if (this.#abstaining.has(peer)) return true;
    if (peer === this.#options.self) return false;
    const heardAtMs = this.#heardAtMs.get(peer) ?? this.#openedAtMs;
    return this.#options.ports.clock.nowMs() - heardAtMs > this.#options.settings.silenceMs;
  }

  aggregate(): { readonly seal: Seal; readonly isRefused: boolean } | null {
    return this.#average;
  }

  // What the peer tells.

  heard(from: NodeId, nowMs: number): void {
    this.#heardAtMs.set(from, nowMs);
  }

  /** The participant has no update for this round: nobody need wait for it. */
  abstained(from: NodeId): void {
    this.#abstaining.add(from);
  }

  /** Whether this node has no update for this round, because its training failed. */
  get isAbstaining(): boolean {
    return this.#abstaining.has(this.#options.self);
  }

  take(from: NodeId, message: RoundMessage): void {
    this.updates.take(from, message);
  }

  /** Says again what may have been lost, and tries again what could not be done. */
  repeat(): void {
    if (this.#average !== null) return;
    this.updates.repeat(this.#waitingCut !== null);
    if (this.#waitingCut !== null) this.average(this.#waitingCut);
    else if (this.#mustRetryTraining) this.train();
  }

  // Training.

  /** Trains and announces, once; a restarted node announces again what it had announced. */
  train(): void {
    const { self, ports } = this.#options;
    if (this.#isTraining || !this.open.participants.includes(self)) return;
    this.#isTraining = true;
    this.#mustRetryTraining = false;
    void this.#trainAndSeal().then(
      (envelope) => {
        if (envelope === null) return;
        this.#options.post(() => {
          this.updates.announce(envelope);
          this.#options.onEvent({ kind: 'announced', round: this.open.r });
        });
      },
      (error: unknown) => {
        // A model that nobody gave may come later. Else the others are told to go on without us, and this node
        // says why it is missing.
        if (error instanceof GossipError) {
          this.#isTraining = false;
          this.#mustRetryTraining = true;
        } else {
          this.#abstaining.add(this.#options.self);
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
    const { stage, self, consortium, keys, ports, shelf, roundsSealed } = this.#options;
    // One update a round, also across a crash: two different ones would be equivocation.
    const remembered = ownUpdateName(this.open.r);
    const earlier = await ports.store.read(remembered);
    if (earlier !== null) return earlier;
    const base = await this.#start();
    await ports.trainer.prepare(stage, await this.#options.teachers(), this.#reporter('prepare'));
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
    if (!this.#options.isCurrent()) return null;
    await shelf.put(sealed.ciphertext, { round: this.open.r, kind: 'update' });
    await shelf.put(sealed.envelope, null);
    await ports.store.write(remembered, sealed.envelope);
    return sealed.envelope;
  }

  #reporter(work: 'prepare' | 'train'): (progress: WorkProgress) => void {
    return (progress) => {
      this.#options.onEvent({ kind: 'working', round: this.open.r, work, progress });
    };
  }

  // The average.

  #waitingCut: Cut | null = null;

  /** Averages the cut as soon as all its updates are here, once. */
  average(cut: Cut): void {
    if (this.#isAveraging) return;
    this.#waitingCut = cut;
    for (const update of cut.updates) this.updates.obtainDecided(update);
    const values = cut.updates.map(({ env }) => this.updates.values(env));
    if (!values.every((one) => one !== null)) return;
    this.#isAveraging = true;
    void this.#meanOf(cut, values).then(
      (average) => {
        this.#options.post(() => {
          this.#average = average;
        });
      },
      (error: unknown) => {
        this.#isAveraging = false; // the tick tries again
        const facts = { round: this.open.r, reason: messageOf(error) };
        this.#options.ports.logger.log('error', 'averaging failed', facts);
      },
    );
  }

  async #meanOf(cut: Cut, values: readonly Int32Array[]): Promise<Average> {
    const { stage, models, settings } = this.#options;
    const base = await models.obtain(stage, this.open.base);
    const updates = cut.updates.flatMap(({ env, n: weight }, index) => {
      const [update, facts] = [values[index], this.updates.facts(env)];
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
    const { stage, models, before } = this.#options;
    const { outerMomentum } = this.#rule();
    const base = await models.obtain(stage, this.open.base);
    if (before === null || outerMomentum === 0) return base;
    return roundStart(base, await models.obtain(stage, before), outerMomentum);
  }

  #rule(): AveragingRule {
    const { open, consortium } = this.#options;
    return averagingRule(open.rule, consortium.manifest.members.length);
  }

  /** Weighted mean of the signed training losses, rounded down: the same on every node. */
  #meanLossMilli(cut: Cut, total: number): number {
    const lossOf = (env: Digest): number => this.updates.facts(env)?.metricsMilli.loss ?? 0;
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
