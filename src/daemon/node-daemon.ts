/**
 * One hospital's node as a process: its home locked, its cases taken, its peer running, its status told to the page, to commands
 * on this machine and to whoever supervises it. It goes on serving when the plan is carried out: others may need what it holds.
 */
import { join } from 'node:path';
import { messageOf, utf8, type Clock, type Digest, type Logger } from '../base/index.ts';
import { sha256 } from '../crypto/index.ts';
import type { WitnessSettings } from '../auditor/index.ts';
import { backendVariant } from '../compute/index.ts';
import { engineOptionsOf, type NodeFile } from '../config/index.ts';
import {
  DashboardError,
  serveDashboard,
  StatusFeed,
  type Dashboard,
  type DashboardSettings,
  type NodeEvent,
  type NodeView,
} from '../dashboard/index.ts';
import {
  fileLogger,
  lockFolder,
  machineFault,
  openControlSocket,
  type ControlSocket,
  type FolderLock,
  type HostError,
  type ServiceNotify,
} from '../host/index.ts';
import {
  casesFolderOf,
  imagesOf,
  OwnCaseBook,
  openAveragingPool,
  openTrainingPool,
  expertGeneration,
  type WorkerPool,
} from '../hospital/index.ts';
import { HospitalNode, nodeFolderOf, type AskedMembers, type Home } from '../node/index.ts';
import { PeerError, type Submission } from '../peer/index.ts';
import type { Plan, SignedManifest } from '../wire/index.ts';
import { controlHandler, controlSocketOf } from './control.ts';
import { DaemonError } from './errors.ts';
import { membersFact, startedFact } from './facts.ts';
import { logReader } from './log-reader.ts';
import { Membership, notListed } from './membership.ts';
import { needlessRestart } from './needless-restart.ts';
import { askOutsideWitnesses } from './outside-witnesses.ts';
import { OwnDataWatch } from './own-data.ts';
import { OwnResults, packagedDigest } from './own-results.ts';
import { RestoredHome } from './restored-home.ts';
import { superviseBy } from './supervised.ts';
import { watchNode } from './watch-node.ts';

/** A line of what happens, in plain words. */
export type NodeLine = Omit<NodeView['journal'][number], 'number'>;

/** What a node's process is made of. */
export interface DaemonOptions {
  readonly home: Home;
  /** Opens it again: keys may have been added since. */
  readonly reopen: () => Promise<Home>;
  readonly settings: NodeFile;
  readonly dashboard: DashboardSettings;
  readonly witnesses: WitnessSettings;
  readonly program: { readonly version: string; readonly code: Digest };
  readonly clock: Clock;
  readonly notify: ServiceNotify;
  readonly onLine: (line: NodeLine) => void;
}

/** Seeds what need not be secret, and must differ between nodes: it comes from the node's own public key. */
function seedOf({ member }: Home): number {
  const digest = sha256(utf8(member.transportKey));
  return new DataView(digest.buffer, digest.byteOffset).getUint32(0);
}

/** See the file's header. Use it once. */
export class NodeDaemon {
  readonly feed: StatusFeed = new StatusFeed();
  readonly #options: DaemonOptions;
  readonly #membership: Membership;
  readonly #pool: WorkerPool;
  readonly #averagingPool: WorkerPool;
  #node: HospitalNode;
  readonly #data: OwnDataWatch;
  readonly #results: OwnResults;
  /** What is open, in the order of opening; closed from the end. */
  readonly #open: { readonly name: string; readonly close: () => Promise<void> | void }[] = [];
  #log: Logger = { log: () => undefined };
  #restored: RestoredHome | null = null;
  #isRunning = false;
  /** Whether it is known that the node's own log has this version in force. */
  #isAligned = false;
  #changing: Promise<void> = Promise.resolve();
  #told = 0;
  #stop: () => void = () => undefined;
  #fail: (error: unknown) => void = () => undefined;
  readonly #ended: Promise<void>;

  /** @throws {DaemonError} as `Membership` */
  constructor(options: DaemonOptions) {
    const { home, settings, clock } = options;
    this.#options = options;
    this.#membership = new Membership(home, options.reopen);
    this.#ended = new Promise<void>((resolve, reject) => {
      this.#stop = resolve;
      this.#fail = reject;
    });
    // Awaited in `run`; a failure before that is not lost.
    this.#ended.catch(() => undefined);
    const { workers, niceness } = settings.compute;
    this.#pool = openTrainingPool(engineOptionsOf(settings.compute), workers, niceness);
    this.#averagingPool = openAveragingPool(niceness);
    this.#node = this.#makeNode();
    this.#results = this.#makeResults();
    this.#data = new OwnDataWatch({
      ...{ book: () => this.#book(), clock, labels: () => this.#membership.line.labels },
      lookEveryMs: settings.data.lookEveryS * 1000,
      storeFolder: this.#node.casesFolder,
      between: (work) => this.#node.changeCases(work),
      onFact: this.#hear,
      ...{ onFault: this.#onFault, onFailure: this.#onFailure },
    });
  }

  get node(): HospitalNode {
    return this.#node;
  }

  /** The last look at the own cases: names and reasons, for this machine's commands alone. */
  get ownData(): OwnDataWatch['last'] {
    return this.#data.last;
  }

  /**
   * Runs until `signal` fires or a command asks for the end, then ends in order.
   *
   * @throws {HostError} a fault of the machine, {DaemonError} 'paused' when one came while it ran, after ending in order;
   * whatever else kept it from starting or going on
   */
  async run(signal: AbortSignal): Promise<void> {
    signal.addEventListener('abort', () => {
      this.#stop();
    });
    try {
      await this.#start();
      if (signal.aborted) this.#stop();
      await this.#ended;
    } finally {
      await this.#close();
    }
  }

  /** Tries all members now; what they said of themselves comes from their last heartbeats. */
  async probe(): Promise<AskedMembers> {
    const reports = await this.#node.probe();
    const claims = this.feed.view.members.flatMap(({ id: member, said, link }) =>
      said === null || link?.state !== 'connected' ? [] : [{ member, ...said }],
    );
    return { reports, claims };
  }

  /** Ends `run` in order. */
  stop(): void {
    this.#stop();
  }

  async #start(): Promise<void> {
    const { home, settings, clock, notify } = this.#options;
    const lock: FolderLock = await lockFolder(home.folder);
    this.#opened('lock', () => lock.release());
    const log = fileLogger(logFileOf(home), 'info', settings.log);
    this.#log = log;
    this.#opened('log', log.close);
    const socket: ControlSocket = await openControlSocket(
      controlSocketOf(home.folder, settings),
      controlHandler(this),
    );
    // Closed last but for log and lock: whoever asked for the end learns from it that it has come.
    this.#opened('control socket', () => socket.close());
    this.#opened('workers', () => this.#pool.close());
    this.#opened('averaging worker', () => this.#averagingPool.close());
    await backendVariant(engineOptionsOf(settings.compute));
    this.#hear(startedFact(this.#options, this.#membership.inForce));
    this.#restored = await RestoredHome.open({
      ...{ home, clock, onFact: this.#hear },
      isVoter: () => this.#node.peer?.isVoter === true,
    });
    this.#opened('restored', () => this.#restored?.stop());
    this.#opened(
      'watch',
      watchNode({
        ...{ node: () => this.#node, clock, folder: home.folder, onFact: this.#hear },
        consortium: () => this.#membership.inForce,
        isRunning: () => this.#isRunning,
      }),
    );
    await this.#openPage();
    this.#opened('own cases', () => this.#data.stop());
    await this.#data.start();
    this.#opened('node', async () => {
      // A change that failed is what ended it, and told already.
      await this.#changing.catch(() => undefined);
      await this.#node.stop();
    });
    await this.#node.start(true);
    this.#isRunning = true;
    this.#alignWith(this.#node.peer?.consortium ?? this.#membership.inForce);
    await this.#changing;
    this.#say('info', `listening on ${this.#node.addresses().join(', ')}`);
    this.#opened('own results', () => {
      this.#results.stop();
    });
    this.#results.start(await packagedDigest(modelFolderIn(home)));
    const nodeFolder = nodeFolderOf(home);
    const asked = { settings: this.#options.witnesses, clock, nodeFolder, onFact: this.#hear };
    this.#opened('outside witnesses', askOutsideWitnesses(asked));
    this.#opened('supervisor', superviseBy(notify, this.feed, clock));
  }

  /** A page that cannot be served is a nuisance, and no reason to leave the others alone. */
  async #openPage(): Promise<void> {
    const { dashboard: settings, clock } = this.#options;
    if (!settings.isOn) return;
    const logger = { log: () => undefined };
    try {
      const readLog = logReader(nodeFolderOf(this.#options.home));
      const shown = { feed: this.feed, settings, clock, logger, readLog };
      const page: Dashboard = await serveDashboard(shown);
      this.#opened('page', () => page.close());
      this.#say('info', `the status of this node: ${page.url}`);
    } catch (error) {
      if (!(error instanceof DashboardError) || error.code !== 'cannot_listen') throw error;
      const text = `the page with the status is not served: ${error.message}`;
      const remedy = 'set dashboard.port in node.yaml to a free one, and start the node again';
      const atMs = clock.nowMs();
      this.#hear({ kind: 'notice', code: 'no-page', level: 'warning', text, remedy, atMs });
    }
  }

  async #close(): Promise<void> {
    this.#isRunning = false;
    this.#options.notify.stopping();
    // Who never had the home says nothing of an end: another process may run with it.
    if (this.#open.length > 0) this.#say('info', 'ending in order');
    for (const { name, close } of this.#open.reverse()) {
      try {
        await close();
      } catch (error) {
        this.#say('warning', `${name} did not close: ${messageOf(error)}`);
      }
    }
    await this.#options.notify.flushed();
  }

  #opened(name: string, close: () => Promise<void> | void): void {
    this.#open.push({ name, close });
  }

  readonly #hear = (event: NodeEvent): void => {
    this.feed.apply(event);
    this.#results.hear(event);
    for (const entry of this.feed.view.journal) {
      if (entry.number <= this.#told) continue;
      this.#told = entry.number;
      this.#write(entry);
    }
  };

  #say(level: NodeLine['level'], text: string): void {
    this.#write({ atMs: this.#options.clock.nowMs(), level, text });
  }

  #write({ atMs, level, text }: NodeLine): void {
    this.#log.log(level === 'warning' ? 'warn' : level, text);
    this.#options.onLine({ atMs, level, text });
  }

  /** What must end the node: the machine's fault, or one of this program. */
  readonly #onFailure = (error: unknown): void => {
    const fault = machineFault(error);
    if (fault !== null) this.#onFault(fault);
    else this.#fail(error);
  };

  readonly #onFault = (fault: HostError): void => {
    const words = `paused: ${fault.message}. Put that right and start the node again: it goes on from where it was`;
    this.#fail(new DaemonError({ code: 'paused' }, words, { cause: fault }));
  };

  /** Both the node and the plan may be others by the time that something is done. */
  #makeResults(): OwnResults {
    const { home, clock } = this.#options;
    const nodeNow = (): HospitalNode => this.#node;
    const planNow = (): Plan => this.#membership.inForce.manifest.plan;
    return new OwnResults({
      ...{ clock, modelFolder: modelFolderIn(home), onFact: this.#hear },
      node: {
        get peer() {
          return nodeNow().peer;
        },
        get results() {
          return nodeNow().results;
        },
      },
      get plan() {
        return planNow();
      },
    });
  }

  /** A version is in force: it is kept, told, and the node runs with the keys that it names. One change after the other. */
  #alignWith(version: SignedManifest): void {
    if (version.digest === this.#membership.inForce.digest && this.#isAligned) return;
    this.#isAligned = true;
    this.#changing = this.#changing.then(async () => {
      const { clock } = this.#options;
      const isNew = version.digest !== this.#membership.inForce.digest;
      const isRekeyed = await this.#membership.adopt(version);
      const height = this.#node.peer?.state.height ?? 0;
      if (isNew) this.#hear(membersFact(version, height, clock.nowMs()));
      if (!isRekeyed || !this.#isRunning) return;
      this.#say(
        'info',
        'this node has other keys in the version in force: starting again with them',
      );
      this.#isRunning = false;
      await this.#node.stop();
      this.#node = this.#makeNode();
      await this.#node.start(false);
      this.#isRunning = true;
      const inForce = this.#node.peer?.consortium;
      if (inForce !== undefined) this.#alignWith(inForce);
    });
    this.#changing.catch((error: unknown) => {
      this.#fail(error);
    });
  }

  /**
   * Hands a signed version to the node. A restart is refused while enough members are connected that they could decide.
   *
   * @throws {PeerError} 'not_running'
   */
  async submit(bytes: Uint8Array, isDespiteQuorum: boolean): Promise<Submission> {
    const { peer } = this.#node;
    if (peer === null) throw new PeerError({ code: 'not_running' }, 'the node is still starting');
    const refused = isDespiteQuorum ? null : needlessRestart(bytes, this.feed.view);
    return refused ?? peer.submit(bytes);
  }

  #makeNode(): HospitalNode {
    const { home, settings, program, clock } = this.#options;
    return new HospitalNode({
      member: { id: home.id, keys: this.#membership.keys },
      ...{ ...this.#membership.versions, listen: settings.listen, clock },
      ...{ pool: this.#pool, averagingPool: this.#averagingPool, code: program.code },
      settings: { ...settings, seed: seedOf(home) },
      folder: nodeFolderOf(home),
      logger: { log: () => undefined },
      onEvent: (event) => {
        this.#hear(event);
        if (event.kind === 'left') this.#fail(notListed(event.version, home.id));
      },
      onMembers: (version) => {
        // Not from inside the peer: it may have to be stopped for it.
        setImmediate(() => {
          if (this.#isRunning) this.#alignWith(version);
        });
      },
      isHeldBack: () => this.#restored?.isHeldBack === true,
      ...{ onFault: this.#onFault, onFailure: this.#onFailure },
    });
  }

  #book(): OwnCaseBook | null {
    const { home, settings } = this.#options;
    const { reading } = settings.data;
    const folder = casesFolderOf(home.folder, settings.data.folder);
    if (folder === null) return null;
    const { intensity, ...images } = imagesOf(this.#membership.inForce.manifest.plan);
    return new OwnCaseBook({
      ...{ hospital: home.id, folder, reading, images },
      at: { folder: join(nodeFolderOf(home), 'cases'), intensity, generation: expertGeneration },
      pool: this.#pool,
    });
  }
}

/** Where the lines of a home's node are kept; beside it is `peer.log` with its network's and peer's own words. */
export function logFileOf(home: Pick<Home, 'folder'>): string {
  return join(nodeFolderOf(home), 'node.log');
}

/** Where a home has its trained student. */
function modelFolderIn({ folder }: Pick<Home, 'folder'>): string {
  return join(folder, 'model');
}
