/** Peers on an in-memory network in virtual time, with a trainer that adds a constant: rounds without learning. */
import { seededRandom, type Clock, type NodeId, type Store } from '../../src/base/index.ts';
import type { Logger } from '../../src/base/index.ts';
import { consensusDefaults } from '../../src/consensus/index.ts';
import { digestOf, systemCrypto } from '../../src/crypto/index.ts';
import {
  inlineAverager,
  Peer,
  peerDefaults,
  type PeerEvent,
  type Trainer,
  type TrainingJob,
} from '../../src/peer/index.ts';
import {
  simulatedConsortium,
  simulatedMember,
  type SimulatedMember,
} from '../../src/experiment/run/consortium.ts';
import { virtualClock, type VirtualClock } from '../../src/simulate/virtual-clock.ts';
import {
  virtualNetwork,
  type NetworkFaults,
  type VirtualNetwork,
} from '../../src/simulate/virtual-network.ts';
import { layoutOf, readModel, writeModel, type ModelWeights } from '../../src/weights/index.ts';
import { type PlanStage, type SignedManifest, type Transport } from '../../src/wire/index.ts';
import { MemoryStore } from '../audit/memory-store.ts';
import { sampleStage } from '../wire/sample-stage.ts';

/** A round's base plus `step` in every parameter; weight and speed are the test's. */
export interface ToyTrainer extends Trainer {
  step: number;
  samples: number;
  /** Samples of each head; the model has parameters of these. */
  heads: Record<string, number>;
  /** Virtual time a round takes; Infinity never ends. */
  durationMs: number;
  refuses: boolean;
  /** Local training fails. */
  fails: boolean;
}

export interface ToyNode {
  readonly member: SimulatedMember;
  readonly store: MemoryStore;
  readonly trainer: ToyTrainer;
  readonly events: PeerEvent[];
  readonly failures: unknown[];
  readonly log: string[];
  peer: Peer;
  /** The node's present end of the network. */
  transport: Transport;
}

const code = digestOf(new TextEncoder().encode('toy program'));
const otherCode = digestOf(new TextEncoder().encode('another program'));

export class PeerNetwork {
  readonly clock: VirtualClock = virtualClock(1_700_000_000_000);
  readonly network: VirtualNetwork;
  readonly consortium: SignedManifest;
  readonly nodes: Map<string, ToyNode> = new Map<string, ToyNode>();
  readonly #seed: number;
  readonly #strangers: readonly string[];
  readonly #shutOut: Readonly<Record<string, readonly string[]>>;
  readonly #bend: (transport: Transport) => Transport;

  constructor(options: {
    readonly members: number;
    readonly stages: readonly (Pick<PlanStage, 'id' | 'participants' | 'rounds'> &
      Partial<Pick<PlanStage, 'rule'>>)[];
    readonly seed?: number;
    readonly faults?: Partial<NetworkFaults>;
    readonly minParticipants?: number;
    /** Members that run another program. */
    readonly strangers?: readonly string[];
    /** For an author, the members to whom it seals a key that does not open its updates. */
    readonly shutOut?: Readonly<Record<string, readonly string[]>>;
    /** A node's end of the network, made worse. */
    readonly bend?: (transport: Transport) => Transport;
  }) {
    this.#seed = options.seed ?? 1;
    this.#strangers = options.strangers ?? [];
    this.#shutOut = options.shutOut ?? {};
    this.#bend = options.bend ?? ((transport) => transport);
    const random = seededRandom(this.#seed).fork('network');
    this.network = virtualNetwork({ clock: this.clock, random, faults: options.faults ?? {} });
    const members = Array.from({ length: options.members }, (_, i) =>
      simulatedMember(this.#seed, `L${i + 1}` as NodeId, []),
    );
    const { minParticipants = 1 } = options;
    const stages = options.stages.map((stage) => sampleStage({ minParticipants, ...stage }));
    this.consortium = simulatedConsortium(members, {
      name: 'toy',
      domain: 'toy.example',
      plan: { seed: 1, stages },
      limits: { updateBytesMax: 100_000 },
    });
    for (const member of members) this.#add(member);
  }

  node(id: string): ToyNode {
    const node = this.nodes.get(id);
    if (node === undefined) throw new Error(`no node ${id}`);
    return node;
  }

  async start(): Promise<void> {
    for (const { peer } of this.nodes.values()) await peer.start();
  }

  /** Power cut: what was not on the disk is lost. */
  async crash(id: string): Promise<void> {
    this.network.kill(id as NodeId);
    await this.node(id).peer.stop();
  }

  /** A fresh peer over the same disk. */
  async restart(id: string): Promise<void> {
    const node = this.node(id);
    this.network.revive(id as NodeId);
    node.peer = this.#peerOf(node);
    await node.peer.start();
  }

  /** Runs until every node (or those named) has reported `done`. */
  async runUntilDone(
    ids: readonly string[] = [...this.nodes.keys()],
    untilMs: number = 1_700_000_000_000 + 3_600_000,
  ): Promise<boolean> {
    const isDone = (id: string): boolean =>
      this.node(id).events.some(({ kind }) => kind === 'done');
    return this.clock.runUntil(() => ids.every(isDone), { untilMs });
  }

  /** Lets time pass until `work` settles: for what fetches over the network. */
  async complete<T>(work: Promise<T>): Promise<T> {
    let isOver = false;
    const end = (): void => {
      isOver = true;
    };
    work.then(end, end);
    await this.clock.runUntil(() => isOver);
    return work;
  }

  sealedModels(id: string): string[] {
    return this.node(id).events.flatMap((event) => (event.kind === 'sealed' ? [event.model] : []));
  }

  #add(member: SimulatedMember): void {
    const store = new MemoryStore();
    const trainer = toyTrainer(this.clock, store);
    const node = { member, store, trainer, events: [], failures: [], log: [] };
    const whole = {
      ...node,
      peer: undefined as unknown as Peer,
      transport: undefined as unknown as Transport,
    };
    whole.peer = this.#peerOf(whole);
    this.nodes.set(member.id, whole);
  }

  /** The consortium as `author` sees it: whom it shuts out has its own key there. */
  #consortiumOf(author: NodeId): SignedManifest {
    const shutOut = this.#shutOut[author] ?? [];
    const { manifest } = this.consortium;
    const own = manifest.members.find(({ id }) => id === author);
    const members = manifest.members.map((member) =>
      shutOut.includes(member.id) && own !== undefined
        ? { ...member, sealKey: own.sealKey }
        : member,
    );
    return { ...this.consortium, manifest: { ...manifest, members } };
  }

  #peerOf(node: ToyNode): Peer {
    const { id, keys } = node.member;
    const logger: Logger = {
      log: (level, message, facts) => {
        node.log.push(`${level} ${message} ${JSON.stringify(facts ?? {})}`);
      },
    };
    node.transport = this.#bend(this.network.join(id));
    return new Peer(
      {
        clock: this.clock,
        store: node.store,
        transport: node.transport,
        trainer: node.trainer,
        averager: inlineAverager(node.store),
        logger,
        random: seededRandom(this.#seed).fork(id),
        crypto: systemCrypto,
      },
      {
        self: id,
        consortium: this.#consortiumOf(id),
        keys: {
          consensus: keys.consensus,
          log: keys.log,
          witness: keys.witness,
          sealPrivate: keys.seal.privateKey,
        },
        code: this.#strangers.includes(id) ? otherCode : code,
        consensus: consensusDefaults,
        settings: peerDefaults,
        tellsHistory: false,
        onEvent: (event) => node.events.push(event),
        onFailure: (error) => node.failures.push(error),
      },
    );
  }
}

/** See `ToyTrainer`. */
export function toyTrainer(clock: Pick<Clock, 'setTimer'>, store: Store): ToyTrainer {
  /** What belongs to a head without samples stays. */
  const shift = (
    base: ModelWeights,
    by: number,
    heads: Readonly<Record<string, number>>,
  ): ModelWeights =>
    base.map((tensor) => {
      const isTrained = heads[tensor.name.split('.')[1] ?? ''] !== 0;
      return { ...tensor, data: tensor.data.map((value) => value + (isTrained ? by : 0)) };
    });
  const initial = (heads: Readonly<Record<string, number>>): ModelWeights =>
    ['w', ...Object.keys(heads).map((head) => `outs.${head}.w`)].map((name) => {
      return { name, shape: [4], data: new Float32Array(4) };
    });
  return {
    step: 0.25,
    samples: 10,
    heads: {},
    durationMs: 5_000,
    refuses: false,
    fails: false,
    async initialModel(this: ToyTrainer, _stage, into) {
      const weights = initial(this.heads);
      return { ...(await writeModel(store, into, weights)), layout: layoutOf(weights) };
    },
    prepare: () => Promise.resolve(),
    async train(this: ToyTrainer, { start, into }: TrainingJob) {
      if (this.fails) throw new Error('the loss is not finite');
      if (this.durationMs === Infinity) await new Promise(() => undefined);
      await new Promise<void>((resolve) => {
        clock.setTimer(this.durationMs, resolve);
      });
      const dataset = digestOf(new TextEncoder().encode('toy data'));
      const base = await readModel(store, start, layoutOf(initial(this.heads)));
      await writeModel(store, into, shift(base, this.step, this.heads));
      return {
        samples: this.samples,
        heads: this.heads,
        metricsMilli: { loss: 1500 },
        dataset,
      };
    },
    check(this: ToyTrainer) {
      return Promise.resolve(this.refuses ? NaN : 1);
    },
  };
}
