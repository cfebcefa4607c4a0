/**
 * One participant: rounds made of consensus, gossip, the log and a trainer. All events go through one queue, in
 * order; long work (training, averaging, fetching) runs beside it and comes back as an event.
 *
 * In one file because every event passes the same queue. Read top to bottom: start and stop, the queue, consensus in
 * and out, decided blocks, work of a phase, the clock.
 */
import {
  invariant,
  messageOf,
  type CancelTimer,
  type Digest,
  type Height,
  type NodeId,
} from '../base/index.ts';
import {
  envelopeDigests,
  openConsortiumLog,
  type CheckedNote,
  type ConsortiumLog,
} from '../audit/index.ts';
import {
  openWal,
  recoverWal,
  SimplexMachine,
  type ConsensusEvent,
  type ConsensusMember,
  type ConsensusSettings,
  type Decision,
  type Effect,
  type DecisionQuery,
  type WriteAheadLog,
} from '../consensus/index.ts';
import { digestOf } from '../crypto/index.ts';
import { BlobShelf, readUpdate, type UpdateFacts } from '../gossip/index.ts';
import type { ModelWeights } from '../weights/index.ts';
import {
  bodyDigest,
  decodeBlockBody,
  encodeBlockBody,
  keyBytes,
  memberIndex,
  readCertificate,
  type BlockBody,
  type Json,
  type Open,
  type PlanStage,
  type SignedManifest,
  type Topic,
  type Verdict,
  limits,
} from '../wire/index.ts';
import {
  dueOps,
  judgeOps,
  noRound,
  type Judgement,
  type LocalView,
  type RuleContext,
} from './block-rules.ts';
import { advance, genesisChain, stageOf, suspendedBy, type ChainState } from './chain.ts';
import { loadSnapshot, snapshotHeights, writeSnapshot } from './chain-snapshot.ts';
import { PeerError } from './errors.ts';
import { EventQueue } from './event-queue.ts';
import type { PeerEvent, SealedRound } from './events.ts';
import { EvidenceShelf } from './evidence-shelf.ts';
import { tidyDisk } from './housekeeping.ts';
import { ModelShelf } from './model-shelf.ts';
import { MessageGate, type Admitted } from './message-gate.ts';
import { writePeerMessage, type PeerMessage } from './peer-messages.ts';
import type { RoundProtocol } from './round-protocol.ts';
import { beginRound } from './rounds/protocols.ts';
import type { PeerKeys, PeerPorts } from './ports.ts';
import type { PeerSettings } from './settings.ts';

/** Who this peer is and whom it tells. */
export interface PeerOptions {
  readonly self: NodeId;
  readonly consortium: SignedManifest;
  readonly keys: PeerKeys;
  /** Digest of the program that trains; a round of another program is not joined. */
  readonly code: Digest;
  readonly consensus: ConsensusSettings;
  readonly settings: PeerSettings;
  readonly onEvent: (event: PeerEvent) => void;
  /** Whether `start` tells again all that the log holds, for a watcher who remembers nothing. */
  readonly tellsHistory: boolean;
  /** Called once if the peer must stop: a broken promise, a key used elsewhere, a disk that fails. */
  readonly onFailure: (error: unknown) => void;
}

/** What its people must know about a node whose disk went back in time, or whose key is used twice. */
const retiredText =
  'this node does not vote any more: its key has signed votes that its disk does not have. Was the disk restored from a ' +
  'copy, or does a second machine run with the same key? It goes on training and following as an observer; to vote ' +
  'again, the member needs a new consensus key in the manifest';

/** Membership has one epoch so far. */
const epoch = 0;

/** A decided block that waits to be applied. */
interface Decided {
  readonly height: number;
  readonly decision: Decision;
  readonly body: BlockBody;
  /** What its cut names, once it was fetched. */
  envelopes: Uint8Array[] | null;
  isFetching: boolean;
}

/** See the file's header. */
export class Peer {
  readonly #ports: PeerPorts;
  readonly #options: PeerOptions;
  readonly #shelf: BlobShelf;
  readonly #models: ModelShelf;
  readonly #rules: RuleContext;
  readonly #gate: MessageGate;
  readonly #members: readonly ConsensusMember[];
  readonly #evidence: EvidenceShelf;
  readonly #timers = new Map<string, CancelTimer>();
  #log!: ConsortiumLog;
  #machine!: SimplexMachine;
  #wal: { readonly height: number; readonly file: WriteAheadLog } | null = null;
  #state: ChainState;
  #round: RoundProtocol | null = null;
  /** Decided but not yet applied, in order of height. */
  #backlog: Decided[] = [];
  /** Size of the log after each height, from the last cosigned one on. */
  #heads: { readonly height: number; readonly size: number }[] = [];
  readonly #queue: EventQueue;
  #isStopped = false;
  #isDone = false;
  #isCollecting = false;
  #isPreparing = false;
  #isTidying = false;
  /** Kinds of what was too large to be said. */
  readonly #unsaid = new Set<string>();
  /** Members whose messages were dropped because too many waited. */
  readonly #crowders = new Set<NodeId>();
  #holdsModels = false;
  /** Members whose contradicting checkpoint was told to the log. */
  readonly #forksTold = new Set<NodeId>();
  /** When a member last got our sealed checkpoint, ms since 1970. */
  readonly #helpedAtMs = new Map<NodeId, number>();
  #highestHeard = 0;
  #isBehind = false;

  constructor(ports: PeerPorts, options: PeerOptions) {
    if (memberIndex(options.consortium.manifest, options.self) < 0) {
      throw new PeerError(
        { code: 'not_a_member', node: options.self },
        `${options.self} is not a member of this consortium`,
      );
    }
    this.#ports = ports;
    this.#options = options;
    this.#queue = new EventQueue({
      failure: (error) => {
        this.#isStopped = true;
        for (const cancel of this.#timers.values()) cancel();
        options.onFailure(error);
      },
      full: (member) => {
        // Once for each member and run: what it costs its sender is on its account, which tells the rest.
        if (this.#crowders.has(member)) return;
        this.#crowders.add(member);
        const why = 'more messages than this node can take: some are dropped';
        ports.logger.log('warn', why, { from: member });
      },
    });
    this.#shelf = new BlobShelf(ports.store, ports.transport);
    this.#models = new ModelShelf(this.#shelf, ports.trainer, () => this.#state.round);
    const { manifest, cid } = options.consortium;
    this.#members = manifest.members.map(({ id, consensusKey }) => ({
      id,
      publicKey: keyBytes(consensusKey),
    }));
    this.#evidence = new EvidenceShelf(ports.store, ports.logger);
    this.#rules = {
      plan: manifest.plan,
      code: options.code,
      epoch: { cid, epoch, members: this.#members, verify: ports.crypto.verify },
      censorAfterMs: 2 * options.consensus.viewTimeoutMs,
    };
    this.#gate = new MessageGate({
      consortium: options.consortium,
      crypto: ports.crypto,
      epoch,
      height: () => this.#machine.height,
      round: () => this.#round,
      checkCosignatures: (note) => this.#log.checkCosignatures(note),
      charge: (from, cost) => {
        ports.transport.charge(from, cost);
      },
    });
    this.#state = genesisChain(this.#rules.plan);
  }

  /** The chain as this node has applied it. */
  get state(): ChainState {
    return this.#state;
  }

  /** Latest sealed model of a stage, from the disk or the peers; null before its first seal. */
  async sealedModel(stage: string): Promise<ModelWeights | null> {
    const digest = this.#state.models.get(stage);
    const plan = this.#rules.plan.stages.find(({ id }) => id === stage);
    return digest === undefined || plan === undefined ? null : this.#models.obtain(plan, digest);
  }

  /** A model of `stage` that was sealed in some round. @throws {GossipError} when nobody has it */
  async modelOf(stage: PlanStage, digest: Digest): Promise<ModelWeights> {
    return this.#models.obtain(stage, digest);
  }

  /** Bytes of the log's files, for those who verify. */
  get log(): ConsortiumLog {
    return this.#log;
  }

  /** Recovers from the disk, joins the network and goes on where the plan stands. */
  async start(): Promise<void> {
    const { consortium, self, keys, consensus } = this.#options;
    const { store, transport, random } = this.#ports;
    this.#log = await openConsortiumLog(store, {
      consortium,
      self,
      logSigner: keys.log,
      witnessSigner: keys.witness,
      clock: this.#ports.clock,
      verify: this.#gate.verifyBytes,
    });
    await this.#foldLog();
    this.#isBehind = this.#state.height > 0; // until the others say how far they are
    const height = this.#state.height + 1;
    await this.#evidence.load({ ...this.#rules.epoch, suspendedFrom: this.#state.suspendedFrom });
    const isRetired = await this.#evidence.isRetired();
    if (isRetired) this.#ports.logger.log('error', retiredText);
    this.#machine = new SimplexMachine({
      cid: consortium.cid,
      epoch,
      height,
      members: this.#members,
      self,
      signer: isRetired ? null : keys.consensus,
      application: {
        prevBodyDigest: () => this.#state.prev,
        isDue: (at) => this.#isCurrent(at) && this.#dueBody() !== null,
        propose: (at) => (this.#isCurrent(at) ? this.#dueBody() : null),
        judge: (at, body) => (this.#isCurrent(at) ? this.#judge(body) : 'wait'),
        suspendedBy: (body) => suspendedBy(decodeBlockBody(body)),
      },
      suspendedFrom: this.#state.suspendedFrom,
      evidence: this.#evidence.pairs(),
      settings: consensus,
      verify: this.#gate.verify,
      random: random.fork('consensus'),
    });
    const records = await recoverWal(store, epoch, height);
    transport.onMessage((from, topic, bytes) => this.#receive(from, topic, bytes));
    await transport.start();
    this.#post(async () => {
      await this.#carryOut(this.#machine.start(records));
      await this.#pursue();
    });
    this.#tick();
  }

  /** Brings the state to the log's head, from the last snapshot that fits it. */
  async #foldLog(): Promise<void> {
    const { consortium, tellsHistory } = this.#options;
    const snapshot = await loadSnapshot(this.#ports.store, consortium.cid, this.#rules.plan);
    const block = snapshot === null ? null : await this.#log.decision(snapshot.height);
    const fits = block !== null && bodyDigest(block.body) === snapshot?.prev;
    if (fits && !tellsHistory) this.#state = snapshot;
    for (let at = this.#state.height + 1; at <= this.#log.head.height; at++) {
      const held = await this.#log.decision(at);
      invariant(held !== null, 'the log holds every height up to its head');
      const before = this.#state;
      this.#state = advance(before, held.body, this.#rules.plan);
      if (tellsHistory) await this.#announce(before, held.body);
    }
  }

  /** Leaves at once, as a power cut would but for the closed sockets; the disk is always ready for it. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
    this.#queue.stop();
    await this.#ports.transport.stop();
    await this.#queue.idle();
  }

  /** Runs `task` after all that was posted before it. */
  #post(task: () => Promise<void> | void): void {
    this.#queue.post(task);
  }

  #receive(from: NodeId, topic: Topic, bytes: Uint8Array): Verdict {
    const { verdict, admitted } = this.#gate.judge(from, topic, bytes);
    if (admitted === null) return verdict;
    const task = (): Promise<void> => this.#handle(from, admitted);
    return this.#queue.offer(from, bytes.byteLength, task) ? verdict : 'ignore';
  }

  async #handle(from: NodeId, admitted: Admitted): Promise<void> {
    switch (admitted.kind) {
      case 'consensus': {
        const event = { kind: 'message', from, bytes: admitted.bytes } as const;
        await this.#carryOut(this.#gate.charging(from, () => this.#machine.step(event)));
        return;
      }
      case 'checkpoint':
        await this.#mergeCheckpoint(from, admitted.note);
        return;
      case 'peer':
        await this.#take(from, admitted.message);
    }
  }

  async #take(from: NodeId, message: PeerMessage): Promise<void> {
    this.#round?.heard(from, this.#ports.clock.nowMs());
    if (message.t === 'status') {
      if (message.x !== undefined && message.x === this.#round?.open.r) this.#round.abstained(from);
      this.#highestHeard = Math.max(this.#highestHeard, message.h);
      if (message.h > this.#state.height + 1) this.#isBehind = true;
      this.#helpSeal(from, message.s);
    } else if (message.r === this.#round?.open.r) {
      this.#round.take(from, message);
      await this.#step({ kind: 'appChanged' });
    }
  }

  async #mergeCheckpoint(from: NodeId, note: CheckedNote): Promise<void> {
    const outcome = await this.#log.addCosignatures(note);
    if (outcome === 'fork' && !this.#forksTold.has(from)) {
      this.#forksTold.add(from);
      this.#ports.logger.log('error', 'a checkpoint contradicts our log', { from });
    }
    this.#finish();
  }

  /** A member whose log lacks cosignatures that we have gets our checkpoint, once a tick: an answer costs more than to ask. */
  #helpSeal(member: NodeId, sealedSize: number): void {
    if (sealedSize >= this.#log.sealedSize) return;
    const note = this.#log.sealedCheckpoint();
    const nowMs = this.#ports.clock.nowMs();
    const helpedMs = this.#helpedAtMs.get(member) ?? -Infinity;
    if (note === null || nowMs - helpedMs < this.#options.settings.tickMs) return;
    this.#helpedAtMs.set(member, nowMs);
    this.#ports.transport.send(member, 'log', note);
  }

  // Consensus: events in, effects out.

  async #step(event: ConsensusEvent): Promise<void> {
    await this.#carryOut(this.#machine.step(event));
  }

  async #carryOut(effects: readonly Effect[]): Promise<void> {
    const { transport, logger } = this.#ports;
    for (const effect of effects) {
      switch (effect.kind) {
        case 'persist':
          await (await this.#walOf(effect.record.h)).append(effect.record);
          break;
        case 'broadcast':
          transport.broadcast('consensus', effect.bytes);
          break;
        case 'send':
          transport.send(effect.to, 'consensus', effect.bytes);
          break;
        case 'setTimer':
          this.#setTimer(effect.id, effect.delayMs, () =>
            this.#step({ kind: 'timer', id: effect.id }),
          );
          break;
        case 'clearTimer':
          this.#timers.get(effect.id)?.();
          this.#timers.delete(effect.id);
          break;
        case 'decide': {
          const { height, body, certificate } = effect;
          this.#backlog.push({
            height,
            decision: { body, certificate },
            body: decodeBlockBody(body),
            envelopes: null,
            isFetching: false,
          });
          this.#post(() => this.#applyBacklog());
          break;
        }
        case 'findDecision':
          void this.#findDecision(effect).catch((error: unknown) => {
            this.#post(() => {
              throw error;
            });
          });
          break;
        case 'evidence':
          await this.#evidence.keep(effect.culprit, effect.pair);
          break;
        case 'oversized':
          this.#tellUnsaid(effect.what, effect.sizeBytes);
          break;
        case 'retire':
          await this.#evidence.retire(effect.reason);
          logger.log('error', retiredText, { reason: effect.reason });
          break;
        case 'refused':
          transport.charge(effect.from, { signatures: 0, refusal: effect.reason });
          break;
        case 'halt':
          throw new PeerError({ code: 'must_not_vote' }, effect.reason);
      }
    }
  }

  /** Reads an old decision off the log, beside the queue. */
  async #findDecision({ height, from, theirs }: DecisionQuery): Promise<void> {
    const held = await this.#log.decision(height);
    if (held === null) return;
    const certificate = readCertificate(held.certificate);
    const decision = { body: encodeBlockBody(held.body), certificate };
    this.#post(() => this.#step({ kind: 'foundDecision', height, from, theirs, ...decision }));
  }

  async #walOf(height: number): Promise<WriteAheadLog> {
    if (this.#wal?.height !== height) {
      this.#wal = { height, file: await openWal(this.#ports.store, epoch, height) };
    }
    return this.#wal.file;
  }

  #isCurrent(height: number): boolean {
    return this.#backlog.length === 0 && height === this.#state.height + 1;
  }

  /** The body this node would propose, or null when nothing is due. */
  #dueBody(): Uint8Array | null {
    const ts = Math.max(Math.floor(this.#ports.clock.nowMs()), this.#state.ts);
    const ops = dueOps(this.#state, ts, this.#view(), this.#rules);
    if (ops === null) return null;
    const { cid } = this.#options.consortium;
    const height = (this.#state.height + 1) as Height;
    const bare = { v: 1, cid, e: epoch, h: height, prev: this.#state.prev, ts, ops } as const;
    const envelopes = this.#envelopesNow(bare);
    if (envelopes === null) return null;
    const body = encodeBlockBody({ ...bare, log: this.#log.logAfter(bare, envelopes) });
    return this.#maySay('a block', body, limits.bodyBytesMax) ? body : null;
  }

  /** Whether what this node would like to say fits; what does not is never said, and logged once: no peer dies of it. */
  #maySay(what: string, bytes: Uint8Array, bytesMax: number): boolean {
    if (bytes.byteLength <= bytesMax) return true;
    this.#tellUnsaid(what, bytes.byteLength);
    return false;
  }

  #tellUnsaid(what: string, sizeBytes: number): void {
    if (this.#unsaid.has(what)) return;
    this.#unsaid.add(what);
    const facts = { what, sizeBytes, round: this.#state.round };
    this.#ports.logger.log('error', 'too large to be said: the others never hear of it', facts);
  }

  #judge(bytes: Uint8Array): Judgement {
    let body: BlockBody;
    try {
      body = decodeBlockBody(bytes);
    } catch {
      return 'reject';
    }
    const { cid } = this.#options.consortium;
    const skewMs = Math.abs(body.ts - this.#ports.clock.nowMs());
    const isNext =
      body.cid === cid &&
      body.e === epoch &&
      body.h === this.#state.height + 1 &&
      body.prev === this.#state.prev;
    if (!isNext || body.ts < this.#state.ts || skewMs > this.#options.settings.clockSkewMs)
      return 'reject';
    const verdict = judgeOps(this.#state, body, this.#view(), this.#rules);
    if (verdict !== 'accept') return verdict;
    const envelopes = this.#envelopesNow(body);
    if (envelopes === null) return 'wait';
    const after = this.#log.logAfter(body, envelopes);
    return after.size === body.log.size && after.root === body.log.root ? 'accept' : 'reject';
  }

  /** The envelopes a block names if all are here; null otherwise. */
  #envelopesNow(body: Pick<BlockBody, 'ops'>): Uint8Array[] | null {
    const found = envelopeDigests(body).map((digest) => this.#round?.envelope(digest) ?? null);
    return found.every((bytes) => bytes !== null) ? found : null;
  }

  #view(): LocalView {
    return {
      round: this.#round ?? noRound,
      initialDigest: (stage) => this.#models.initialDigest(stage),
      evidence: () => this.#evidence.pairs(),
    };
  }

  // Decided blocks.

  /** Applies what was decided, oldest first; stops without error while envelopes of a block cannot be had. */
  async #applyBacklog(): Promise<void> {
    while (this.#backlog[0] !== undefined) {
      const [next] = this.#backlog;
      const { decision, body } = next;
      const envelopes = this.#envelopesNow(body) ?? next.envelopes;
      if (envelopes === null) {
        this.#fetchEnvelopes(next);
        return;
      }
      const certificate = decision.certificate as unknown as Json;
      await this.#log.appendHeight({ body, certificate }, envelopes);
      const before = this.#state;
      this.#state = advance(before, body, this.#rules.plan);
      this.#heads.push({ height: body.h, size: body.log.size });
      this.#backlog.shift();
      if (body.h % snapshotHeights === 0) {
        await writeSnapshot(this.#ports.store, this.#options.consortium.cid, this.#state);
      }
      this.#tellSuspended(body);
      await this.#announce(before, body);
      this.#sendCheckpoint();
    }
    this.#tidy();
    await this.#pursue();
    await this.#step({ kind: 'appChanged' });
  }

  /** The last height, of those applied since the start, under a checkpoint that a quorum has cosigned. */
  #cosignedHeight(): number {
    const isCosigned = ({ size }: { size: number }): boolean => size <= this.#log.sealedSize;
    const height = this.#heads.filter(isCosigned).at(-1)?.height ?? 0;
    this.#heads = this.#heads.filter((head) => head.height >= height);
    return height;
  }

  /** Removes from the disk what is too old to be kept, beside the queue. */
  #tidy(): void {
    if (this.#isTidying) return;
    this.#isTidying = true;
    const work = tidyDisk({
      store: this.#ports.store,
      shelf: this.#shelf,
      epoch,
      state: this.#state,
      cosignedHeight: this.#cosignedHeight(),
      settings: this.#options.settings,
    });
    void work
      .catch((error: unknown) => {
        const facts = { reason: messageOf(error) };
        this.#ports.logger.log('warn', 'old files could not be removed', facts);
      })
      .finally(() => {
        this.#isTidying = false;
      });
  }

  /** Fetches the envelopes of a decided block from the disk or the peers, beside the queue, and then applies it. */
  #fetchEnvelopes(decided: Decided): void {
    if (decided.isFetching) return;
    decided.isFetching = true;
    const wanted = envelopeDigests(decided.body).map((digest) =>
      this.#shelf.obtain(digest, limits.entryBytesMax, null, null),
    );
    void Promise.all(wanted).then(
      (envelopes) => {
        decided.envelopes = envelopes;
        this.#post(() => this.#applyBacklog());
      },
      (error: unknown) => {
        decided.isFetching = false; // the tick tries again
        const facts = { height: decided.height, reason: messageOf(error) };
        this.#ports.logger.log('warn', 'an envelope of a decided block is not here yet', facts);
      },
    );
  }

  #tellSuspended(body: BlockBody): void {
    for (const index of suspendedBy(body)) {
      const culprit = this.#members[index]?.id ?? String(index);
      const facts = { culprit, fromHeight: body.h + 1 };
      this.#ports.logger.log('error', 'a member is suspended: its key has no vote any more', facts);
    }
  }

  /** Tells the watchers what a block decided. */
  async #announce(before: ChainState, body: BlockBody): Promise<void> {
    const { onEvent } = this.#options;
    const atMs = body.ts;
    for (const op of body.ops) {
      switch (op.op) {
        case 'OPEN': {
          const { r: round, stage, participants } = op;
          onEvent({ kind: 'opened', round, stage, participants, atMs });
          break;
        }
        case 'CUT':
          onEvent({ kind: 'cut', round: op.r, nodes: op.updates.map(({ peer }) => peer) });
          break;
        case 'SEAL': {
          invariant(before.phase.kind === 'cut', 'a seal follows a cut');
          const { open, cut } = before.phase;
          const participants = cut.updates.map(async ({ peer, n, env }) => ({
            ...{ node: peer, weight: n, ...(await this.#saidOf(open, env)) },
          }));
          const { participants: asked, stage } = open;
          onEvent({
            ...{ kind: 'sealed', round: op.r, stage, model: op.agg, atMs },
            ...{ height: body.h, logSize: body.log.size },
            participants: await Promise.all(participants),
            excluded: asked.filter((id) => !cut.updates.some(({ peer }) => peer === id)),
          });
          break;
        }
        case 'EVID':
          break; // `applyBacklog` says it once, when it is decided
        case 'VOID':
          onEvent({ kind: 'void', round: op.r, reason: op.reason, height: body.h, atMs });
      }
    }
  }

  /** What an update's author says of its training and its size; nothing when its envelope is not here. */
  async #saidOf(
    open: Open,
    env: Digest,
  ): Promise<Pick<SealedRound['participants'][0], 'metricsMilli' | 'updateBytes'>> {
    const facts =
      this.#round?.open.r === open.r ? this.#round.facts(env) : await this.#read(open, env);
    return {
      metricsMilli: facts?.metricsMilli ?? {},
      updateBytes: facts?.statement.updateBytes ?? 0,
    };
  }

  async #read(open: Open, env: Digest): Promise<UpdateFacts | null> {
    const envelope = await this.#shelf.read(env);
    if (envelope === null || digestOf(envelope) !== env) return null;
    return readUpdate(this.#options.consortium, open, envelope, this.#gate.verifyBytes);
  }

  #sendCheckpoint(): void {
    const note = this.#log.checkpoint();
    if (note !== null) this.#ports.transport.broadcast('log', note);
  }

  // Work of the phase that the chain is in.

  /** Begins what the current phase asks of this node, once per round and phase. Safe to call at any time. */
  async #pursue(): Promise<void> {
    if (this.#isStopped || this.#backlog.length > 0) return;
    const { phase } = this.#state;
    if (phase.kind !== 'done' && !this.#areModelsReady()) return;
    switch (phase.kind) {
      case 'idle':
        this.#round = null;
        await this.#step({ kind: 'appChanged' });
        return;
      case 'done':
        this.#round = null;
        this.#collectModels();
        this.#finish();
        return;
      case 'open':
        this.#openRound(phase.open);
        if (phase.open.code === this.#options.code) this.#round?.train();
        else
          this.#ports.logger.log('warn', 'a round of another program is not joined', {
            round: phase.open.r,
          });
        return;
      case 'cut':
        this.#openRound(phase.open);
        this.#round?.average(phase.cut);
    }
  }

  /**
   * Whether what the stages start from is known; else it is computed beside the queue and the work taken up then. All
   * stages, whatever the phase: a seal may open the next one in the same block, also after a restart.
   */
  #areModelsReady(): boolean {
    const { stages } = this.#rules.plan;
    if (stages.every((stage) => this.#models.initialDigest(stage) !== null)) return true;
    if (this.#isPreparing) return false;
    this.#isPreparing = true;
    const work = (async () => {
      for (const stage of stages) await this.#models.initial(stage);
    })();
    const goOn = async (): Promise<void> => {
      await work; // a failure is this peer's
      await this.#pursue();
      await this.#step({ kind: 'appChanged' });
    };
    work.then(
      () => {
        this.#post(goOn);
      },
      () => {
        this.#post(goOn);
      },
    );
    return false;
  }

  #openRound(open: Open): void {
    if (this.#round?.open.r === open.r) return;
    const stage = stageOf(this.#state, this.#rules.plan);
    invariant(stage?.id === open.stage, 'an open round is of the stage under way');
    const round: RoundProtocol = beginRound({
      open,
      stage,
      roundsSealed: this.#state.roundsSealed,
      before: this.#state.bases.get(stage.id) ?? null,
      self: this.#options.self,
      consortium: this.#options.consortium,
      keys: this.#options.keys,
      ports: this.#ports,
      shelf: this.#shelf,
      models: this.#models,
      settings: this.#options.settings,
      verifyBytes: this.#gate.verifyBytes,
      teachers: () => this.#teachers(),
      onEvent: this.#options.onEvent,
      post: (task) => {
        this.#post(async () => {
          if (this.#round !== round) return; // the round went on without this work
          await task();
          await this.#step({ kind: 'appChanged' });
        });
      },
      isCurrent: () => this.#round === round && !this.#isStopped,
      broadcast: (message) => {
        this.#broadcast(message);
      },
      send: (to, message) => {
        this.#ports.transport.send(to, ...writePeerMessage(message));
      },
      onTwoUpdates: (author, ofRound, envelopes) => {
        this.#post(() => this.#evidence.keepUpdates(author, ofRound, envelopes));
      },
    });
    this.#round = round;
  }

  /** Sealed models of the stages before this one. */
  async #teachers(): Promise<Map<string, ModelWeights>> {
    const teachers = new Map<string, ModelWeights>();
    for (const stage of this.#rules.plan.stages.slice(0, this.#state.stageIndex)) {
      const digest = this.#state.models.get(stage.id);
      if (digest !== undefined) teachers.set(stage.id, await this.#models.obtain(stage, digest));
    }
    return teachers;
  }

  /** Fetches the sealed models of rounds that this node was not there for: a done peer holds them all. */
  #collectModels(): void {
    if (this.#isCollecting || this.#holdsModels) return;
    this.#isCollecting = true;
    void this.#teachers()
      .then(
        () => {
          this.#holdsModels = true;
        },
        (error: unknown) => {
          this.#ports.logger.log('warn', 'a sealed model is not here yet', {
            reason: messageOf(error),
          });
        },
      )
      .finally(() => {
        this.#isCollecting = false;
        this.#post(() => {
          this.#finish();
        });
      });
  }

  #finish(): void {
    const { size, root } = this.#log.head;
    const isSealed = this.#log.sealedSize === size && this.#holdsModels;
    if (this.#isDone || this.#state.phase.kind !== 'done' || !isSealed) return;
    this.#isDone = true;
    this.#options.onEvent({ kind: 'done', treeSize: size, root });
  }

  // The clock.

  #tick(): void {
    this.#setTimer('peer/tick', this.#options.settings.tickMs, async () => {
      this.#broadcast({
        t: 'status',
        h: this.#state.height,
        r: this.#state.round,
        s: this.#log.sealedSize,
        ...(this.#round?.isAbstaining === true ? { x: this.#round.open.r } : {}),
      });
      this.#round?.repeat();
      if (this.#log.sealedSize < this.#log.head.size) this.#sendCheckpoint();
      if (this.#state.phase.kind === 'done') this.#collectModels();
      if (this.#backlog.length > 0) await this.#applyBacklog();
      else await this.#step({ kind: 'appChanged' });
      if (this.#isBehind && this.#highestHeard > 0 && this.#state.height >= this.#highestHeard) {
        this.#isBehind = false;
        this.#options.onEvent({ kind: 'caught-up', height: this.#state.height });
      }
      this.#tick();
    });
  }

  #setTimer(id: string, delayMs: number, task: () => Promise<void>): void {
    this.#timers.get(id)?.();
    const cancel = this.#ports.clock.setTimer(delayMs, () => {
      this.#timers.delete(id);
      this.#post(task);
    });
    this.#timers.set(id, cancel);
  }

  #broadcast(message: PeerMessage): void {
    const [topic, bytes] = writePeerMessage(message);
    const bytesMax = limits.peerBytesMax[message.t];
    if (!this.#maySay(`a message of kind ${message.t}`, bytes, bytesMax)) return;
    this.#ports.transport.broadcast(topic, bytes);
  }
}
