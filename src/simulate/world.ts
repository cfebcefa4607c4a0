/**
 * A consortium of virtual machines in one process: the very `Peer` of a real node on every one of them, virtual time, and
 * faults as data. Whoever asks for the record of a run calls `simulateConsortium`; tests that reach in build a world.
 */
import {
  invariant,
  seededRandom,
  utf8,
  type Clock,
  type Digest,
  type NodeId,
  type Random,
  type Store,
} from '../base/index.ts';
import { consensusDefaults, type ConsensusSettings } from '../consensus/index.ts';
import { digestOf, type CryptoPort } from '../crypto/index.ts';
import {
  peerDefaults,
  type PeerEvent,
  type PeerKeys,
  type PeerSettings,
  type Trainer,
} from '../peer/index.ts';
import {
  changeBetween,
  verifySuccessor,
  type SignedManifest,
  type Topic,
  type Transport,
} from '../wire/index.ts';
import { FaultSchedule } from './fault-schedule.ts';
import { endOf, type Fault } from './faults.ts';
import { MembershipOffice, peerKeysOf, type WorldMembership } from './membership.ts';
import { Invariants } from './invariants.ts';
import { sharedByName, sharedChecks, sharedWork } from './shared-work.ts';
import { virtualClock, type VirtualClock } from './virtual-clock.ts';
import { BytePool, soundDisk, VirtualDisk, type DiskFaults } from './virtual-disk.ts';
import {
  calmNetwork,
  virtualNetwork,
  type NetworkFaults,
  type VirtualNetwork,
} from './virtual-network.ts';
import { lineOf } from './members.ts';
import { VirtualNode, type NodeMembership } from './virtual-node.ts';

/** Virtual time begins here, ms since 1970: 14 November 2023. */
export const worldStartMs = 1_700_000_000_000;

/** A member with other keys starts again so long after they are in force, ms. */
const keyChangeMs = 1_000;

/** A world's members and how they are made. */
export interface WorldOptions {
  readonly seed: number;
  readonly consortium: SignedManifest;
  readonly keysOf: (id: NodeId) => PeerKeys;
  /** How the members change; they do not when absent. Then `keysOf` is not asked. */
  readonly membership?: WorldMembership;
  readonly crypto: CryptoPort;
  /** The learning of a member, on the clock and the disk of one run of its program. */
  readonly trainerOf: (id: NodeId, clock: Clock, store: Store) => Trainer;
  /** `calmNetwork` where absent. */
  readonly network?: Partial<NetworkFaults>;
  /** `soundDisk` where absent. */
  readonly disk?: Partial<DiskFaults>;
  readonly consensus?: ConsensusSettings;
  readonly settings?: Partial<PeerSettings>;
  /** Digest of the program that a member runs; one for all when absent. */
  readonly codeOf?: (id: NodeId) => Digest;
  /** The consortium as a member sees it; the same for all when absent. */
  readonly consortiumOf?: (id: NodeId) => SignedManifest;
  /** A member's end of the network, made worse. */
  readonly bend?: (transport: Transport) => Transport;
  /** A member's disk as its program uses it, made worse. */
  readonly bendStore?: (id: NodeId, store: Store) => Store;
  /** What goes wrong, and when. */
  readonly faults?: readonly Fault[];
  /** Members that a test makes lie: their statements may contradict each other. */
  readonly liars?: readonly NodeId[];
  readonly onEvent?: (id: NodeId, event: PeerEvent, atMs: number) => void;
  /** A fault begins or ends; a node that stopped for its disk is told as a fault of it. */
  readonly onFault?: (fault: Fault, isBegin: boolean, atMs: number) => void;
}

/** How a run of a world ended. */
export type WorldOutcome = 'done' | 'violation' | 'late';

/** See the file's header. */
export class VirtualWorld {
  readonly clock: VirtualClock = virtualClock(worldStartMs);
  readonly network: VirtualNetwork;
  readonly nodes: ReadonlyMap<NodeId, VirtualNode>;
  readonly invariants: Invariants;
  readonly #options: WorldOptions;
  readonly #random: Random;
  readonly #pure = sharedWork();
  readonly #named = sharedByName();
  readonly #share = sharedChecks();
  readonly #touched = new Set<VirtualNode>();
  readonly #faults: FaultSchedule;
  readonly #office: MembershipOffice | null;
  readonly #healCuts = new Map<Fault, () => void>();

  constructor(options: WorldOptions) {
    this.#options = options;
    this.#random = seededRandom(options.seed).fork('world');
    const random = this.#random.fork('network');
    this.network = virtualNetwork({ clock: this.clock, random, faults: options.network ?? {} });
    const { manifest } = options.consortium;
    this.invariants = new Invariants({
      genesis: options.consortium,
      verify: options.crypto.verify,
      succeed: options.membership?.succeed ?? verifySuccessor,
      pure: this.#pure,
      liars: new Set(options.liars),
    });
    const pool = new BytePool();
    const joining = (options.membership?.changes ?? []).flatMap(({ kind, node }) =>
      kind === 'join' ? [node] : [],
    );
    const ids = new Set([...manifest.members.map(({ id }) => id), ...joining]);
    this.#office = options.membership === undefined ? null : this.#officeOf(options.membership);
    this.nodes = new Map([...ids].map((id) => [id, this.#nodeOf(id, pool)]));
    this.#faults = new FaultSchedule(this.clock, options.faults ?? [], (fault, isBegin) => {
      this.#changed(fault, isBegin);
    });
  }

  /** Whose world it is. */
  get consortium(): SignedManifest {
    return this.#options.consortium;
  }

  /** A member's machine. */
  node(id: NodeId): VirtualNode {
    const node = this.nodes.get(id);
    invariant(node !== undefined, `${id} is a member`);
    return node;
  }

  /** Starts all that are not kept down by a fault. */
  start(): void {
    for (const { id } of this.consortium.manifest.members) this.#startIfWell(id);
  }

  /**
   * Lets time pass until every node has carried out the plan and all faults are over, or an invariant is broken.
   *
   * @param untilMs 'late' when it takes longer, ms from the start of the world
   * @param isEnough ends the run earlier, as done
   */
  async run(untilMs: number, isEnough: () => boolean = () => this.isDone()): Promise<WorldOutcome> {
    const calmAtMs = worldStartMs + endOf(this.#options.faults ?? []);
    const isOver = (): boolean => {
      this.#look();
      if (this.invariants.violation !== null) return true;
      return this.clock.nowMs() >= calmAtMs && isEnough();
    };
    const limits = { untilMs: worldStartMs + untilMs, maxTimers: Infinity };
    const isDone = await this.clock.runUntil(isOver, limits);
    if (isDone && this.invariants.violation === null) await this.#foldAll();
    if (this.invariants.violation !== null) return 'violation';
    return isDone ? 'done' : 'late';
  }

  /** Whether every member's node has carried out the plan, and every change of the members is in force. */
  isDone(): boolean {
    if (this.#office?.isDone === false) return false;
    return this.#latest().manifest.members.every(({ id }) => this.node(id).isDone);
  }

  /** The latest version of the manifest that is in force at some node. */
  #latest(): SignedManifest {
    const latest = this.invariants.versions.at(-1);
    invariant(latest !== undefined, 'the genesis is in force from the beginning');
    return latest;
  }

  #officeOf(membership: WorldMembership): MembershipOffice {
    return new MembershipOffice({
      ...{ clock: this.clock, membership, latest: () => this.#latest() },
      submit: (previous, bytes) => {
        for (const { id } of previous.manifest.members) {
          const { peer } = this.node(id);
          if (peer?.consortium.digest !== previous.digest) continue;
          // It may stop before it answers: the office hands in again what is not in force.
          peer.submit(bytes).catch(() => undefined);
          return;
        }
      },
    });
  }

  /** A node goes by a later version: newcomers start, and who has other keys starts again with them. */
  #entered(id: NodeId, inForce: SignedManifest): void {
    const before = this.#latest();
    const { version } = inForce.manifest;
    const height = this.node(id).latestPeer?.log.heightOf(version) ?? 0;
    this.invariants.entered(id, inForce, height);
    if (this.#latest() === before) return;
    const { joined, renewed } = changeBetween(before.manifest, inForce.manifest);
    for (const one of joined) {
      this.clock.setTimer(0, () => {
        // Who comes back was here before: its peer stopped by itself.
        if (this.node(one).peer !== null) this.kill(one);
        this.#startIfWell(one);
      });
    }
    for (const one of renewed) {
      this.clock.setTimer(keyChangeMs, () => {
        if (this.node(one).peer === null) return;
        this.kill(one);
        this.#startIfWell(one);
      });
    }
  }

  /** Cuts the power of a node. */
  kill(id: NodeId): void {
    const node = this.node(id);
    this.#look();
    const height = node.peer?.state.height ?? 0;
    node.kill();
    this.invariants.crashed(id, height, (name) => node.disk.durable(name));
  }

  /** Starts a node over its disk. */
  restart(id: NodeId): void {
    this.invariants.started(id);
    this.node(id).start();
  }

  // Nodes.

  #nodeOf(id: NodeId, pool: BytePool): VirtualNode {
    const { consortium, seed, disk: faults } = this.#options;
    const random = seededRandom(seed).fork(id);
    const disk = new VirtualDisk(this.clock, random.fork('disk'), pool);
    disk.setFaults(faults ?? {});
    const node: VirtualNode = new VirtualNode({
      ...{ id, disk, random, network: this.network, time: this.clock },
      keys: () => {
        const office = this.#office;
        return office === null ? this.#options.keysOf(id) : peerKeysOf(office.memberNow(id));
      },
      membership: this.#membershipOf(id),
      consortium: this.#options.consortiumOf?.(id) ?? consortium,
      code: this.#options.codeOf?.(id) ?? digestOf(utf8('the program of this world')),
      consensus: this.#options.consensus ?? consensusDefaults,
      settings: { ...peerDefaults, ...this.#options.settings },
      crypto: this.#options.crypto,
      pure: this.#pure,
      named: this.#named,
      share: this.#share,
      trainer: (clock, store) => this.#options.trainerOf(id, this.#slowed(id, clock), store),
      bend: (transport) => {
        const watched = this.#watched(id, transport);
        return this.#options.bend?.(watched) ?? watched;
      },
      bendStore: (store) => this.#options.bendStore?.(id, store) ?? store,
      onEvent: (event) => {
        this.invariants.told(id, event);
        this.#options.onEvent?.(id, event, this.clock.nowMs());
      },
      onWake: () => {
        this.#touched.add(node);
      },
    });
    return node;
  }

  #membershipOf(id: NodeId): NodeMembership | null {
    const { membership } = this.#options;
    const office = this.#office;
    if (membership === undefined || office === null) return null;
    return {
      succeed: membership.bent ?? membership.succeed,
      // A founder goes by its disk; who came later, or has another key, was given the manifests.
      knownVersions: () => {
        const { transportKey } = lineOf(office.memberNow(id));
        const isFounder = this.invariants.versions.every(({ manifest }) =>
          manifest.members.some((line) => line.id === id && line.transportKey === transportKey),
        );
        return isFounder ? [] : this.invariants.versions.slice(1);
      },
      transportKey: () => office.memberNow(id).keys.transport.publicKey,
      onMembers: (inForce) => {
        this.#entered(id, inForce);
      },
    };
  }

  /** All that leaves a node is looked at. */
  #watched(id: NodeId, transport: Transport): Transport {
    const look = (topic: Topic, bytes: Uint8Array): void => {
      if (topic !== 'consensus') return;
      this.invariants.sent(id, bytes, (name) => this.node(id).disk.durable(name));
    };
    const broadcast = transport.broadcast.bind(transport);
    const send = transport.send.bind(transport);
    transport.broadcast = (topic, bytes) => {
      look(topic, bytes);
      broadcast(topic, bytes);
    };
    transport.send = (to, topic, bytes) => {
      look(topic, bytes);
      send(to, topic, bytes);
    };
    return transport;
  }

  /** Training by this clock takes as much longer as faults say. */
  #slowed(id: NodeId, clock: Clock): Clock {
    return {
      nowMs: () => clock.nowMs(),
      setTimer: (delayMs, fire) => clock.setTimer(delayMs * this.#faults.slowness(id), fire),
    };
  }

  /** Looks at the nodes that did something. */
  #look(): void {
    for (const node of this.#touched) {
      const { id, peer, failures, diskError } = node;
      if (failures.length > 0) this.invariants.failed(id, failures[0]);
      if (peer !== null) this.invariants.moved(id, peer.state);
      else if (diskError !== null) this.#stopped(node);
    }
    this.#touched.clear();
  }

  /** A node stopped because its disk failed: the machine is mended, and starts again, when the disk's fault is over. */
  #stopped(node: VirtualNode): void {
    node.diskError = null;
    node.disk.crash();
    this.#startIfWell(node.id);
  }

  async #foldAll(): Promise<void> {
    for (const { id, peer } of this.nodes.values()) {
      if (peer !== null) await this.invariants.folds(id, peer);
    }
  }

  // Faults.

  #changed(fault: Fault, isBegin: boolean): void {
    this.#options.onFault?.(fault, isBegin, this.clock.nowMs());
    switch (fault.kind) {
      case 'kill':
        if (isBegin) this.kill(fault.node);
        else this.#startIfWell(fault.node);
        return;
      case 'pause':
        if (isBegin) this.node(fault.node).pause();
        else if (!this.#faults.isUnder(fault.node, 'pause')) this.node(fault.node).resume();
        return;
      case 'cut':
        if (isBegin) this.#healCuts.set(fault, this.network.cut(fault.from, fault.to));
        else this.#healCuts.get(fault)?.();
        return;
      case 'partition':
      case 'network':
        this.network.setFaults(this.#faults.network({ ...calmNetwork, ...this.#options.network }));
        this.network.partition(this.#faults.partition());
        return;
      case 'disk': {
        const base = { ...soundDisk, ...this.#options.disk };
        this.node(fault.node).disk.setFaults(this.#faults.disk(fault.node, base));
        if (!isBegin) this.#startIfWell(fault.node);
        return;
      }
      case 'clock':
        this.node(fault.node).clock.setError(this.#faults.clockError(fault.node));
        return;
      case 'slow':
        return; // asked for whenever a training begins
    }
  }

  /** Starts a node unless its power is off or its disk is bad. */
  #startIfWell(id: NodeId): void {
    if (this.node(id).peer !== null) return;
    // A newcomer's machine is not there before it is a member.
    const isKnown = this.invariants.versions.some(({ manifest }) => {
      return manifest.members.some((member) => member.id === id);
    });
    if (!isKnown) return;
    if (this.#faults.isUnder(id, 'kill') || this.#faults.isUnder(id, 'disk')) return;
    this.restart(id);
  }
}
