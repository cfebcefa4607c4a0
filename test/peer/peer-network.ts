/** Peers on an in-memory network in virtual time, with a trainer that adds a constant: rounds without learning. */
import type { Clock, NodeId, Store } from '../../src/base/index.ts';
import { digestOf, systemCrypto } from '../../src/crypto/index.ts';
import type { Peer, PeerEvent, Trainer, TrainingJob } from '../../src/peer/index.ts';
import {
  simulatedConsortium,
  simulatedMember,
  type SimulatedMember,
} from '../../src/experiment/run/consortium.ts';
import {
  VirtualWorld,
  type NetworkFaults,
  type VirtualClock,
  type VirtualNetwork,
} from '../../src/simulate/index.ts';
import { layoutOf, readModel, writeModel, type ModelWeights } from '../../src/weights/index.ts';
import { type PlanStage, type SignedManifest, type Transport } from '../../src/wire/index.ts';
import { MemoryStore } from '../audit/memory-store.ts';
import { plainImages, sampleStage } from '../wire/sample-stage.ts';

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

/** One machine of the network, with what tests reach for. */
export interface ToyNode {
  readonly member: SimulatedMember;
  readonly store: MemoryStore;
  readonly trainer: ToyTrainer;
  readonly events: PeerEvent[];
  readonly failures: unknown[];
  readonly log: string[];
  /** The peer of the latest run. */
  readonly peer: Peer;
  /** The node's present end of the network. */
  readonly transport: Transport;
}

const code = digestOf(new TextEncoder().encode('toy program'));
const otherCode = digestOf(new TextEncoder().encode('another program'));

/** A `VirtualWorld` of real keys, with disks that are maps and trainers that add a constant. */
export class PeerNetwork {
  readonly clock: VirtualClock;
  readonly network: VirtualNetwork;
  readonly consortium: SignedManifest;
  readonly nodes: ReadonlyMap<string, ToyNode>;
  readonly #world: VirtualWorld;
  readonly #shutOut: Readonly<Record<string, readonly string[]>>;

  constructor(options: {
    readonly members: number;
    readonly stages: readonly (Pick<PlanStage, 'id' | 'participants' | 'rounds'> &
      Partial<Pick<PlanStage, 'rule' | 'model'>>)[];
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
    const { seed = 1, minParticipants = 1, strangers = [], faults, bend } = options;
    this.#shutOut = options.shutOut ?? {};
    const members = Array.from({ length: options.members }, (_, at) =>
      simulatedMember(seed, `L${at + 1}` as NodeId, []),
    );
    const stages = options.stages.map((stage) => sampleStage({ minParticipants, ...stage }));
    this.consortium = simulatedConsortium(members, {
      name: 'toy',
      domain: 'toy.example',
      plan: { seed: 1, images: plainImages, stages },
      limits: { updateBytesMax: 100_000 },
    });
    const kept = new Map(members.map((member) => [member.id as string, keptOf(member)]));
    this.#world = new VirtualWorld({
      ...{ seed, consortium: this.consortium, crypto: systemCrypto },
      ...(faults && { network: faults }),
      ...(bend && { bend }),
      keysOf: (id) => {
        const { keys } = kept.get(id)!.member;
        return { ...keys, sealPrivate: keys.seal.privateKey };
      },
      codeOf: (id) => (strangers.includes(id) ? otherCode : code),
      consortiumOf: (id) => this.#consortiumOf(id),
      bendStore: (id) => kept.get(id)!.store,
      trainerOf: (id, clock) => kept.get(id)!.trainerOn(clock),
      onEvent: (id, event) => kept.get(id)!.events.push(event),
    });
    this.clock = this.#world.clock;
    this.network = this.#world.network;
    this.nodes = new Map([...kept].map(([id, own]) => [id, this.#toyNode(own)]));
  }

  node(id: string): ToyNode {
    const node = this.nodes.get(id);
    if (node === undefined) throw new Error(`no node ${id}`);
    return node;
  }

  async start(): Promise<void> {
    for (const id of this.nodes.keys()) await this.restart(id);
  }

  /** Power cut: what was not on the disk is lost. */
  async crash(id: string): Promise<void> {
    this.#world.kill(id as NodeId);
    await this.clock.advance(0);
  }

  /** A fresh peer over the same disk. */
  async restart(id: string): Promise<void> {
    this.#world.restart(id as NodeId);
    await this.clock.advance(0);
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

  #toyNode({ member, store, trainer, events }: Kept): ToyNode {
    const node = this.#world.node(member.id);
    return {
      ...{ member, store, trainer, events, failures: node.failures, log: node.log },
      get peer() {
        return node.latestPeer!;
      },
      get transport() {
        return node.transport!;
      },
    };
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
}

/** What stays of a node when its program ends. */
interface Kept {
  readonly member: SimulatedMember;
  readonly store: MemoryStore;
  readonly events: PeerEvent[];
  /** The one trainer of all its runs. */
  readonly trainer: ToyTrainer;
  /** The same, which from now on goes by this clock: that of a new run. */
  readonly trainerOn: (clock: Clock) => ToyTrainer;
}

function keptOf(member: SimulatedMember): Kept {
  const store = new MemoryStore();
  let present: Clock | null = null;
  const trainer = toyTrainer({ setTimer: (...timer) => present!.setTimer(...timer) }, store);
  const trainerOn = (clock: Clock): ToyTrainer => {
    present = clock;
    return trainer;
  };
  return { member, store, events: [], trainer, trainerOn };
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
