/** This node's own part of a round: it trains, and what changed becomes a signed update by the round's protocol. */
import { messageOf } from '../../base/index.ts';
import { GossipError } from '../../gossip/index.ts';
import { ownUpdateName, updateOf, workName } from '../housekeeping.ts';
import type { RoundContext } from '../round-protocol.ts';
import type { TrainingResult, WorkProgress } from '../trainer.ts';
import { LateWork } from './late-work.ts';
import { startOf } from './round-start.ts';

/** What came of the training. */
export interface TrainingOutcome {
  /** The signed envelope of the update, which is on the disk. Told in the peer's queue. */
  readonly onEnvelope: (envelope: Uint8Array) => void;
  /** There will be none: training failed, and trying again would not help. Told at once. */
  readonly onFailed: () => void;
}

/** An update that lies in the node's store under names of its own. */
export interface MadeUpdate {
  /** Signed. */
  readonly envelope: Uint8Array;
  /** Keeps the bulk as content of this round. */
  readonly keep: () => Promise<void>;
}

/** Encrypts what changed for all members and signs its envelope. @param files of the models before and after the training */
export type MakeUpdate = (
  files: { readonly start: string; readonly after: string },
  trained: TrainingResult,
) => Promise<MadeUpdate>;

/** See the file's header. */
export class OwnTraining {
  readonly #context: RoundContext;
  readonly #make: MakeUpdate;
  readonly #outcome: TrainingOutcome;
  readonly #late: LateWork;
  #hasBegun = false;
  #mustRetry = false;

  constructor(context: RoundContext, make: MakeUpdate, outcome: TrainingOutcome) {
    this.#context = context;
    this.#make = make;
    this.#outcome = outcome;
    this.#late = new LateWork(context);
  }

  /** Trains once, if this node takes part; a restarted node has the envelope that it had before. */
  begin(): void {
    const { self, open, ports, post, record } = this.#context;
    if (this.#hasBegun || !open.participants.includes(self)) return;
    this.#hasBegun = true;
    this.#mustRetry = false;
    void this.#context
      .inTurn(() => this.#trainAndSeal())
      .then(
        (envelope) => {
          if (envelope === null) return;
          post(() => {
            this.#outcome.onEnvelope(envelope);
          });
        },
        (error: unknown) => {
          // A model that nobody gave may come later. Else the others are told to go on without us, and this node
          // says why it is missing.
          const isMissing = error instanceof GossipError;
          const reason = isMissing ? 'model_missing' : 'failed';
          record.note({ event: 'training-failed', round: open.r, reason });
          if (isMissing) {
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
    const { open, stage, ports, content, record } = this.#context;
    // One update a round, also across a crash: two different ones would be equivocation.
    const remembered = ownUpdateName(open.r);
    const earlier = await ports.store.read(remembered);
    if (earlier !== null) return earlier;
    // The training of the round before may have lasted beyond this one.
    if (!this.#context.isCurrent()) return null;
    record.note({ event: 'training-started', round: open.r, base: open.base });
    const start = await startOf(this.#context);
    await ports.trainer.prepare(stage, await this.#context.teachers(), this.#reporter('prepare'));
    const { after, trained, tookMs } = await this.#learn(start);
    if (this.#context.isStopped()) return null;
    const { dataset, samples } = trained;
    record.note({ event: 'training-finished', round: open.r, dataset, samples });
    const { envelope, keep } = await this.#make({ start, after }, trained);
    // A peer that was stopped, and perhaps started again over this disk, must not leave a second update here.
    if (this.#context.isStopped()) return null;
    await this.#late.keep(after, trained, tookMs);
    if (!this.#context.isCurrent()) {
      record.note({ event: 'work-unsealed', round: open.r, dataset });
      return null;
    }
    await keep();
    await content.put(envelope, updateOf(open.r));
    await ports.store.write(remembered, envelope);
    return envelope;
  }

  /** Trains, from where a late round left this node if there is one; without time for it, that is what is told. */
  async #learn(start: string): Promise<{
    readonly after: string;
    readonly trained: TrainingResult;
    readonly tookMs: number;
  }> {
    const { open, stage, ports, roundsSealed } = this.#context;
    const carried = await this.#late.carryTo(start);
    const late = carried === null ? {} : { lateRounds: carried.lateRounds * 1000 };
    const withLate = (trained: TrainingResult): TrainingResult => {
      return { ...trained, metricsMilli: { ...trained.metricsMilli, ...late } };
    };
    const begunMs = ports.clock.nowMs();
    if (carried !== null && begunMs + carried.tookMs > open.deadline) {
      const { name: after, trained, tookMs } = carried;
      return { after, trained: withLate(trained), tookMs };
    }
    const after = workName(open.r, 'trained');
    const from = carried?.name ?? start;
    const job = { stage, round: open.r, roundsSealed, start: from, into: after, hp: open.hp };
    const trained = await ports.trainer.train(job, this.#reporter('train'));
    return { after, trained: withLate(trained), tookMs: Math.round(ports.clock.nowMs() - begunMs) };
  }

  #reporter(work: 'prepare' | 'train'): (progress: WorkProgress) => void {
    const { open, onEvent } = this.#context;
    return (progress) => {
      onEvent({ kind: 'working', round: open.r, work, progress });
    };
  }
}
