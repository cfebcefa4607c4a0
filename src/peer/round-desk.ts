/**
 * One round on one node: its own training, the updates of others, and the average. Long work runs beside the peer's
 * queue and comes back through `post`. In one file because training, receipts and the average share the one book.
 */
import { fromUtf8, messageOf, utf8, type Digest, type NodeId } from '../base/index.ts';
import {
  openUpdate,
  sealUpdate,
  UpdateBook,
  GossipError,
  type BlobShelf,
  type UpdateFacts,
} from '../gossip/index.ts';
import {
  modelDigest,
  roundAverage,
  roundStart,
  roundUpdate,
  segmentsOf,
  type AveragingRule,
  type ModelWeights,
} from '../weights/index.ts';
import {
  limits as wireLimits,
  type Cut,
  type CutUpdate,
  type Open,
  type PlanStage,
  type Seal,
  type SignedManifest,
} from '../wire/index.ts';
import type { Judgement, LocalView } from './block-rules.ts';
import type { PeerEvent } from './events.ts';
import type { ModelShelf } from './model-shelf.ts';
import type { PeerMessage, ReceiptsMessage, UpdateMessage } from './peer-messages.ts';
import type { PeerKeys, PeerPorts } from './ports.ts';
import type { PeerSettings } from './settings.ts';
import { outerStepOf } from './stage-rules.ts';
import type { WorkProgress } from './trainer.ts';

/** What a desk needs of its peer. */
export interface RoundDeskOptions {
  readonly open: Open;
  readonly stage: PlanStage;
  readonly roundsSealed: number;
  /** The model that the round's base came from; null in a stage's first round. */
  readonly before: Digest | null;
  readonly self: NodeId;
  readonly consortium: SignedManifest;
  readonly keys: PeerKeys;
  readonly ports: PeerPorts;
  readonly shelf: BlobShelf;
  readonly models: ModelShelf;
  readonly settings: PeerSettings;
  /** Sealed models of the stages before. */
  readonly teachers: () => Promise<Map<string, ModelWeights>>;
  readonly onEvent: (event: PeerEvent) => void;
  /** Runs a task in the peer's queue, while this round is still the current one. */
  readonly post: (task: () => Promise<void> | void) => void;
  /** Whether this round is still the current one of a running peer. */
  readonly isCurrent: () => boolean;
  readonly send: (message: PeerMessage) => void;
  /** An author signed different envelopes for one round. */
  readonly onTwoUpdates: (author: NodeId, round: number, envelopes: Uint8Array[]) => void;
}

/** Receipts in one message. */
const receiptsMax = wireLimits.membersMax;

interface Average {
  readonly seal: Seal;
  readonly isRefused: boolean;
}

/** See the file's header. */
export class RoundDesk implements Pick<
  LocalView,
  'certified' | 'judgeUpdate' | 'certifiedForMs' | 'isSilent' | 'aggregate'
> {
  readonly open: Open;
  readonly #options: RoundDeskOptions;
  readonly #book: UpdateBook;
  readonly #heardAtMs = new Map<NodeId, number>();
  readonly #fetching = new Set<Digest>();
  /** Participants that said they have no update for this round. */
  readonly #abstaining = new Set<NodeId>();
  readonly #openedAtMs: number;
  #ownEnvelope: Uint8Array | null = null;
  #isTraining = false;
  #mustRetryTraining = false;
  #areReceiptsDue = false;
  #isAveraging = false;
  #average: Average | null = null;

  constructor(options: RoundDeskOptions) {
    this.open = options.open;
    this.#options = options;
    this.#book = new UpdateBook(options.consortium, options.open);
    this.#openedAtMs = options.ports.clock.nowMs();
  }

  // What the rules of blocks ask.

  certified(): readonly CutUpdate[] {
    return this.#book.certified();
  }

  judgeUpdate(update: CutUpdate): Judgement {
    if (!this.#book.isCertified(update)) return 'reject';
    const facts = this.#book.facts(update.env);
    if (facts === null) {
      this.#obtainEnvelope(update.env, update.peer);
      return 'wait';
    }
    const isSame =
      facts.author === update.peer && facts.upd === update.upd && facts.weight === update.n;
    return isSame ? 'accept' : 'reject';
  }

  certifiedForMs(peer: NodeId): number | null {
    return this.#book.certifiedForMs(peer, this.#options.ports.clock.nowMs());
  }

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

  envelope(env: Digest): Uint8Array | null {
    return this.#book.envelope(env);
  }

  metricsOf(env: Digest): Readonly<Record<string, number>> {
    return this.#book.facts(env)?.metricsMilli ?? {};
  }

  take(from: NodeId, message: UpdateMessage | ReceiptsMessage): void {
    const { logger, clock } = this.#options.ports;
    if (message.t === 'receipts') {
      this.#book.takeReceipts(from, message.receipts, clock.nowMs());
      return;
    }
    try {
      this.#takeEnvelope(utf8(message.envelope));
    } catch (error) {
      if (!(error instanceof GossipError)) throw error;
      logger.log('warn', 'update refused', { from, reason: messageOf(error) });
    }
  }

  /** Sends again what gossip may have lost: our update until a quorum holds it, and our receipts. */
  repeat(): void {
    if (this.#average !== null) return;
    const { self } = this.#options;
    if (this.#ownEnvelope !== null && this.#book.certifiedForMs(self, 0) === null) {
      this.#sendEnvelope(this.#ownEnvelope);
    }
    this.#sendReceipts();
    for (const facts of this.#book.pending()) this.#obtainBulk(facts);
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
          this.#ownEnvelope = envelope;
          this.#takeEnvelope(envelope);
          this.#sendEnvelope(envelope);
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
    const remembered = `own/${this.open.r}.env`;
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
    await shelf.put(sealed.ciphertext);
    await shelf.put(sealed.envelope);
    await ports.store.write(remembered, sealed.envelope);
    return sealed.envelope;
  }

  #reporter(work: 'prepare' | 'train'): (progress: WorkProgress) => void {
    return (progress) => {
      this.#options.onEvent({ kind: 'working', round: this.open.r, work, progress });
    };
  }

  #sendEnvelope(envelope: Uint8Array): void {
    this.#options.send({ t: 'update', r: this.open.r, envelope: fromUtf8(envelope) });
  }

  // Others' updates.

  #takeEnvelope(bytes: Uint8Array, isNamed = false): void {
    const facts = this.#book.takeEnvelope(bytes, isNamed);
    if (facts === null) return;
    const envelopes = this.#book.envelopesOf(facts.author);
    if (envelopes.length > 1) this.#options.onTwoUpdates(facts.author, this.open.r, envelopes);
    this.#obtainBulk(facts);
  }

  /** Fetches an envelope that a certified cut names. */
  #obtainEnvelope(env: Digest, from: NodeId): void {
    this.#once(env, async () => {
      const bytes = await this.#options.shelf.obtain(env, wireLimits.entryBytesMax, from);
      this.#options.post(() => {
        try {
          this.#takeEnvelope(bytes, true);
        } catch (error) {
          if (!(error instanceof GossipError)) throw error;
          const facts = { from, reason: messageOf(error) };
          this.#options.ports.logger.log(
            'error',
            'a cut names an update that does not hold',
            facts,
          );
        }
      });
    });
  }

  /** Fetches, opens and acknowledges the bulk of an update. */
  #obtainBulk(facts: UpdateFacts): void {
    const { shelf, consortium, keys, self, ports, stage, models } = this.#options;
    const { author, env, upd, statement } = facts;
    this.#once(upd, async () => {
      // A receipt says that this node holds both, on its disk.
      const envelope = this.#book.envelope(env);
      if (envelope !== null) await shelf.put(envelope);
      const ciphertext = await shelf.obtain(upd, statement.updateBytes, author);
      const segments = segmentsOf(await models.initial(stage));
      const { sealPrivate } = keys;
      let values: Int32Array;
      try {
        values = await openUpdate({
          consortium,
          facts,
          recipient: self,
          ciphertext,
          segments,
          sealPrivate,
        });
      } catch (error) {
        if (error instanceof GossipError) this.#book.spoil(env);
        throw error;
      }
      this.#options.post(() => {
        this.#book.opened(env, values, self, keys.consensus, ports.clock.nowMs());
        this.#sendReceiptsSoon();
        if (this.#waitingCut !== null) this.average(this.#waitingCut);
      });
    });
  }

  /** One message for the receipts of updates that come close together: each message goes to every member. */
  #sendReceiptsSoon(): void {
    const { ports, settings } = this.#options;
    if (this.#areReceiptsDue) return;
    this.#areReceiptsDue = true;
    ports.clock.setTimer(settings.receiptDelayMs, () => {
      this.#options.post(() => {
        this.#areReceiptsDue = false;
        this.#sendReceipts();
      });
    });
  }

  #sendReceipts(): void {
    const { self, send } = this.#options;
    const receipts = this.#book.receiptsOf(self);
    for (let at = 0; at < receipts.length; at += receiptsMax) {
      send({ t: 'receipts', r: this.open.r, receipts: receipts.slice(at, at + receiptsMax) });
    }
  }

  /** Runs a fetch unless one for the same blob is under way; a failed one is tried again at the next tick. */
  #once(digest: Digest, work: () => Promise<void>): void {
    if (this.#fetching.has(digest)) return;
    this.#fetching.add(digest);
    void work()
      .catch((error: unknown) => {
        const facts = { round: this.open.r, reason: messageOf(error) };
        this.#options.ports.logger.log('warn', 'an update is not here yet', facts);
      })
      .finally(() => {
        this.#fetching.delete(digest);
      });
  }

  // The average.

  #waitingCut: Cut | null = null;

  /** Averages the cut as soon as all its updates are here, once. */
  average(cut: Cut): void {
    if (this.#isAveraging) return;
    this.#waitingCut = cut;
    for (const { env, peer } of cut.updates) {
      if (this.#book.facts(env) === null) this.#obtainEnvelope(env, peer);
    }
    const values = cut.updates.map(({ env }) => this.#book.values(env));
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
      const [update, facts] = [values[index], this.#book.facts(env)];
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
    const { momentum } = outerStepOf(stage);
    const base = await models.obtain(stage, this.open.base);
    if (before === null || momentum === 0) return base;
    return roundStart(base, await models.obtain(stage, before), momentum);
  }

  #rule(): AveragingRule {
    const { stage, consortium } = this.#options;
    const { limits, members } = consortium.manifest;
    const { weightMax, clampMicro } = limits;
    const { samplesCap } = stage;
    const { rate: outerRate } = outerStepOf(stage);
    const clamp = clampMicro / 1e6;
    return { memberCount: members.length, clamp, weightMax, samplesCap, outerRate };
  }

  /** Weighted mean of the signed training losses, rounded down: the same on every node. */
  #meanLossMilli(cut: Cut, total: number): number {
    const sum = cut.updates.reduce((s, { env, n }) => s + (this.metricsOf(env).loss ?? 0) * n, 0);
    return Math.floor(sum / total);
  }
}

/** A hold-out's verdict on a new model: not finite, or far worse than the model it came from. */
function isWorse(loss: number | null, baseLoss: number | null, factorMax: number): boolean {
  if (loss === null) return false;
  if (!Number.isFinite(loss)) return true;
  return baseLoss !== null && loss > Math.max(baseLoss, 1) * factorMax;
}
