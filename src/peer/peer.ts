/**
 * One participant: rounds made of consensus, gossip, the log and a trainer, with all doors to the world injected. Here it
 * is put together, started and stopped; what it does in between is `RunningPeer`'s.
 */
import { invariant, type Digest } from '../base/index.ts';
import type { ConsortiumLog } from '../audit/index.ts';
import { ContentStore } from '../gossip/index.ts';
import type { ModelWeights } from '../weights/index.ts';
import { memberIndex, type Plan, type PlanStage } from '../wire/index.ts';
import type { PeerParts } from './assembly.ts';
import { BlockNews } from './block-news.ts';
import { genesisChain, type ChainState } from './chain.ts';
import { CountedChecks } from './counted-checks.ts';
import { PeerError } from './errors.ts';
import { EventQueue } from './event-queue.ts';
import { ModelStore } from './model-store.ts';
import type { PeerOptions } from './peer-options.ts';
import { PlanModels } from './plan-models.ts';
import type { PeerPorts } from './ports.ts';
import { recover } from './recovery.ts';
import { RunningPeer } from './running-peer.ts';
import { Timers } from './timers.ts';

/** See the file's header. One object is one run: a restarted node makes a new one over the same disk. */
export class Peer {
  readonly #parts: PeerParts;
  readonly #plan: Plan;
  #running: RunningPeer | null = null;

  /** @throws {PeerError} 'not_a_member' */
  constructor(ports: PeerPorts, options: PeerOptions) {
    const { self, consortium, onEvent } = options;
    const { plan } = consortium.manifest;
    if (memberIndex(consortium.manifest, self) < 0) {
      const what = `${self} is not a member of this consortium`;
      throw new PeerError({ code: 'not_a_member', node: self }, what);
    }
    const { clock, store, transport, trainer, logger, crypto } = ports;
    const queue = this.#makeQueue(ports, options);
    const timers = new Timers(clock, (task) => {
      queue.post(task);
    });
    const checks = new CountedChecks(crypto, (from, cost) => {
      transport.charge(from, cost);
    });
    const content = new ContentStore(store, transport);
    const models = new ModelStore({ store, content, trainer, round: () => this.state.round });
    const planModels = new PlanModels(plan, models, logger);
    const { verifyBytes } = checks;
    const news = new BlockNews({ consortium, content, verifyBytes, logger, onEvent });
    this.#plan = plan;
    this.#parts = { ports, options, queue, timers, checks, content, models, planModels, news };
  }

  #makeQueue({ logger }: PeerPorts, { onFailure }: PeerOptions): EventQueue {
    const crowders = new Set<string>();
    return new EventQueue({
      failure: (error) => {
        this.#parts.timers.clearAll();
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

  /** The chain as this node has applied it; before `start`, as it begins. */
  get state(): ChainState {
    return this.#running?.state ?? genesisChain(this.#plan);
  }

  /** Latest sealed model of a stage, from the disk or the peers; null before its first seal. */
  async sealedModel(stage: string): Promise<ModelWeights | null> {
    return this.#parts.planModels.sealed(stage, this.state);
  }

  /** A model of `stage` that was sealed in some round. @throws {GossipError} when nobody has it */
  async modelOf(stage: PlanStage, digest: Digest): Promise<ModelWeights> {
    return this.#parts.planModels.read(stage, digest);
  }

  /** Bytes of the log's files, for those who verify; there once `start` is over. */
  get log(): ConsortiumLog {
    invariant(this.#running !== null, 'the log is open once the peer has started');
    return this.#running.log;
  }

  /**
   * Recovers from the disk, joins the network and goes on where the plan stands.
   *
   * @throws {AuditError} 'corrupt_log' and {ConsensusError} 'corrupt_wal' when files do not fit each other
   */
  async start(): Promise<void> {
    const { ports, options, checks, news } = this.#parts;
    const { store, transport, clock, logger, crypto, pure, named } = ports;
    const { consortium, self, keys, tellsHistory } = options;
    const { log: logSigner, witness: witnessSigner } = keys;
    const held = await recover({
      ...{ store, logger, verify: crypto.verify },
      log: {
        ...{ consortium, self, logSigner, witnessSigner, clock, verify: checks.verifyBytes },
        ...(pure && { pure }),
        ...(named && { named }),
      },
      onBlock: tellsHistory ? (before, body) => news.tell(before, body, () => undefined) : null,
    });
    const running = new RunningPeer(this.#parts, held);
    this.#running = running;
    transport.onMessage((from, topic, bytes) => running.receive(from, topic, bytes));
    await transport.start();
    running.begin();
  }

  /** Leaves at once, as a power cut would but for the closed sockets; the disk is always ready for it. */
  async stop(): Promise<void> {
    const { queue, timers, ports } = this.#parts;
    queue.stop();
    timers.clearAll();
    await ports.transport.stop();
    await queue.idle();
  }
}
