/**
 * One hospital's node as a process: its home locked, its cases taken, its peer running, its status told to the page, to commands
 * on this machine and to whoever supervises it. It goes on serving when the plan is carried out: others may need what it holds.
 */
import { join, resolve } from 'node:path';
import { messageOf, utf8, type Clock, type Digest, type Logger } from '../base/index.ts';
import { sha256 } from '../crypto/index.ts';
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
  imagesOf,
  OwnCaseBook,
  openAveragingPool,
  openTrainingPool,
  expertGeneration,
  type WorkerPool,
} from '../hospital/index.ts';
import {
  HospitalNode,
  nodeFolderOf,
  restoredAtMs,
  type AskedMembers,
  type Home,
} from '../node/index.ts';
import { durationText } from '../report/index.ts';
import { quorumOf, type SignedManifest } from '../wire/index.ts';
import { controlHandler, controlSocketOf } from './control.ts';
import { DaemonError } from './errors.ts';
import { OwnDataWatch } from './own-data.ts';
import { OwnResults, packagedDigest } from './own-results.ts';
import { superviseBy } from './supervised.ts';
import { watchNode } from './watch-node.ts';

/** A line of what happens, in plain words. */
export type NodeLine = Omit<NodeView['journal'][number], 'number'>;

/** What a node's process is made of. */
export interface DaemonOptions {
  readonly home: Home;
  readonly settings: NodeFile;
  readonly dashboard: DashboardSettings;
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
  readonly #consortium: SignedManifest;
  readonly #pool: WorkerPool;
  readonly #averagingPool: WorkerPool;
  readonly #node: HospitalNode;
  readonly #data: OwnDataWatch;
  readonly #results: OwnResults;
  /** What is open, in the order of opening; closed from the end. */
  readonly #open: { readonly name: string; readonly close: () => Promise<void> | void }[] = [];
  #log: Logger = { log: () => undefined };
  #isRunning = false;
  #told = 0;
  #stop: () => void = () => undefined;
  #fail: (error: unknown) => void = () => undefined;
  readonly #ended: Promise<void>;

  /** @throws {DaemonError} 'not_joined', 'not_listed' */
  constructor(options: DaemonOptions) {
    const { home, settings, clock } = options;
    this.#options = options;
    this.#consortium = consortiumOf(home);
    this.#ended = new Promise<void>((resolve, reject) => {
      this.#stop = resolve;
      this.#fail = reject;
    });
    // Awaited in `run`; a failure before that is not lost.
    this.#ended.catch(() => undefined);
    this.#pool = openTrainingPool(engineOptionsOf(settings.compute), settings.compute.workers);
    this.#averagingPool = openAveragingPool();
    this.#node = this.#makeNode();
    const { plan } = this.#consortium.manifest;
    const modelFolder = modelFolderIn(home);
    this.#results = new OwnResults({
      ...{ node: this.#node, plan, clock, modelFolder, onFact: this.#hear },
    });
    this.#data = new OwnDataWatch({
      ...{ book: this.#book(), clock, labels: home.member.labels },
      lookEveryMs: settings.data.lookEveryS * 1000,
      storeFolder: this.#node.casesFolder,
      between: (work) => this.#node.changeCases(work),
      onFact: this.#hear,
      onFault: this.#onFault,
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
    this.#hear(startedFact(this.#options, this.#consortium));
    await this.#tellRestored();
    this.#opened(
      'watch',
      watchNode({
        ...{ node: this.#node, clock, folder: home.folder, onFact: this.#hear },
        consortium: () => this.#consortium,
        isRunning: () => this.#isRunning,
      }),
    );
    await this.#openPage();
    this.#opened('own cases', () => this.#data.stop());
    await this.#data.start();
    this.#opened('node', () => this.#node.stop());
    await this.#node.start(true);
    this.#isRunning = true;
    this.#say('info', `listening on ${this.#node.addresses().join(', ')}`);
    this.#opened('own results', () => {
      this.#results.stop();
    });
    this.#results.start(await packagedDigest(modelFolderIn(home)));
    this.#opened('supervisor', superviseBy(notify, this.feed, clock));
  }

  /** A page that cannot be served is a nuisance, and no reason to leave the others alone. */
  async #openPage(): Promise<void> {
    const { dashboard: settings, clock } = this.#options;
    if (!settings.isOn) return;
    const logger = { log: () => undefined };
    try {
      const page: Dashboard = await serveDashboard({ feed: this.feed, settings, clock, logger });
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

  async #tellRestored(): Promise<void> {
    const { home, clock } = this.#options;
    const restoredMs = await restoredAtMs(home);
    if (restoredMs === null) return;
    const ago = durationText(Math.max(0, clock.nowMs() - restoredMs));
    const text = `this home was restored from a backup ${ago} ago: it votes when it has caught up and its votes are known to be its own`;
    const remedy =
      'make sure that the home it was made of runs nowhere; annulus member rotate when in doubt';
    const atMs = clock.nowMs();
    this.#hear({ kind: 'notice', code: 'restored', level: 'info', text, remedy, atMs });
  }

  async #close(): Promise<void> {
    this.#isRunning = false;
    this.#options.notify.stopping();
    this.#say('info', 'ending in order');
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

  readonly #onFault = (fault: HostError): void => {
    const words = `paused: ${fault.message}. Put that right and start the node again: it goes on from where it was`;
    this.#fail(new DaemonError({ code: 'paused' }, words, { cause: fault }));
  };

  #makeNode(): HospitalNode {
    const { home, settings, program, clock } = this.#options;
    return new HospitalNode({
      ...{ member: home, consortium: this.#consortium, listen: settings.listen, clock },
      ...{ pool: this.#pool, averagingPool: this.#averagingPool, code: program.code },
      settings: { ...settings, seed: seedOf(home) },
      folder: nodeFolderOf(home),
      logger: { log: () => undefined },
      onEvent: this.#hear,
      onFailure: (error) => {
        const fault = machineFault(error);
        if (fault !== null) this.#onFault(fault);
        else this.#fail(error);
      },
      onFault: this.#onFault,
    });
  }

  #book(): OwnCaseBook | null {
    const { home, settings } = this.#options;
    const { folder, reading } = settings.data;
    if (folder === '') return null;
    const { intensity, ...images } = imagesOf(this.#consortium.manifest.plan);
    return new OwnCaseBook({
      ...{ hospital: home.id, folder: resolve(home.folder, folder), reading, images },
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

function consortiumOf({ folder, id, manifests }: Home): SignedManifest {
  const newest = manifests.at(-1);
  if (newest === undefined) {
    throw new DaemonError(
      { code: 'not_joined', home: folder },
      `${folder}: this home has joined no consortium yet: get the signed manifest from another member, then annulus join FILE`,
    );
  }
  const { members, version } = newest.manifest;
  if (members.every((member) => member.id !== id)) {
    throw new DaemonError(
      { code: 'not_listed', version },
      `version ${version} of the manifest does not list ${id}: it has left the consortium, or was shut out; ask the other members`,
    );
  }
  return newest;
}

function startedFact(
  { home, program, clock, settings }: DaemonOptions,
  { cid, manifest }: SignedManifest,
): NodeEvent {
  return {
    ...{ kind: 'started', self: home.id, ...program, atMs: clock.nowMs() },
    ...{ manifestVersion: manifest.version, clockSkewMs: settings.peer.clockSkewMs },
    consortium: { id: cid, name: manifest.name },
    members: manifest.members.map((member) => ({ id: member.id, addresses: member.addresses })),
    quorum: quorumOf(manifest.members.length),
    stages: manifest.plan.stages.map(({ id: stage, task, rounds }) => ({
      ...{ id: stage, task: task ?? null, rounds },
    })),
  };
}
