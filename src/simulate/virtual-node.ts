/** One machine of a virtual consortium: its disk, its clock, and the peer that runs on it, one run after the other. */
import type {
  Clock,
  Digest,
  Logger,
  NamedWork,
  NodeId,
  PureWork,
  Random,
  Store,
} from '../base/index.ts';
import type { ConsensusSettings } from '../consensus/index.ts';
import type { CryptoPort } from '../crypto/index.ts';
import {
  inlineAverager,
  Peer,
  type Averager,
  type PeerEvent,
  type PeerKeys,
  type PeerSettings,
  type Trainer,
} from '../peer/index.ts';
import {
  transportMembers,
  type SignedManifest,
  type SuccessorCheck,
  type Transport,
} from '../wire/index.ts';
import { NodeClock } from './node-clock.ts';
import { Process } from './process.ts';
import type { DiskError, VirtualDisk } from './virtual-disk.ts';
import type { VirtualNetwork } from './virtual-network.ts';

/** What a machine is made of. */
export interface NodeParts {
  readonly id: NodeId;
  /** Its keys when it starts. */
  readonly keys: () => PeerKeys;
  readonly consortium: SignedManifest;
  readonly code: Digest;
  readonly consensus: ConsensusSettings;
  readonly settings: PeerSettings;
  readonly time: Clock;
  readonly network: VirtualNetwork;
  readonly disk: VirtualDisk;
  readonly crypto: CryptoPort;
  readonly pure: PureWork;
  readonly named: NamedWork;
  /** What all nodes share of the heavy work. */
  readonly share: (averager: Averager) => Averager;
  readonly random: Random;
  /** Made once for each run, on that run's clock and its disk. */
  readonly trainer: (clock: Clock, store: Store) => Trainer;
  /** Its end of the network as it uses it: watched, or made worse. */
  readonly bend: (transport: Transport) => Transport;
  /** Its disk as it uses it. */
  readonly bendStore: (store: Store) => Store;
  /** How its members may change; null where they do not. */
  readonly membership: NodeMembership | null;
  readonly onEvent: (event: PeerEvent) => void;
  /** Its program has done something since this was called last. */
  readonly onWake: () => void;
}

/** What a machine needs in a world whose members change. */
export interface NodeMembership {
  readonly succeed: SuccessorCheck;
  /** Later versions of the manifest that its operator knows when it starts. */
  readonly knownVersions: () => readonly SignedManifest[];
  /** The key that it shows to the others when it starts. */
  readonly transportKey: () => Uint8Array;
  readonly onMembers: (inForce: SignedManifest) => void;
}

/** Lines of a node's log that are kept, the latest. */
const logLinesMax = 200;

/** See the file's header. */
export class VirtualNode {
  readonly id: NodeId;
  readonly disk: VirtualDisk;
  readonly clock: NodeClock;
  /** The latest lines of its log. */
  readonly log: string[] = [];
  /** What made a peer stop that nobody had told to. */
  readonly failures: unknown[] = [];
  /** The disk's error that stopped the present run. */
  diskError: DiskError | null = null;
  /** Whether the present run has carried out the plan and holds all of it. */
  isDone = false;
  /** How often it was started. */
  runs = 0;
  /** Bytes of all its runs. */
  sentBytes = 0;
  receivedBytes = 0;
  readonly #parts: NodeParts;
  #latestPeer: Peer | null = null;
  #running: { peer: Peer; process: Process; transport: Transport } | null = null;

  constructor(parts: NodeParts) {
    this.#parts = parts;
    this.id = parts.id;
    this.disk = parts.disk;
    this.clock = new NodeClock(parts.time);
  }

  /** The peer of the present run, or null. */
  get peer(): Peer | null {
    return this.#running?.peer ?? null;
  }

  /** Its end of the network in the present run, or null. */
  get transport(): Transport | null {
    return this.#running?.transport ?? null;
  }

  /** The peer of the latest run, running or not: to be looked at. */
  get latestPeer(): Peer | null {
    return this.#latestPeer;
  }

  /** Starts a program over what the disk holds; nothing happens when one runs. */
  start(): void {
    if (this.#running !== null) return;
    const { id, consortium, code, consensus, settings, network, membership } = this.#parts;
    const { crypto, pure, named } = this.#parts;
    const keys = this.#parts.keys();
    const knownVersions = membership?.knownVersions() ?? [];
    const process = new Process(this.#parts.onWake);
    const clock = this.clock.of(process);
    this.runs += 1;
    this.isDone = false;
    this.diskError = null;
    const transport = this.#parts.bend(network.join(id, process, membership?.transportKey()));
    if (membership !== null) {
      const { manifest } = knownVersions.at(-1) ?? consortium;
      transport.setMembers(transportMembers(manifest));
    }
    const disk = this.disk.open(process, (error) => {
      // As a node does: what failed is said, and the program ends before it goes on.
      this.diskError ??= error;
      this.#end();
    });
    const store = this.#parts.bendStore(disk);
    const random = this.#parts.random.fork(`run ${this.runs}`);
    const trainer = this.#parts.trainer(clock, store);
    const logger = this.#logger();
    const fail = (error: unknown): void => {
      if (!process.isAlive) return;
      this.failures.push(error);
      this.#parts.onWake();
    };
    const peer = new Peer(
      {
        ...{ clock, store, transport, trainer, logger, random, crypto, pure, named },
        averager: this.#parts.share(inlineAverager(store)),
        ...(membership && { succeed: membership.succeed }),
      },
      {
        ...{ self: id, consortium, keys, code, consensus, settings, tellsHistory: false },
        knownVersions,
        onEvent: (event) => {
          if (!process.isAlive) return;
          if (event.kind === 'done') this.isDone = true;
          this.#parts.onEvent(event);
        },
        onFailure: fail,
        onMembers: (inForce) => {
          if (process.isAlive) membership?.onMembers(inForce);
        },
      },
    );
    this.#running = { peer, process, transport };
    this.#latestPeer = peer;
    peer.start().catch(fail);
  }

  /** The power goes: what was not on the disk is lost. */
  kill(): void {
    this.#end();
    this.disk.crash();
  }

  /** Stops the program where it is: it hears of everything late. */
  pause(): void {
    this.#running?.process.pause();
  }

  /** Lets it go on. */
  resume(): void {
    this.#running?.process.resume();
  }

  #end(): void {
    if (this.#running === null) return;
    const { process, transport } = this.#running;
    const { sentBytes, receivedBytes } = transport.stats();
    this.sentBytes += sentBytes;
    this.receivedBytes += receivedBytes;
    process.kill();
    this.#parts.network.kill(this.id);
    this.#running = null;
    this.isDone = false;
  }

  #logger(): Logger {
    return {
      log: (level, message, facts) => {
        this.log.push(`${level} ${message} ${JSON.stringify(facts ?? {})}`);
        if (this.log.length > logLinesMax) this.log.shift();
      },
    };
  }
}
