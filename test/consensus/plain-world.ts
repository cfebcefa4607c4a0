/**
 * Machines in virtual time with nothing going wrong but silence: each message takes `delayMs`, disks take none. What a
 * decision costs follows by arithmetic.
 */
import { seededRandom, utf8, type Digest } from '../../src/base/index.ts';
import {
  consensusDefaults,
  leaderOrder,
  SimplexMachine,
  type ConsensusMember,
  type Effect,
} from '../../src/consensus/index.ts';
import { digestOf } from '../../src/crypto/index.ts';
import { EventQueue } from './event-queue.ts';
import { fakeMembers, fakeSigner, fakeVerify } from './fake-keys.ts';

/** What a plain world is made of. */
export interface PlainOptions {
  readonly members: number;
  readonly silent?: readonly number[];
  readonly delayMs: number;
  readonly heights: number;
}

const genesis: Digest = digestOf(utf8('plain'));

/** See the file's header. */
export class PlainWorld {
  readonly queue: EventQueue = new EventQueue();
  /** When each node decided each height, by height from 1. */
  readonly decidedAtMs: number[][] = [];
  /** Leaders by height from 1 and view: indices. */
  readonly leaders: (readonly number[])[] = [];
  readonly #members: readonly ConsensusMember[];
  readonly #machines: (SimplexMachine | null)[];
  readonly #timers = new Map<string, number>();
  readonly #options: PlainOptions;
  #timerCount = 0;

  constructor(options: PlainOptions) {
    this.#options = options;
    this.#members = fakeMembers(options.members);
    this.#machines = this.#members.map((member, index) => {
      if (options.silent?.includes(index) === true) return null;
      return new SimplexMachine({
        ...{ cid: digestOf(utf8('cid')), epoch: 1, height: 1, members: this.#members },
        ...{ self: member.id, signer: fakeSigner(member), verify: fakeVerify },
        ...{ settings: consensusDefaults, random: seededRandom(index) },
        application: {
          prevBodyDigest: () => genesis,
          isDue: (height) => height <= options.heights,
          propose: (height) => (height <= options.heights ? bodyOf(height) : null),
          judge: () => 'accept',
          suspendedBy: () => [],
          endsEpoch: () => false,
        },
      });
    });
    const ids = this.#members.map(({ id }) => id);
    for (let height = 1; height <= options.heights; height++) {
      const previous = height === 1 ? genesis : digestOf(bodyOf(height - 1));
      this.leaders.push(leaderOrder(previous, height, ids));
    }
  }

  /** Runs until everything is decided, or so long. */
  run(untilMs: number): void {
    this.#machines.forEach((machine, index) => {
      if (machine !== null) this.#carryOut(index, machine.start([]));
    });
    const nodes = this.#machines.filter((machine) => machine !== null).length;
    while (this.queue.nowMs < untilMs) {
      if (this.decidedAtMs[this.#options.heights - 1]?.length === nodes) return;
      if (!this.queue.runNext()) return;
    }
  }

  #carryOut(index: number, effects: readonly Effect[]): void {
    const machine = this.#machines[index]!;
    for (const effect of effects) {
      if (effect.kind === 'broadcast') {
        this.#machines.forEach((_, to) => {
          if (to !== index) this.#send(index, to, effect.bytes);
        });
      } else if (effect.kind === 'send') {
        const to = this.#members.findIndex(({ id }) => id === effect.to);
        this.#send(index, to, effect.bytes);
      } else if (effect.kind === 'setTimer') {
        const [key, token] = [`${index}/${effect.id}`, this.#timerCount++];
        this.#timers.set(key, token);
        this.queue.after(effect.delayMs, () => {
          if (this.#timers.get(key) !== token) return;
          this.#carryOut(index, machine.step({ kind: 'timer', id: effect.id }));
        });
      } else if (effect.kind === 'clearTimer') this.#timers.delete(`${index}/${effect.id}`);
      else if (effect.kind === 'decide') {
        (this.decidedAtMs[effect.height - 1] ??= []).push(this.queue.nowMs);
      }
    }
  }

  #send(from: number, to: number, bytes: Uint8Array): void {
    const machine = this.#machines[to];
    const sender = this.#members[from]!.id;
    if (machine === null || machine === undefined) return;
    this.queue.after(this.#options.delayMs, () => {
      this.#carryOut(to, machine.step({ kind: 'message', from: sender, bytes }));
    });
  }
}

function bodyOf(height: number): Uint8Array {
  return utf8(`height ${height}`);
}
