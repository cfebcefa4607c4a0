/** One hospital's node: its folder, its libp2p host, its peer. Can be stopped and started again over the same folder. */
import {
  base64,
  invariant,
  seededRandom,
  type Clock,
  type Digest,
  type Logger,
  type NodeId,
} from '../base/index.ts';
import { generateEd25519, systemCrypto } from '../crypto/index.ts';
import { diskStore, fileLogger, type HostError } from '../host/index.ts';
import {
  HospitalTrainer,
  OwnResultJobs,
  workerAverager,
  type WorkerPool,
} from '../hospital/index.ts';
import {
  openLibp2pTransport,
  type Libp2pTransport,
  type MemberLink,
  type ProbeReport,
} from '../network/index.ts';
import { Peer, type PeerEvent } from '../peer/index.ts';
import {
  memberOf,
  transportMembers,
  type SignedManifest,
  type TransportStats,
} from '../wire/index.ts';
import type { NodeMember } from './member-keys.ts';
import type { NodeSettings } from './settings.ts';
import { watched, watchedStore } from './watched-port.ts';

/** What a node is, where it lives and who hears of it. */
export interface HospitalNodeOptions {
  readonly member: NodeMember;
  /** The genesis. */
  readonly consortium: SignedManifest;
  /** Later versions of the manifest that the operator was given, oldest first. */
  readonly knownVersions?: readonly SignedManifest[];
  readonly settings: NodeSettings;
  /** Where it listens: `host:port`, or a multiaddr; port 0 takes a free one. */
  readonly listen: string;
  /** Where its peer keeps everything: `nodes/<id>` of a run, `node` of a home. */
  readonly folder: string;
  readonly code: Digest;
  readonly pool: WorkerPool;
  /** As `openAveragingPool` gives it. */
  readonly averagingPool: WorkerPool;
  readonly clock: Clock;
  /** Hears what `peer.log` in the folder keeps. */
  readonly logger: Logger;
  readonly onEvent: (event: PeerEvent) => void;
  /** A later version than the genesis is in force: at the start, and whenever the members change. */
  readonly onMembers?: (inForce: SignedManifest) => void;
  /** As of `PeerOptions`. */
  readonly isHeldBack?: () => boolean;
  readonly onFailure: (error: unknown) => void;
  /** Called before the peer knows that its disk or a worker failed. */
  readonly onFault: (fault: HostError) => void;
}

interface Running {
  readonly peer: Peer;
  readonly trainer: HospitalTrainer;
  readonly results: OwnResultJobs;
  readonly transport: Libp2pTransport;
  readonly closeLog: () => void;
}

/** A node that is off until `start`; after `stop` it can be started again, and goes on from its folder. */
export class HospitalNode {
  readonly id: NodeId;
  readonly #options: HospitalNodeOptions;
  #running: Running | null = null;
  /** Ends when the last peer has let go of the disk. */
  #stopped: Promise<void> = Promise.resolve();
  #sentBytes = 0;
  #receivedBytes = 0;

  constructor(options: HospitalNodeOptions) {
    this.id = options.member.id;
    this.#options = options;
  }

  /** Folder of the hospital's cases. */
  get casesFolder(): string {
    return `${this.#options.folder}/cases`;
  }

  get peer(): Peer | null {
    return this.#running?.peer ?? null;
  }

  /** What this hospital gets out of sealed models; null while the node is off. */
  get results(): OwnResultJobs | null {
    return this.#running?.results ?? null;
  }

  /** Bytes over the network, all starts together. */
  get traffic(): TransportStats {
    const now = this.#running?.transport.stats();
    return {
      sentBytes: this.#sentBytes + (now?.sentBytes ?? 0),
      receivedBytes: this.#receivedBytes + (now?.receivedBytes ?? 0),
    };
  }

  /** @param tellsHistory whether the peer tells again what its log holds */
  async start(tellsHistory: boolean): Promise<void> {
    const { member, consortium, settings, folder, code, pool, averagingPool } = this.#options;
    const { knownVersions = [], onMembers, isHeldBack } = this.#options;
    const { manifest } = versionOf(member, [consortium, ...knownVersions]);
    const file = fileLogger(`${folder}/peer.log`, 'info', settings.log);
    const logger: Logger = {
      log: (level, message, facts) => {
        file.log(level, message, facts);
        this.#options.logger.log(level, message, facts);
      },
    };
    const { keys } = member;
    const transport = await openLibp2pTransport({
      self: this.id,
      consortium: consortium.cid,
      members: transportMembers(manifest),
      privateKeySeed: keys.transport.seed,
      listen: this.#options.listen,
      settings: settings.network,
      logger,
    });
    const { onFault } = this.#options;
    const trainer = new HospitalTrainer({
      hospital: this.id,
      folder: this.casesFolder,
      stateFolder: `${folder}/states`,
      plan: consortium.manifest.plan,
      inference: settings.inference,
      pool,
      siteKey: keys.site,
      nodeFolder: folder,
    });
    const { plan } = consortium.manifest;
    const { inference } = settings;
    const results = new OwnResultJobs({ trainer, pool, plan, inference, nodeFolder: folder });
    const random = seededRandom(settings.seed).fork(`peer/${this.id}`);
    const peer = new Peer(
      {
        ...{ clock: this.#options.clock, transport, logger, random, crypto: systemCrypto },
        store: watchedStore(diskStore(folder), onFault),
        trainer: watched(trainer, onFault),
        averager: watched(workerAverager(averagingPool, folder), onFault),
      },
      {
        self: this.id,
        ...{ consortium, knownVersions },
        keys: { ...keys, sealPrivate: keys.seal.privateKey },
        code,
        consensus: settings.consensus,
        settings: settings.peer,
        tellsHistory,
        onEvent: this.#options.onEvent,
        ...{ ...(onMembers && { onMembers }), ...(isHeldBack && { isHeldBack }) },
        onFailure: this.#options.onFailure,
      },
    );
    this.#running = { peer, trainer, results, transport, closeLog: file.close };
    await peer.start();
  }

  /** Runs `work`, which may change the hospital's cases, while no job reads them; at once when the node is off. */
  changeCases<T>(work: () => Promise<T>): Promise<T> {
    return this.#running === null ? work() : this.#running.trainer.changeCases(work);
  }

  /** Members this node is connected to now. */
  get connected(): readonly NodeId[] {
    return this.#running?.transport.peers() ?? [];
  }

  /** How the links with all other members stand, and why; none while the node is off. */
  links(): readonly MemberLink[] {
    return this.#running?.transport.links() ?? [];
  }

  /** Tries all other members at once, as `Libp2pTransport.probe`; none while the node is off. */
  async probe(): Promise<ProbeReport[]> {
    const { transport } = this.#running ?? {};
    if (transport === undefined) return [];
    return Promise.all(transport.links().map(({ member }) => transport.probe(member)));
  }

  /** Where this node listens now. */
  addresses(): string[] {
    return this.#running?.transport.listenAddresses() ?? [];
  }

  learnAddresses(other: NodeId, addresses: readonly string[]): void {
    this.#running?.transport.learnAddresses(other, addresses);
  }

  /** Resolves when the peer has let go of the disk, also for a second caller. */
  async stop(): Promise<void> {
    if (this.#running === null) return this.#stopped;
    const { peer, results, transport, closeLog } = this.#running;
    this.#running = null;
    results.close();
    const { sentBytes, receivedBytes } = transport.stats();
    this.#sentBytes += sentBytes;
    this.#receivedBytes += receivedBytes;
    this.#stopped = peer.stop().finally(closeLog);
    await this.#stopped;
  }
}

/** The newest version that names the node's own transport key: under another nobody would know it. */
function versionOf({ id, keys }: NodeMember, versions: readonly SignedManifest[]): SignedManifest {
  const own = base64(generateEd25519(keys.transport.seed).publicKey);
  const isOwn = ({ manifest }: SignedManifest): boolean =>
    memberOf(manifest, id)?.transportKey === own;
  const found = versions.findLast(isOwn) ?? versions.at(-1);
  invariant(found !== undefined, 'a node knows the genesis');
  return found;
}
