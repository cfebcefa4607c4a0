/**
 * A world around many machines: one thread, seeded chance, virtual time. Messages are lost, repeated,
 * delayed and cut off by partitions, nodes crash and come back from their write-ahead log only, and f keys
 * belong to an adversary. Bad times end at `calmAtMs`; then everything must be decided.
 *
 * With more than f liars, but fewer than q, agreement and progress are not promised: whoever broke agreement must stand
 * convicted instead, f+1 members at least, by what honest nodes heard.
 *
 * In one file because it is one world, read top to bottom: nodes, their disks, what they do, what must hold.
 */
import {
  type Digest,
  concatBytes,
  fromUtf8,
  invariant,
  seededRandom,
  utf8,
  type Random,
} from '../../src/base/index.ts';
import {
  consensusDefaults,
  decodeMessage,
  decodeRecords,
  encodeRecord,
  SafetyRules,
  SimplexMachine,
  type CheckedMessage,
  type ConsensusMember,
  type ConsensusMessage,
  type ConsensusSettings,
  type Decision,
  type Effect,
} from '../../src/consensus/index.ts';
import { faultCountMax, isStatementBy, quorumOf, signedPart } from '../../src/wire/index.ts';
import { digestOf } from '../../src/crypto/index.ts';
import { Chaos } from './chaos.ts';
import { EventQueue } from './event-queue.ts';
import { fakeMembers, fakeSigner, fakeVerify } from './fake-keys.ts';
import { LossyNetwork } from './lossy-network.ts';
import { TwinRules } from './mutants.ts';
import { Plot } from './plot.ts';
import { Witness } from './witness.ts';

/** `plot`: wants a fork. `rollback`: an honest machine whose disk goes back in time at a restart. */
export type Adversary = 'none' | 'silent' | 'twins' | 'chaos' | 'plot' | 'rollback';

export interface SimulationOptions {
  readonly seed: number;
  readonly members?: number;
  readonly heights?: number;
  readonly adversary?: Adversary;
  /** Keys the adversary holds, fewer than q; f when absent. */
  readonly liars?: number;
  readonly makeRules?: () => SafetyRules;
  /** At the end of the bad times all honest nodes lose power at once. */
  readonly blackout?: boolean;
  /** Good times from the beginning. */
  readonly isCalm?: boolean;
  /** Restarts find an empty log. */
  readonly walLoss?: boolean;
  /** Nobody waits for the disk: messages leave at once, a record is on the disk a second later. */
  readonly writesLate?: boolean;
  /** Honest applications accept whatever is proposed. */
  readonly acceptsAnything?: boolean;
  /** Each member takes its own digest for the block before, and with it another order of leaders. */
  readonly ownOrder?: boolean;
}

export interface SimulationResult {
  /** Empty when all invariants held. Each begins with the invariant's name. */
  readonly violations: readonly string[];
  /** Keys that signed a forbidden pair. */
  readonly guilty: ReadonlySet<number>;
  /** Nodes that found votes of their key that their disk does not have. */
  readonly retired: number;
  readonly isForked: boolean;
  readonly viewMax: number;
  readonly deliveries: number;
  readonly restarts: number;
  readonly decidedAtMs: number;
  /** How long each height took, from the last honest decision of the one before to the last of its own. */
  readonly heightMs: readonly number[];
}

export const simulationCid: Digest = digestOf(utf8('simulation'));
export const genesis: Digest = digestOf(utf8('genesis'));
const settings: ConsensusSettings = {
  ...consensusDefaults,
  viewTimeoutMs: 1_000,
  viewTimeoutMsMax: 30_000,
  // The seeds at which the rare mutants are seen were found without it; the virtual world has it.
  silentLeaderMs: 1_000,
  proposeAgainMs: 0, // at once: more votes of more views are under way together
  resendMs: 400,
  resendMsMax: 4_000,
};

/** A message under way, with what its receivers need not find out again. */
export interface Packet {
  readonly bytes: Uint8Array;
  readonly checked: CheckedMessage;
}

interface Node {
  readonly index: number;
  readonly isHonest: boolean;
  readonly label: string;
  readonly makeRules: () => SafetyRules;
  machine: SimplexMachine | null;
  disk: Uint8Array;
  /** Counts restarts: what an earlier run left in the queue is void. */
  run: number;
  busyUntilMs: number;
  /** Records on their way to the disk. */
  writing: number;
  readonly timers: Map<string, number>;
  /** The application's own durable record. */
  decided: Decision[];
  isRetired: boolean;
}

/** Runs one seed to its end. */
export function simulate(options: SimulationOptions): SimulationResult {
  return new World(options).run();
}

export class World {
  readonly queue: EventQueue = new EventQueue();
  readonly random: Random;
  readonly memberCount: number;
  readonly heights: number;
  readonly violations: string[] = [];
  readonly #options: SimulationOptions;
  readonly #members: readonly ConsensusMember[];
  readonly #nodes: Node[] = [];
  readonly #chaos: Chaos | Plot | null = null;
  readonly #liars: number;
  readonly #calmAtMs: number;
  readonly #network: LossyNetwork;
  readonly #witness: Witness;
  /** More liars than agreement bears. */
  readonly #isOverrun: boolean;
  readonly #decisions: string[] = [];
  /** When the last honest node so far decided each height. */
  readonly #lastAtMs: number[] = [];
  #timerCount = 0;
  #deliveries = 0;
  #restarts = 0;
  #retired = 0;
  #viewMax = 0;
  #isForked = false;

  constructor(options: SimulationOptions) {
    this.#options = options;
    this.random = seededRandom(options.seed);
    this.memberCount = options.members ?? 4;
    this.heights = options.heights ?? 2;
    this.#members = fakeMembers(this.memberCount);
    const adversary = options.adversary ?? 'none';
    this.#liars = adversary === 'none' ? 0 : (options.liars ?? faultCountMax(this.memberCount));
    invariant(this.#liars < quorumOf(this.memberCount), 'a quorum has an honest member');
    this.#isOverrun = this.#liars > faultCountMax(this.memberCount);
    this.#calmAtMs = options.isCalm === true ? 0 : this.random.integer(12_000);
    this.#network = new LossyNetwork(this.queue, this.random, this.memberCount, () => this.isCalm);
    this.#witness = new Witness(simulationCid, this.#members, this.#liars, (what) => {
      this.#violate(what);
    });
    const makeRules = options.makeRules ?? (() => new SafetyRules());
    for (let index = 0; index < this.memberCount; index++) {
      const isHonest = index >= this.#liars;
      if (isHonest) this.#addNode(index, true, String(index), makeRules);
      else if (adversary === 'twins') {
        this.#addNode(index, false, `${index}a`, () => new TwinRules());
        this.#addNode(index, false, `${index}b`, () => new TwinRules());
      } else if (adversary === 'rollback') this.#addNode(index, false, String(index), makeRules);
    }
    if (adversary === 'chaos') this.#chaos = new Chaos(this, this.#liars);
    else if (adversary === 'plot') {
      this.#chaos = new Plot(this, this.#liars);
      this.#network.split(this.#chaos.sides);
    }
  }

  run(): SimulationResult {
    const endMs = this.#calmAtMs + (this.#isOverrun ? 60_000 : 400_000);
    for (const node of this.#nodes) this.#start(node);
    this.#network.shufflePartition();
    if (this.#options.blackout === true) {
      this.queue.after(this.#calmAtMs, () => {
        for (const node of this.#honest()) if (node.machine !== null) this.#crash(node);
      });
    }
    while (this.queue.nowMs < endMs && !this.#isDone() && this.violations.length === 0) {
      if (!this.queue.runNext()) break;
    }
    if (this.violations.length === 0 && !this.#isDone() && !this.#isOverrun) {
      const states = this.#honest().map((node) => `${node.decided.length}@${node.machine?.view}`);
      this.violations.push(`liveness: decided@view ${states.join(' ')}`);
    }
    return {
      violations: this.violations,
      guilty: this.#witness.guilty,
      retired: this.#retired,
      isForked: this.#isForked,
      viewMax: this.#viewMax,
      deliveries: this.#deliveries,
      restarts: this.#restarts,
      decidedAtMs: this.queue.nowMs,
      heightMs: this.#lastAtMs.map((atMs, at) => atMs - (this.#lastAtMs[at - 1] ?? 0)),
    };
  }

  get isCalm(): boolean {
    return this.queue.nowMs >= this.#calmAtMs;
  }

  /** Body decided at `height` as the first honest node saw it, for the adversary's eyes too. */
  decidedDigest(height: number): string | null {
    return height === 0 ? genesis : (this.#decisions[height - 1] ?? null);
  }

  members(): readonly ConsensusMember[] {
    return this.#members;
  }

  /** Gives a message to the network. `to` is a member index; a twin pair shares one. */
  transmit(
    from: number,
    to: number,
    packet: Packet,
    kind: string = packet.checked.message.t,
  ): void {
    this.#network.transmit(from, to, kind, () => {
      this.#deliver(from, to, packet);
    });
  }

  /** What leaves a sender: decoded and its own signature checked once, as a node does before it passes a message on. */
  packetOf(bytes: Uint8Array): Packet {
    const message = decodeMessage(bytes);
    this.#witness.onSaid(message);
    const isSigned = 'sig' in message && this.#isGood(message);
    return { bytes, checked: { message, isSigned } };
  }

  #isGood(message: Extract<ConsensusMessage, { readonly sig: string }>): boolean {
    const context = { cid: simulationCid, epoch: 1, members: this.#members, verify: fakeVerify };
    return isStatementBy(signedPart(message), message.i, message.sig, context);
  }

  #addNode(index: number, isHonest: boolean, label: string, makeRules: () => SafetyRules): void {
    this.#nodes.push({
      ...{ index, isHonest, label, makeRules, machine: null },
      ...{
        disk: new Uint8Array(),
        run: 0,
        busyUntilMs: 0,
        writing: 0,
        timers: new Map(),
        decided: [],
        isRetired: false,
      },
    });
  }

  #honest(): Node[] {
    return this.#nodes.filter((node) => node.isHonest);
  }

  #isDone(): boolean {
    return this.#honest().every((node) => node.decided.length >= this.heights);
  }

  #violate(what: string): void {
    this.violations.push(what);
  }

  // -------------------------------------------------------------------------------------------- nodes

  #start(node: Node): void {
    node.run++;
    node.timers.clear();
    node.busyUntilMs = this.queue.nowMs;
    node.writing = 0;
    const height = node.decided.length + 1;
    const member = this.#members[node.index]!;
    const patience = this.random.fork(`${node.label}/${node.run}`);
    const isMine = (asked: number): boolean => asked === node.decided.length + 1;
    node.machine = new SimplexMachine({
      ...{
        cid: simulationCid,
        epoch: 1,
        height,
        members: this.#members,
        self: member.id,
        settings,
      },
      signer: node.isRetired ? null : fakeSigner(member),
      verify: fakeVerify,
      random: patience.fork('resend'),
      makeRules: node.makeRules,
      application: {
        prevBodyDigest: () => this.#previousOf(node),
        suspendedBy: () => [],
        endsEpoch: () => false,
        isDue: (asked) => asked <= this.heights && isMine(asked),
        propose: (asked, view) => {
          if (asked > this.heights || !isMine(asked)) return null;
          if (!this.isCalm && patience.uniform() < 0.2) return null;
          return utf8(`good ${asked} ${view} ${node.label} ${node.run}`);
        },
        judge: (asked, body) => {
          if (!isMine(asked)) return 'wait';
          if (this.#options.acceptsAnything === true) return 'accept';
          if (!fromUtf8(body).startsWith(`good ${asked} `)) return 'reject';
          if (this.isCalm || patience.uniform() < 0.8) return 'accept';
          this.#later(node, 200, () => node.machine!.step({ kind: 'appChanged' }));
          return patience.uniform() < 0.8 ? 'wait' : 'reject';
        },
      },
    });
    try {
      const { records } = decodeRecords(node.disk);
      const isForgetful = this.#options.walLoss === true && node.isHonest;
      this.#carryOut(node, node.machine.start(isForgetful ? [] : records));
      // Cut off what a crash tore.
      node.disk = node.disk.slice(0, decodeRecords(node.disk).soundBytes);
    } catch (error) {
      this.#violate(`recovery: node ${node.label}: ${String(error)}`);
    }
    if (!this.isCalm && this.random.uniform() < 0.35) {
      this.#later(node, this.random.integer(8_000), () => this.#crash(node));
    }
    // A leader that had nothing to propose before may have something now.
    this.#later(node, 500, () => this.#nudge(node));
  }

  #previousOf(node: Node): Digest {
    if (this.#options.ownOrder === true) return digestOf(utf8(node.label));
    return node.decided.length === 0 ? genesis : digestOf(node.decided.at(-1)!.body);
  }

  #nudge(node: Node): Effect[] {
    this.#later(node, 700, () => this.#nudge(node));
    return node.machine!.step({ kind: 'appChanged' });
  }

  #crash(node: Node): Effect[] {
    node.run++;
    node.machine = null;
    this.#restarts++;
    if (this.#options.adversary === 'rollback' && !node.isHonest) this.#rollBack(node);
    const run = node.run;
    this.queue.after(this.random.integer(3_000), () => {
      if (node.run === run) this.#start(node);
    });
    return [];
  }

  /** Disk and application as they were after one of the records written so far. */
  #rollBack(node: Node): void {
    const { records } = decodeRecords(node.disk);
    const kept = records.slice(0, this.random.integer(records.length + 1));
    node.disk = concatBytes(...kept.map(encodeRecord));
    node.decided = node.decided.slice(0, kept.filter(({ t }) => t === 'DEC').length);
  }

  /** An event of this run of the node; void after a crash. */
  #later(node: Node, delayMs: number, event: () => Effect[]): void {
    const { run } = node;
    this.queue.after(delayMs, () => {
      if (node.run !== run || node.machine === null) return;
      const effects = event();
      if (node.run === run) this.#carryOut(node, effects);
    });
  }

  /** One queue of effects per node: what follows a `persist` waits for the disk. */
  #carryOut(node: Node, effects: readonly Effect[]): void {
    this.#viewMax = Math.max(this.#viewMax, node.machine?.view ?? 0);
    for (const effect of effects) {
      if (effect.kind === 'persist') {
        const bytes = encodeRecord(effect.record);
        if (this.#options.writesLate === true) {
          this.#later(node, 1_000, () => {
            node.disk = concatBytes(node.disk, bytes);
            return [];
          });
          continue;
        }
        if (!this.isCalm && this.random.uniform() < 0.01) {
          this.#tear(node, bytes);
          return;
        }
        node.writing++;
        this.#inOrder(node, this.random.integer(10), () => {
          node.disk = concatBytes(node.disk, bytes);
          node.writing--;
        });
      } else {
        this.#inOrder(node, 0, () => {
          this.#doEffect(node, effect);
        });
      }
    }
  }

  #inOrder(node: Node, delayMs: number, act: () => void): void {
    const startMs = Math.max(this.queue.nowMs, node.busyUntilMs);
    node.busyUntilMs = startMs + delayMs;
    const { run } = node;
    this.queue.after(node.busyUntilMs - this.queue.nowMs, () => {
      if (node.run === run) act();
    });
  }

  /** The power goes while a record is being written: part of it stays, or all, but nothing leaves. */
  #tear(node: Node, bytes: Uint8Array): void {
    const isIdle = node.busyUntilMs <= this.queue.nowMs && node.writing === 0;
    const isWhole = this.random.uniform() < 0.3 && isIdle;
    const keptBytes = isWhole ? bytes.byteLength : this.random.integer(bytes.byteLength);
    // What waited for the disk before this record never got there, so this one did not either.
    if (isIdle) node.disk = concatBytes(node.disk, bytes.slice(0, keptBytes));
    this.#crash(node);
  }

  #doEffect(node: Node, effect: Effect): void {
    switch (effect.kind) {
      case 'broadcast': {
        const packet = this.packetOf(effect.bytes);
        for (let to = 0; to < this.memberCount; to++) {
          if (to !== node.index) this.transmit(node.index, to, packet);
        }
        break;
      }
      case 'send': {
        const to = this.#members.findIndex((member) => member.id === effect.to);
        this.transmit(node.index, to, this.packetOf(effect.bytes), 'direct');
        break;
      }
      case 'setTimer': {
        const token = this.#timerCount++;
        node.timers.set(effect.id, token);
        this.#later(node, effect.delayMs, () => {
          if (node.timers.get(effect.id) !== token) return [];
          node.timers.delete(effect.id);
          return node.machine!.step({ kind: 'timer', id: effect.id });
        });
        break;
      }
      case 'clearTimer':
        node.timers.delete(effect.id);
        break;
      case 'decide':
        this.#onDecide(node, effect.height, effect);
        break;
      case 'findDecision': {
        const { height, from, theirs } = effect;
        const decision = node.decided[height - 1];
        if (decision === undefined) break;
        const found = { height, from, theirs, epoch: 1, ...decision };
        const event = { kind: 'foundDecision', ...found } as const;
        this.#later(node, 1, () => node.machine!.step(event));
        break;
      }
      case 'evidence':
        if (Number(effect.culprit.slice(1)) >= this.#liars) {
          this.#violate(`false-evidence: ${effect.pair.kind} against honest ${effect.culprit}`);
        }
        break;
      case 'refused':
        // On two branches of a fork the turns differ.
        if (Number(effect.from.slice(1)) >= this.#liars && !this.#isForked) {
          this.#violate(`false-refusal: of honest ${effect.from}: ${effect.reason}`);
        }
        break;
      case 'halt':
      case 'retire':
        // A twin meets the votes of its other half.
        node.isRetired = true;
        this.#retired++;
        if (node.isHonest && !this.#isForked)
          this.#violate(`${effect.kind}: node ${node.label}: ${effect.reason}`);
        break;
      case 'oversized':
        this.#violate(`size: node ${node.label}: ${effect.what} of ${effect.sizeBytes} bytes`);
        break;
      case 'persist':
        break;
    }
  }

  #onDecide(node: Node, height: number, { body, certificate }: Decision): void {
    if (height !== node.decided.length + 1) {
      this.#violate(`order: node ${node.label} decided ${height} after ${node.decided.length}`);
      return;
    }
    node.decided.push({ body, certificate });
    this.#later(node, this.random.integer(20), () => node.machine!.step({ kind: 'appChanged' }));
    if (!node.isHonest) return;
    const digest = digestOf(body);
    this.#lastAtMs[height - 1] = this.queue.nowMs;
    const agreed = (this.#decisions[height - 1] ??= digest);
    if (agreed !== digest) this.#onFork(height);
    if (!fromUtf8(body).startsWith(`good ${height} `)) this.#violate(`validity: height ${height}`);
  }

  #onFork(height: number): void {
    this.#isForked = true;
    const convicted = this.#witness.convictable;
    if (!this.#isOverrun) this.#violate(`agreement: height ${height}`);
    else if (convicted.size < 2 * quorumOf(this.memberCount) - this.memberCount) {
      this.#violate(`evidence: height ${height} forked, ${[...convicted].join(' ')} convicted`);
    }
  }

  // ------------------------------------------------------------------------------------------ network

  #deliver(from: number, to: number, { bytes, checked }: Packet): void {
    this.#deliveries++;
    if (this.#isOverrun && to >= this.#liars) this.#witness.onHeard(checked.message);
    if (to < this.#liars && this.#chaos !== null) {
      this.#chaos.onMessage(checked.message, from, to);
      return;
    }
    const nodes = this.#nodes.filter((node) => node.index === to && node.machine !== null);
    // A twin pair divides its post: one or the other or both get a message.
    const lucky = nodes.length > 1 ? this.random.integer(3) : 2;
    nodes.forEach((node, at) => {
      if (lucky !== 2 && lucky !== at) return;
      const sender = this.#members[from]!.id;
      this.#carryOut(node, node.machine!.step({ kind: 'message', from: sender, bytes, checked }));
    });
  }
}
