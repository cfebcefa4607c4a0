/**
 * A peer between its start and its stop: what it does with messages, decided blocks, the phase that the chain is in, and
 * the clock. Everything here runs in the peer's queue, one task at a time; long work runs beside it and comes back as one.
 */
import type { Digest, NodeId } from '../base/index.ts';
import type { ConsortiumLog } from '../audit/index.ts';
import { digestOf } from '../crypto/index.ts';
import type { WalRecord } from '../consensus/index.ts';
import { membershipOf, type BlockBody, type Topic, type Verdict } from '../wire/index.ts';
import { assemble, ownKeys, type PeerParts, type PeerPieces } from './assembly.ts';
import type { ChainState } from './chain.ts';
import type { Task } from './event-queue.ts';
import { MemberNews } from './member-news.ts';
import type { Admitted } from './message-gate.ts';
import type { PeerMessage } from './peer-messages.ts';
import type { PendingManifests, Submission } from './pending-manifests.ts';
import type { Recovered } from './recovery.ts';
import type { Restarts, RestartVersion } from './restarts.ts';

/** Between two times that members hear of a manifest which waits, ticks. */
const announceTicks = 10;

/** See the file's header. One object is one epoch: when the members change, the peer makes another over the same disk. */
export class RunningPeer {
  /** Bytes of the log's files, for those who verify. */
  readonly log: ConsortiumLog;
  readonly #pending: PendingManifests;
  readonly #restarts: Restarts;
  readonly #onEpoch: () => Promise<void>;
  readonly #parts: PeerParts;
  readonly #pieces: PeerPieces;
  readonly #records: readonly WalRecord[];
  readonly #isAuthor: boolean;
  readonly #members: MemberNews;
  #isDone = false;
  /** The members have changed: another one goes on from the disk. */
  #isOver = false;
  #ticks = 0;

  /**
   * @param held what the disk held
   * @param onEpoch a block was applied that changes the members; this object does nothing more
   */
  constructor(parts: PeerParts, held: Recovered, onEpoch: () => Promise<void>) {
    this.log = held.log;
    this.#parts = parts;
    this.#records = held.records;
    this.#pending = held.pending;
    this.#restarts = held.restarts;
    this.#onEpoch = onEpoch;
    this.#isAuthor = ownKeys(parts).isAuthor;
    held.pending.attach({
      post: (task) => {
        this.#post(async () => {
          await task();
          await this.#askAgain();
        });
      },
      refuse: (from, reason) => {
        parts.checks.refuse(from, reason);
      },
      stageIndex: () => this.state.stageIndex,
    });
    this.#members = new MemberNews(parts.options.onEvent);
    if (held.isRetired) parts.options.onEvent({ kind: 'retired' });
    this.#pieces = assemble(parts, held, {
      post: (task) => {
        this.#post(task);
      },
      askAgain: () => this.#askAgain(),
      onDecided: (decision) => {
        this.#pieces.chain.add(decision);
        this.#post(() => this.#applyDecided());
      },
      onEnvelopes: () => {
        this.#post(() => this.#applyDecided());
      },
      onApplied: (before, body) => this.#applied(before, body),
    });
  }

  /** The chain as this node has applied it. */
  get state(): ChainState {
    return this.#pieces.chain.state;
  }

  /** Whether this node signs votes. */
  get isVoter(): boolean {
    return this.#pieces.consensus.isVoter;
  }

  /** Goes on where the chain stands; the first tick follows. */
  begin(): void {
    this.#post(async () => {
      await this.#pieces.consensus.start(this.#records);
      if (await this.#restart()) return;
      await this.#pursue();
      this.#pieces.housekeeper.tidy(this.state);
    });
    this.#tick();
  }

  /** Runs a task in the peer's queue, unless another epoch has begun until then. */
  #post(task: Task): void {
    this.#parts.queue.post(() => (this.#isOver ? undefined : task()));
  }

  /** An operator hands in the next version of the manifest. */
  async submit(bytes: Uint8Array): Promise<Submission> {
    const restart = this.#restarts.read(bytes);
    if (restart !== null) return this.#submitRestart(restart);
    const submission = await this.#pending.submit(bytes);
    if (submission.kind === 'pending') {
      this.#announce();
      await this.#askAgain();
    }
    return submission;
  }

  async #submitRestart(restart: RestartVersion): Promise<Submission> {
    const { chain } = this.#pieces;
    const { version } = restart.manifest;
    const { height } = restart.manifest.restart;
    const verdict = await this.#restarts.judge(restart, chain.state, chain.isLevel);
    if (verdict.kind === 'refused') return verdict;
    const facts = { version, digest: digestOf(restart.bytes) };
    await this.#restarts.keep(restart);
    if (verdict.kind === 'wait') {
      this.#tellRestart(restart, null);
      return { kind: 'waiting', ...facts, height };
    }
    await this.#restart();
    return { kind: 'decided', ...facts, height: height + 1 };
  }

  /** Goes on by the restart that waits, if the log has come to its block. @returns whether another epoch has begun */
  async #restart(): Promise<boolean> {
    const { chain } = this.#pieces;
    const { waiting } = this.#restarts;
    if (waiting === null || this.#isOver) return false;
    const verdict = await this.#restarts.judge(waiting, chain.state, chain.isLevel);
    if (verdict.kind === 'refused') {
      await this.#restarts.drop(verdict.reason, verdict.advice);
      this.#tellRestart(waiting, verdict);
    }
    if (verdict.kind !== 'enter') return false;
    await chain.restart(waiting);
    return true;
  }

  #tellRestart(
    { manifest }: RestartVersion,
    refusal: { readonly reason: string; readonly advice: string } | null,
  ): void {
    const { version, restart } = manifest;
    const { height } = restart;
    this.#parts.options.onEvent({ kind: 'restart', version, height, refusal });
  }

  /** Tells the members of the versions that wait. */
  #announce(): void {
    for (const { digest, signed } of this.#pending.all()) {
      const { version } = signed.manifest;
      this.#pieces.outbox.broadcast({ t: 'manifest', version, digest });
    }
  }

  /** Has consensus judge and propose anew, after something that both look at has changed. */
  #askAgain(): Promise<void> | undefined {
    return this.#pieces.consensus.step({ kind: 'appChanged' });
  }

  // Messages.

  /** A message that came: judged at once, and let into the queue if it is worth it and its sender has room there. */
  receive(from: NodeId, topic: Topic, bytes: Uint8Array): Verdict {
    const { verdict, admitted } = this.#pieces.gate.judge(from, topic, bytes);
    if (admitted === null) return verdict;
    const task = (): Promise<void> | undefined =>
      this.#isOver ? undefined : this.#handle(from, admitted);
    return this.#parts.queue.offer(from, bytes.byteLength, task) ? verdict : 'ignore';
  }

  #handle(from: NodeId, admitted: Admitted): Promise<void> | undefined {
    switch (admitted.kind) {
      case 'consensus':
        return this.#pieces.consensus.take(from, admitted.bytes, admitted.checked);
      case 'checkpoint':
        return this.#pieces.checkpoints.merge(from, admitted.note).then(() => {
          this.#finish();
        });
      case 'peer':
        return this.#take(from, admitted.message);
    }
  }

  #take(from: NodeId, message: PeerMessage): Promise<void> | undefined {
    const round = this.#pieces.round.protocol;
    round?.heard(from, this.#parts.ports.clock.nowMs());
    if (message.t === 'status') {
      if (message.x !== undefined && message.x === round?.open.r) round.abstained(from);
      this.#members.heard(from, message, this.#parts.ports.clock.nowMs());
      this.#pieces.catchUp.heard(message.h, this.state.height);
      this.#pieces.checkpoints.help(from, message.s);
    } else if (message.t === 'manifest') {
      this.#pending.announced(from, message);
    } else if (message.r === round?.open.r) {
      round.take(from, message);
      return this.#askAgain();
    }
    return undefined;
  }

  // Decided blocks.

  async #applyDecided(): Promise<void> {
    if (!(await this.#pieces.chain.apply()) || this.#isOver) return;
    this.#pieces.housekeeper.tidy(this.state);
    if (await this.#restart()) return;
    await this.#pursue();
    await this.#askAgain();
  }

  async #applied(before: ChainState, body: BlockBody): Promise<void> {
    const { news, consortium } = this.#parts;
    this.#pieces.housekeeper.applied(body.h, body.log.size);
    news.logSuspensions(body, consortium);
    const round = this.#pieces.round.protocol;
    await news.tell(before, body, this.log.versions, (r, env) =>
      round?.open.r === r ? round.facts(env) : undefined,
    );
    this.#pieces.checkpoints.applied(body);
    if (membershipOf(body) === null) return;
    this.#pieces.round.close();
    this.#isOver = true;
    await this.#onEpoch();
  }

  // The phase that the chain is in.

  /** Begins what the current phase asks of this node, once per round and phase. Safe to call at any time. */
  async #pursue(): Promise<void> {
    const { queue, options, ports } = this.#parts;
    if (queue.isStopped || !this.#pieces.chain.isLevel) return;
    const { phase } = this.state;
    if (phase.kind !== 'done' && !this.#areInitialsKnown()) return;
    switch (phase.kind) {
      case 'idle':
        this.#pieces.round.close();
        await this.#askAgain();
        return;
      case 'done':
        this.#pieces.round.close();
        this.#collectModels();
        this.#finish();
        return;
      case 'open': {
        const round = this.#pieces.round.enter(phase.open, this.state);
        if (!this.#isAuthor) round.abstained(options.self);
        else if (phase.open.code === options.code) round.train();
        else {
          const facts = { round: phase.open.r };
          ports.logger.log('warn', 'a round of another program is not joined', facts);
        }
        return;
      }
      case 'cut':
        this.#pieces.round.enter(phase.open, this.state).average(phase.cut);
    }
  }

  /** Whether it is known what the stages start from; else it is computed beside the queue, and the phase taken up then. */
  #areInitialsKnown(): boolean {
    const { planModels } = this.#parts;
    if (planModels.areInitialsKnown) return true;
    planModels.computeInitials((work) => {
      this.#post(async () => {
        await work; // a failure is this peer's
        await this.#pursue();
        await this.#askAgain();
      });
    });
    return false;
  }

  #collectModels(): void {
    this.#parts.planModels.collect(this.state, () => {
      this.#post(() => {
        this.#finish();
      });
    });
  }

  /** Tells, once, that the plan is carried out, this node holds its models and a quorum has cosigned its log. */
  #finish(): void {
    const { size, root } = this.log.head;
    const isAllHere = this.log.cosignedSize === size && this.#parts.planModels.isComplete;
    if (this.#isDone || this.state.phase.kind !== 'done' || !isAllHere) return;
    this.#isDone = true;
    this.#parts.options.onEvent({ kind: 'done', treeSize: size, root });
  }

  /** What this node says of itself, for people at the other members. */
  #ownClaims(): { readonly at: number; readonly code: Digest; readonly m: number } {
    const { ports, options, consortium } = this.#parts;
    const at = Math.max(0, Math.floor(ports.clock.nowMs()));
    return { at, code: options.code, m: consortium.manifest.version };
  }

  // The clock.

  #tick(): void {
    const { timers, options } = this.#parts;
    timers.set('peer/tick', options.settings.tickMs, async () => {
      const { height: h, round: r, phase } = this.state;
      const round = this.#pieces.round.protocol;
      const abstained = round?.isAbstaining === true ? { x: round.open.r } : {};
      const s = this.log.cosignedSize;
      this.#pieces.outbox.broadcast({ t: 'status', h, r, s, ...this.#ownClaims(), ...abstained });
      round?.repeat();
      this.#pieces.checkpoints.repeat();
      if (phase.kind === 'done') this.#collectModels();
      await this.#pending.tick();
      if (this.#ticks++ % announceTicks === 0) this.#announce();
      if (this.#pieces.chain.isLevel) await this.#askAgain();
      else await this.#applyDecided();
      if (this.isVoter && this.#pieces.chain.isLevel) this.#parts.record.flushSoon();
      this.#pieces.catchUp.look(this.state.height);
      this.#tick();
    });
  }
}
