/** All hospitals of a run: started together, killed and restarted as asked, watched until the plan is carried out. */
import {
  invariant,
  messageOf,
  type Clock,
  type Digest,
  type Logger,
  type NodeId,
} from '../../base/index.ts';
import { logPrefix, verifyLogDirectory, type LogVerdict } from '../../audit/index.ts';
import type { RunSettings } from '../../config/index.ts';
import type { NodeRecord } from '../../report/index.ts';
import { diskStore, type HostError } from '../../host/index.ts';
import type { WorkerPool } from '../../hospital/index.ts';
import type { PeerEvent } from '../../peer/index.ts';
import { type ModelWeights, modelDigest } from '../../weights/index.ts';
import type { PlanStage, SignedManifest } from '../../wire/index.ts';
import { simulatedMember } from './consortium.ts';
import { SimulateError } from './errors.ts';
import { HospitalNode } from '../../node/index.ts';
import type { KillRequest, MainJobPorts } from './job-ports.ts';
import { connectAll } from './connect-all.ts';
import { changedTimings, measureDeliveryMs, pacedTimings, stretchOf } from './run-pace.ts';
import type { RunRecorder } from './run-recorder.ts';
import { RunWatch } from './run-watch.ts';

/** What all nodes of a run share. */
export interface FleetOptions {
  readonly settings: RunSettings;
  readonly ports: MainJobPorts;
  readonly consortium: SignedManifest;
  readonly pool: WorkerPool;
  readonly averagingPool: WorkerPool;
  readonly clock: Clock;
  readonly code: Digest;
  readonly recorder: RunRecorder;
  readonly folderOf: (id: NodeId) => string;
}

/** Longest time without a new connection while the peers connect; longer on a machine that needs longer timings. */
const connectStallMsMax = 30_000;
/** So long without any word of any peer, and the run says who waits for what. */
const quietMsMax = 60_000;
/** So long, and it ends: longer than the deadline of a round, which may be waited for in silence. */
const stalledAfterDeadlineMs = 300_000;

/**
 * Use it once: `start`, `untilDone`, `stop`. The first failure of any node ends the run.
 *
 * @throws {SimulateError} 'not_connected', 'stalled'; a node's own failure
 */
export class RunFleet {
  readonly #options: FleetOptions;
  readonly #nodes: readonly HospitalNode[];
  readonly #watch: RunWatch;
  readonly #connectStallMs: number;
  readonly #done = new Set<NodeId>();
  readonly #pendingKills: KillRequest[];
  /** Killed nodes by id: the round they were killed in. */
  readonly #away = new Map<NodeId, number>();
  /** Fires when the plan is carried out or the run failed. */
  readonly #over = new AbortController();
  #finish: () => void = () => undefined;
  #fail: (error: unknown) => void = () => undefined;
  readonly #ended: Promise<void>;

  constructor(options: FleetOptions) {
    this.#options = options;
    this.#pendingKills = [...options.ports.kills];
    this.#ended = new Promise<void>((resolve, reject) => {
      this.#finish = resolve;
      this.#fail = reject;
    });
    // Awaited in `untilDone`; here only its end counts.
    void this.#ended
      .catch(() => undefined)
      .then(() => {
        this.#over.abort();
        this.#watch.stop();
      });
    this.#watch = new RunWatch({
      clock: options.clock,
      nodes: () => this.#nodes.filter(({ peer }) => peer !== null),
      quietMsMax,
      onQuiet: (quietMs, text) => {
        this.#sayQuiet(quietMs, text);
      },
    });
    const { manifest } = options.consortium;
    const settings = this.#paced(options.settings, manifest.members.length);
    this.#connectStallMs = connectStallMsMax * stretchOf(options.settings, settings);
    this.#nodes = manifest.members.map(
      ({ id, labels }) =>
        new HospitalNode({
          member: simulatedMember(options.settings.seed, id, labels),
          consortium: options.consortium,
          settings,
          listen: '127.0.0.1:0',
          folder: options.folderOf(id),
          code: options.code,
          pool: options.pool,
          averagingPool: options.averagingPool,
          clock: options.clock,
          logger: this.#loggerOf(id),
          onEvent: (event) => {
            this.#onEvent(id, event);
          },
          onFailure: (error) => {
            this.#fail(new Error(`${id} had to stop: ${messageOf(error)}`, { cause: error }));
          },
          onFault: (fault) => {
            this.#pause(fault);
          },
        }),
    );
  }

  /** Resolves when every peer is connected to every other. @throws {SimulateError} 'not_connected' */
  async start(): Promise<void> {
    this.#watch.start();
    await Promise.all(this.#nodes.map((node) => node.start(true)));
    // Whatever ends the run ends the connecting.
    await Promise.race([this.#introduce(this.#nodes), this.#ended]);
  }

  /** Resolves when every peer has carried out the plan and holds a sealed log. */
  async untilDone(): Promise<void> {
    await this.#ended;
  }

  /** Latest sealed model of every stage, from the first peer; all peers hold the same by then. */
  async sealedModels(): Promise<Map<string, ModelWeights>> {
    const models = new Map<string, ModelWeights>();
    const peer = this.#nodes[0]?.peer;
    for (const { id } of this.#options.consortium.manifest.plan.stages) {
      const model = (await peer?.sealedModel(id)) ?? null;
      if (model !== null) models.set(id, model);
    }
    return models;
  }

  /** A model that was sealed in some round. */
  async modelOf(stage: PlanStage, digest: Digest): Promise<ModelWeights> {
    const peer = this.#nodes[0]?.peer;
    invariant(peer !== null && peer !== undefined, 'a peer runs while models are asked for');
    return peer.modelOf(stage, digest);
  }

  /** What each node ended with. Its student is read back from its own disk and digested anew. */
  async nodeRecords(): Promise<NodeRecord[]> {
    return Promise.all(
      this.#nodes.map(async (node): Promise<NodeRecord> => {
        const { peer } = node;
        const student = (await peer?.sealedModel('student')) ?? null;
        const head = peer?.log.head;
        return {
          id: node.id,
          ...node.traffic,
          modelDigest: student === null ? null : modelDigest(student),
          logSize: head?.size ?? 0,
          logRoot: head?.root ?? '',
          height: head?.height ?? 0,
        };
      }),
    );
  }

  async verifyLogs(): Promise<void> {
    const { recorder, folderOf, consortium } = this.#options;
    const verdicts: { id: NodeId; verdict: LogVerdict }[] = [];
    for (const { id } of this.#nodes) {
      const store = diskStore(folderOf(id));
      const files = {
        read: (name: string) => store.read(logPrefix + name),
        list: async () => (await store.list(logPrefix)).map((name) => name.slice(logPrefix.length)),
      };
      verdicts.push({
        id,
        verdict: await verifyLogDirectory(files, { consortium: consortium.cid }),
      });
    }
    recorder.verified(verdicts);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#nodes.map((node) => node.stop()));
  }

  #sayQuiet(quietMs: number, text: string): void {
    const { recorder, settings } = this.#options;
    const quiet = `nothing has moved for ${Math.round(quietMs / 1000)} s: ${text}`;
    const advice =
      'end other work on this machine, take fewer hospitals, or set consensus.viewTimeoutMs and peer.tickMs higher';
    if (quietMs < settings.training.roundTimeoutMs + stalledAfterDeadlineMs) {
      recorder.say('warn', `${quiet}. If it stays so: ${advice}`);
      return;
    }
    const facts = { code: 'stalled', quietMs } as const;
    this.#fail(
      new SimulateError(facts, `${quiet}. To go on: ${advice}; --resume keeps what was done`),
    );
  }

  /** Stops all nodes where they stand, as a power cut would: they go on from there together. */
  #pause(fault: HostError): void {
    this.#fail(fault);
    for (const node of this.#nodes) void node.stop().catch(() => undefined); // `stop` hears of it too
  }

  #onEvent(id: NodeId, event: PeerEvent): void {
    const { recorder } = this.#options;
    recorder.peerEvent(id, event);
    this.#watch.heard(id, event);
    if (event.kind === 'working' && event.work === 'train') this.#killIfAsked(id, event.round);
    if (event.kind === 'sealed' || event.kind === 'void') this.#restartAfter(event.round);
    if (event.kind === 'done') {
      this.#done.add(id);
      if (this.#done.size === this.#nodes.length) this.#finish();
    }
  }

  #killIfAsked(id: NodeId, round: number): void {
    const at = this.#options.recorder.roundOf(round);
    const index = this.#pendingKills.findIndex(
      (kill) => kill.node === id && kill.stage === at?.stage && kill.stageRound === at.stageRound,
    );
    if (index < 0) return;
    this.#pendingKills.splice(index, 1);
    this.#away.set(id, round);
    this.#options.recorder.killed(id, round);
    // Nobody calls where nobody is.
    for (const node of this.#nodes) if (node.id !== id) node.learnAddresses(id, []);
    void this.#node(id)
      .stop()
      .catch((error: unknown) => {
        this.#fail(error);
      });
  }

  /** Starts again, from its disk alone, whoever was killed in a round that is over. */
  #restartAfter(round: number): void {
    for (const [id, killedIn] of this.#away) {
      if (round < killedIn) continue;
      this.#away.delete(id);
      this.#options.recorder.restarted(id, round);
      void this.#restart(this.#node(id)).catch((error: unknown) => {
        this.#fail(error);
      });
    }
  }

  async #restart(node: HospitalNode): Promise<void> {
    await node.stop(); // the kill may still be closing sockets
    await node.start(false); // the other nodes told the recorder what happened meanwhile
    await this.#introduce([node]);
  }

  /** Timings that this many members can keep on this machine, and a word if they are other than asked. */
  #paced(settings: RunSettings, memberCount: number): RunSettings {
    const { clock, recorder } = this.#options;
    const paced = pacedTimings(
      settings,
      memberCount,
      measureDeliveryMs(() => clock.nowMs()),
    );
    const changed = changedTimings(settings, paced);
    if (changed.length > 0) {
      const text = `${memberCount} hospitals on this machine need longer timings: ${changed.join(', ')} ms`;
      recorder.say('info', text);
    }
    return paced;
  }

  /** Ports are chosen by the system, so addresses are told here instead of standing in the manifest. */
  async #introduce(newcomers: readonly HospitalNode[]): Promise<void> {
    const { clock, recorder } = this.#options;
    const nodes = this.#nodes.filter(({ peer }) => peer !== null);
    const { signal } = this.#over;
    const onPair = (done: number, total: number): void => {
      if (newcomers.length > 1) recorder.stageProgress('network', done, total, 'pair');
    };
    const stallMsMax = this.#connectStallMs;
    await connectAll(nodes, { clock, signal, stallMsMax, onPair }, newcomers);
  }

  #node(id: NodeId): HospitalNode {
    const found = this.#nodes.find((node) => node.id === id);
    invariant(found !== undefined, `${id} is a node of the fleet`);
    return found;
  }

  #loggerOf(id: NodeId): Logger {
    return {
      log: (level, message, facts) => {
        // Everything else is in the node's own peer.log.
        if (level === 'error') this.#options.recorder.note(id, level, message, facts ?? {});
      },
    };
  }
}
