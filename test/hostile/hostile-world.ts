/**
 * Three honest peers over real libp2p on loopback that carry out rounds, and a rogue fourth member in a thread of its own
 * that is connected to the first of them alone. Measures what a flood does to that one.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Worker } from 'node:worker_threads';
import { seededRandom, type Logger, type NodeId, type Store } from '../../src/base/index.ts';
import { consensusDefaults } from '../../src/consensus/index.ts';
import { digestOf, systemCrypto } from '../../src/crypto/index.ts';
import { diskStore, systemClock } from '../../src/host/index.ts';
import {
  networkDefaults,
  openLibp2pTransport,
  type NetworkSettings,
} from '../../src/network/index.ts';
import { inlineAverager, Peer, peerDefaults } from '../../src/peer/index.ts';
import { simulatedConsortium, simulatedMember } from '../../src/experiment/run/consortium.ts';
import { type MessageCost, type SignedManifest } from '../../src/wire/index.ts';
import { fast, pass, testMembers, until, type TestMember } from '../network/libp2p-cluster.ts';
import { toyTrainer } from '../peer/peer-network.ts';
import { plainImages, sampleStage } from '../wire/sample-stage.ts';
import type { Flood, RogueData, RogueReport } from './rogue-worker.ts';

const seed = 1;
const code = digestOf(new TextEncoder().encode('toy program'));
const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
/** The rogue never proposes: its turns are to be short. */
const consensus = { ...consensusDefaults, viewTimeoutMs: 400, resendMs: 1_000 };
/** As by default so few connections of one address a second: whom we hung up on dials again at once. */
const settings = {
  ...fast,
  reverseDialAfterMs: 600_000,
  inboundConnectionThreshold: networkDefaults.inboundConnectionThreshold,
};
/** Between two looks of the event loop at its own lateness, ms; part of what it measures. */
const resolutionMs = 10;

/** One stretch of time at the flooded peer. */
export interface Figures {
  readonly tookMs: number;
  readonly sealed: number;
  readonly delayMsMax: number;
  readonly delayMs99: number;
  readonly signatures: number;
  readonly refusals: number;
  /** Bytes read from its disk, and the most at once. */
  readonly readBytes: number;
  readonly readBytesMax: number;
  /** Lines in its log that name the rogue. */
  readonly lines: readonly string[];
  readonly sent: number;
  readonly sentBytes: number;
}

/** A peer that keeps the rules. */
export interface Honest {
  readonly peer: Peer;
  sealed: number;
}

/** See the file's header. */
export class HostileWorld {
  readonly #folder: string;
  readonly #honest: Honest[];
  readonly #rogue: Worker;
  readonly #seen: Seen;
  #report: RogueReport | null = null;

  private constructor(folder: string, honest: Honest[], rogue: Worker, seen: Seen) {
    this.#folder = folder;
    this.#honest = honest;
    this.#rogue = rogue;
    this.#seen = seen;
    rogue.on('message', (report: RogueReport) => {
      this.#report = report;
    });
  }

  /** Starts all four; the first round is sealed when it resolves. `blobBytes` is the size of a blob that L1 holds. */
  static async open(blobBytes: number): Promise<HostileWorld> {
    const folder = await mkdtemp(join(tmpdir(), 'annulus-hostile-'));
    const keyed = ['L1', 'L2', 'L3', 'L4'].map((id) => simulatedMember(seed, id as NodeId, []));
    const consortium = consortiumOf(keyed);
    const ports = await testMembers(4);
    const members = keyed.map(({ id, keys }, at): TestMember => {
      const { port, addresses } = ports[at]!;
      const transportKey = keys.transport.publicKey;
      return { id, port, addresses, transportKey, seed: keys.transport.seed };
    });
    const seen = new Seen();
    const honest: Honest[] = [];
    for (const [at, { keys, id }] of keyed.slice(0, 3).entries()) {
      honest.push(
        await openPeer({
          ...{ consortium, members, id, folder },
          keys: { ...keys, sealPrivate: keys.seal.privateKey },
          seen: at === 0 ? seen : null,
        }),
      );
    }
    const bytes = new Uint8Array(blobBytes);
    const blob = digestOf(bytes);
    await diskStore(join(folder, 'L1')).write(`blobs/${blob}`, bytes);
    const workerData: RogueData = { members, cid: consortium.cid, seed, blob };
    const rogue = new Worker(new URL(`./rogue-worker.${extension}`, import.meta.url), {
      workerData,
    });
    const world = new HostileWorld(folder, honest, rogue, seen);
    try {
      for (const { peer } of honest) await peer.start();
      await until(() => world.#report?.isReady === true, 'the rogue is connected', 40_000);
      await until(() => honest.every(({ sealed }) => sealed > 0), 'a round is sealed', 40_000);
    } catch (error) {
      await world.close();
      throw error;
    }
    return world;
  }

  /** Lets `forMs` pass, under a flood or without one; under one, more if need be until a round is sealed. */
  async measure(flood: Flood | null, forMs: number): Promise<Figures> {
    const before = this.#seen.take();
    const sealed = this.#honest[0]!.sealed;
    const delay = monitorEventLoopDelay({ resolution: resolutionMs });
    if (flood !== null) this.#rogue.postMessage(flood);
    delay.enable();
    const startMs = performance.now();
    await pass(forMs);
    // On a loaded machine a round takes longer than that.
    const hasSealed = (): boolean => flood === null || this.#honest[0]!.sealed > sealed;
    await until(hasSealed, 'a round is sealed under the flood', 30_000);
    const tookMs = Math.round(performance.now() - startMs);
    delay.disable();
    this.#report = null;
    this.#rogue.postMessage(null);
    await until(() => this.#report !== null, 'the rogue reports');
    const { sent, sentBytes } = this.#report!;
    const late = (nanoseconds: number): number =>
      Math.max(0, Math.round(nanoseconds / 1e6) - resolutionMs);
    return {
      tookMs,
      sealed: this.#honest[0]!.sealed - sealed,
      delayMsMax: late(delay.max),
      delayMs99: late(delay.percentile(99)),
      ...before,
      ...this.#seen.take(),
      sent: flood === null ? 0 : sent,
      sentBytes: flood === null ? 0 : sentBytes,
    };
  }

  async close(): Promise<void> {
    await this.#rogue.terminate();
    for (const { peer } of this.#honest) await peer.stop();
    // What a peer had begun beside its queue may still be writing.
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
  }
}

/** What is noted at the flooded peer. */
class Seen {
  signatures = 0;
  refusals = 0;
  readBytes = 0;
  readBytesMax = 0;
  lines: string[] = [];

  /** What was noted since the last call. */
  take(): Pick<Figures, 'signatures' | 'refusals' | 'readBytes' | 'readBytesMax' | 'lines'> {
    const { signatures, refusals, readBytes, readBytesMax, lines } = this;
    Object.assign(this, { signatures: 0, refusals: 0, readBytes: 0, readBytesMax: 0, lines: [] });
    return { signatures, refusals, readBytes, readBytesMax, lines };
  }

  charged({ signatures, refusal }: MessageCost): void {
    this.signatures += signatures;
    if (refusal !== undefined) this.refusals += 1;
  }

  /** `store`, with the bytes counted that are read for others. */
  watch(store: Store): Store {
    const count = (bytes: Uint8Array | null): Uint8Array | null => {
      this.readBytes += bytes?.byteLength ?? 0;
      this.readBytesMax = Math.max(this.readBytesMax, bytes?.byteLength ?? 0);
      return bytes;
    };
    const read = store.read.bind(store);
    const readPart = store.readPart.bind(store);
    // Bundles of its own two logs grow with the rounds, and are read at each of them.
    const isLog = (name: string): boolean => /^(node-)?log\//.test(name);
    store.read = async (name) => (isLog(name) ? read(name) : count(await read(name)));
    store.readPart = async (...part) => count(await readPart(...part));
    return store;
  }
}

/** A peer of the world, not started. @param init.network what its transport is set to, where it is not as usual */
export async function openPeer(init: {
  readonly consortium: SignedManifest;
  readonly members: readonly TestMember[];
  readonly id: NodeId;
  readonly folder: string;
  readonly keys: ConstructorParameters<typeof Peer>[1]['keys'];
  readonly seen?: Seen | null;
  readonly network?: Partial<NetworkSettings>;
}): Promise<Honest> {
  const { consortium, members, id, folder, keys, seen = null, network = {} } = init;
  const logger: Logger = {
    log: (level, message, facts) => {
      const line = `${level} ${message} ${JSON.stringify(facts ?? {})}`;
      if (level !== 'debug' && line.includes('"L4"')) seen?.lines.push(line);
    },
  };
  const own = members.find((member) => member.id === id)!;
  const transport = await openLibp2pTransport({
    self: id,
    consortium: consortium.cid,
    // The rogue dials, and only the first.
    members: members.map((one) => (one.id === 'L4' ? { ...one, addresses: [] } : one)),
    privateKeySeed: own.seed,
    listen: `127.0.0.1:${own.port}`,
    settings: { ...settings, ...network },
    logger,
  });
  if (seen !== null) {
    const charge = transport.charge.bind(transport);
    transport.charge = (member, cost): void => {
      if (member === 'L4') seen.charged(cost);
      charge(member, cost);
    };
  }
  const clock = systemClock();
  const store = diskStore(join(folder, id));
  // Of its own: what its work reads is not read for others.
  const workStore = diskStore(join(folder, id));
  const trainer = toyTrainer(clock, workStore);
  trainer.durationMs = 50;
  const honest: Honest = {
    sealed: 0,
    peer: new Peer(
      {
        ...{ clock, transport, trainer, logger },
        averager: inlineAverager(workStore),
        store: seen?.watch(store) ?? store,
        random: seededRandom(seed).fork(id),
        crypto: systemCrypto,
      },
      {
        ...{ self: id, consortium, keys, code, consensus },
        settings: peerDefaults,
        onEvent: (event) => {
          if (event.kind === 'sealed') honest.sealed += 1;
        },
        tellsHistory: false,
        onFailure: (error) => {
          throw error;
        },
      },
    ),
  };
  return honest;
}

/** The manifest of these members: rounds without end, of all but the rogue. */
export function consortiumOf(
  members: readonly ReturnType<typeof simulatedMember>[],
): SignedManifest {
  return simulatedConsortium(members, {
    name: 'toy',
    domain: 'toy.example',
    plan: {
      seed,
      images: plainImages,
      stages: [
        sampleStage({
          ...{ id: 'student', participants: ['L1', 'L2', 'L3'] as NodeId[] },
          ...{ rounds: 100_000, minParticipants: 2 },
        }),
      ],
    },
    limits: { updateBytesMax: 100_000 },
  });
}
