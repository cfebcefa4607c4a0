/**
 * One participant: rounds made of consensus, gossip, the log and a trainer, with all doors to the world injected. Here it
 * is put together, started and stopped, and put together anew when its members change; what it does in between is
 * `RunningPeer`'s.
 */
import { invariant, messageOf, type Digest } from '../base/index.ts';
import type { ConsortiumLog } from '../audit/index.ts';
import { digestOf } from '../crypto/index.ts';
import { ContentStore, type ChunkCounts } from '../gossip/index.ts';
import type { ModelWeights } from '../weights/index.ts';
import {
  memberOf,
  planRefusal,
  transportMembers,
  type PlanStage,
  type SignedManifest,
} from '../wire/index.ts';
import { ownKeys, type PeerParts } from './assembly.ts';
import { BlockNews } from './block-news.ts';
import { genesisChain, type ChainState } from './chain.ts';
import { CountedChecks } from './counted-checks.ts';
import { PeerError } from './errors.ts';
import { EventQueue } from './event-queue.ts';
import { ModelStore } from './model-store.ts';
import { OwnRecord } from './own-record.ts';
import { OwnWork } from './own-work.ts';
import type { PeerOptions } from './peer-options.ts';
import type { Submission } from './pending-manifests.ts';
import { PlanModels } from './plan-models.ts';
import type { PeerPorts } from './ports.ts';
import { recover, type Recovered } from './recovery.ts';
import { RunningPeer } from './running-peer.ts';
import { Timers } from './timers.ts';

/** What a peer has from its start to its end. */
type LastingParts = Omit<PeerParts, 'timers' | 'consortium' | 'models' | 'planModels' | 'isStart'>;

/** See the file's header. One object is one run: a restarted node makes a new one over the same disk. */
export class Peer {
  readonly #lasting: LastingParts;
  /** For the epoch under way. */
  #parts: PeerParts;
  #running: RunningPeer | null = null;

  /** @throws {PeerError} 'not_a_member' when this node is in no version of the manifest that it was given */
  constructor(ports: PeerPorts, options: PeerOptions) {
    const { self, consortium, onEvent } = options;
    if (!versionsKnown(options).some(({ manifest }) => memberOf(manifest, self) !== null)) {
      const what = `${self} is not a member of this consortium`;
      throw new PeerError({ code: 'not_a_member', node: self }, what);
    }
    const { store, transport, logger, crypto } = ports;
    const queue = this.#makeQueue(ports, options);
    const checks = new CountedChecks(crypto, (from, cost) => {
      transport.charge(from, cost);
    });
    const content = new ContentStore(store, transport);
    const { verifyBytes } = checks;
    const news = new BlockNews({ content, verifyBytes, logger, onEvent });
    const ownWork = new OwnWork();
    const record = this.#makeRecord(ports, options, queue);
    this.#lasting = { ports, options, queue, checks, content, news, ownWork, record };
    this.#parts = this.#partsOf(consortium, true, null);
  }

  #makeRecord(
    { store, clock, logger, crypto }: PeerPorts,
    { self, keys, code }: PeerOptions,
    queue: EventQueue,
  ): OwnRecord {
    return new OwnRecord({
      ...{ store, clock, logger, verify: crypto.verifyBytes, self, keys, code },
      shared: () => this.log,
      isStopped: () => queue.isStopped,
    });
  }

  #makeQueue({ logger }: PeerPorts, { onFailure }: PeerOptions): EventQueue {
    const crowders = new Set<string>();
    return new EventQueue({
      failure: (error) => {
        this.#parts.timers.end();
        onFailure(error);
      },
      full: (member) => {
        // Once for each member and run: what it costs its sender is on its account, which tells the rest.
        if (crowders.has(member)) return;
        crowders.add(member);
        const why = 'more messages than this node can take: some are dropped';
        logger.log('warn', why, { from: member });
      },
    });
  }

  /** @param before what the epoch before had: models of stages that stay as they were need not be made again */
  #partsOf(consortium: SignedManifest, isStart: boolean, before: PeerParts | null): PeerParts {
    const { ports, content, queue } = this.#lasting;
    const { store, trainer, logger, clock } = ports;
    const { plan } = consortium.manifest;
    const old = before?.consortium.manifest.plan;
    const isKept = old !== undefined && planRefusal(old, plan, old.stages.length) === null;
    const fresh = new ModelStore({ store, content, trainer, round: () => this.state.round });
    const models = isKept && before !== null ? before.models : fresh;
    const planModels = new PlanModels(plan, models, logger);
    // Of an epoch: a timer of the one before must not take the place of one of this.
    const timers = new Timers(clock, (task) => {
      queue.post(task);
    });
    return { ...this.#lasting, timers, consortium, models, planModels, isStart };
  }

  /** The chain as this node has applied it; before `start`, as it begins. */
  get state(): ChainState {
    return this.#running?.state ?? genesisChain(this.#lasting.options.consortium.manifest.plan);
  }

  /** Whether this node signs votes: a member, with its own key, that has been shown its votes since it started. */
  get isVoter(): boolean {
    return this.#running?.isVoter ?? false;
  }

  /** The version of the manifest in force, as far as this node has applied the chain. */
  get consortium(): SignedManifest {
    return this.#parts.consortium;
  }

  /** Chunks of blobs asked for and come since this object was made. */
  get chunks(): Readonly<ChunkCounts> {
    return this.#lasting.content.counts();
  }

  /** Latest sealed model of a stage, from the disk or the peers; null before its first seal. */
  async sealedModel(stage: string): Promise<ModelWeights | null> {
    return this.#parts.planModels.sealed(stage, this.state);
  }

  /** A model of `stage` that was sealed in some round. @throws {GossipError} when nobody has it */
  async modelOf(stage: PlanStage, digest: Digest): Promise<ModelWeights> {
    return this.#parts.planModels.read(stage, digest);
  }

  /** The file of such a model in this node's store, by its name; it is there then. @throws {GossipError} when nobody has it */
  async modelFile(stage: PlanStage, digest: Digest): Promise<string> {
    return this.#parts.planModels.nameOf(stage, digest);
  }

  /** Bytes of the log's files, for those who verify; there once `start` is over. */
  get log(): ConsortiumLog {
    invariant(this.#running !== null, 'the log is open once the peer has started');
    return this.#running.log;
  }

  /**
   * Recovers from the disk, joins the network and goes on where the plan stands. A hospital that is no member any more does
   * neither: it says so with the event `left`.
   *
   * @throws {AuditError} 'corrupt_log' and {ConsensusError} 'corrupt_wal' when files do not fit each other
   */
  async start(): Promise<void> {
    const { transport } = this.#lasting.ports;
    const running = await this.#enter(true);
    if (running === null) return;
    transport.onMessage((from, topic, bytes) => {
      return this.#running?.receive(from, topic, bytes) ?? 'ignore';
    });
    await transport.start();
    running.begin();
  }

  /**
   * An operator hands in the signed envelope of the next version of the manifest. It is kept, told to the members, and put
   * to the vote between two rounds; the event `membership` says when it is in force.
   *
   * @throws {PeerError} 'not_running', also when the peer stops before it has come to it; what the disk throws
   */
  submit(bytes: Uint8Array): Promise<Submission> {
    return new Promise((resolve, reject) => {
      const refuse = (): void => {
        reject(new PeerError({ code: 'not_running' }, 'the peer is not running: start the node'));
      };
      if (this.#running === null) {
        refuse();
        return;
      }
      const task = async (): Promise<void> => {
        const running = this.#running;
        invariant(running !== null, 'a peer that has started runs');
        try {
          resolve(this.#decidedBefore(bytes) ?? (await running.submit(bytes)));
        } catch (error) {
          reject(error instanceof Error ? error : new Error(messageOf(error)));
          throw error; // a failure is this peer's
        }
      };
      this.#lasting.queue.post(task, refuse);
    });
  }

  /** Leaves at once, as a power cut would but for the closed sockets; the disk is always ready for it. */
  async stop(): Promise<void> {
    const { queue, ports } = this.#lasting;
    queue.stop();
    this.#parts.timers.end();
    await ports.transport.stop();
    await queue.idle();
    await this.#lasting.record.idle();
  }

  /** What a peer is made of for the epoch that the disk's log has come to; null when this hospital has left. */
  async #enter(isStart: boolean): Promise<RunningPeer | null> {
    const { ports, options } = this.#lasting;
    const held = await this.#recover(isStart);
    const { consortium } = held.log;
    const running = new RunningPeer(
      (this.#parts = this.#partsOf(consortium, isStart, this.#parts)),
      held,
      () => this.#renew(),
    );
    this.#running = running;
    const known = versionsKnown(options);
    const { version } = consortium.manifest;
    const newest = known.at(-1)?.manifest.version ?? 0;
    const isExpected = (one: SignedManifest): boolean =>
      one.manifest.version >= version && memberOf(one.manifest, options.self) !== null;
    if (![consortium, ...known].some(isExpected)) {
      const height = held.log.heightOf(version) ?? held.state.height;
      options.onEvent({ kind: 'left', version, height });
      return null;
    }
    ports.trainer.adopt?.(consortium.manifest.plan);
    if (!ownKeys(this.#parts).isVoter) {
      const what = 'this node does not vote: version in force has other keys, or not this member';
      ports.logger.log('warn', what, { version });
    }
    if (version > newest) ports.transport.setMembers(transportMembers(consortium.manifest));
    if (version > 0) options.onMembers?.(consortium);
    return running;
  }

  #recover(isStart: boolean): Promise<Recovered> {
    const { ports, options, checks, content, news } = this.#lasting;
    const { store, clock, logger, crypto, trainer, succeed, pure, named } = ports;
    const { consortium, knownVersions = [], self, keys, tellsHistory } = options;
    const { log: logSigner, witness: witnessSigner } = keys;
    const signers = { self, logSigner, witnessSigner };
    return recover({
      ...{ store, logger, content, verify: crypto.verify },
      log: {
        ...{ consortium, ...signers, clock, verify: checks.verifyBytes },
        known: knownVersions,
        ...{ ...(succeed && { succeed }), ...(pure && { pure }), ...(named && { named }) },
      },
      consensusKey: keys.consensus.publicKey,
      refusalOf: (plan) => trainer.refusalOf?.(plan) ?? null,
      onBlock:
        tellsHistory && isStart
          ? (before, body, versions) => news.tell(before, body, versions, () => undefined)
          : null,
    });
  }

  /** The members have changed: everything that knows them is made anew from the disk, as after a restart. */
  async #renew(): Promise<void> {
    const { queue, ports } = this.#lasting;
    this.#parts.timers.end();
    const running = await this.#enter(false);
    if (running !== null) {
      running.begin();
      return;
    }
    queue.stop();
    await ports.transport.stop();
  }

  #decidedBefore(bytes: Uint8Array): Submission | null {
    const digest = digestOf(bytes);
    const found = this.log.versions.find((one) => digestOf(one.bytes) === digest);
    if (found === undefined) return null;
    const { version } = found.manifest;
    return { kind: 'decided', version, digest, height: this.log.heightOf(version) ?? 0 };
  }
}

/** The genesis and the later versions that a node was given, oldest first. */
function versionsKnown({ consortium, knownVersions = [] }: PeerOptions): SignedManifest[] {
  return [consortium, ...knownVersions];
}
