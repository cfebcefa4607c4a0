/**
 * The one queue of a peer: tasks run one at a time, in the order they came. Own events (timers, results of work) always
 * find room, as each follows from something that this node began. What members send has bounded room, each its own: a
 * message beyond it is dropped, whatever its kind, since every kind is said again until it has done its work.
 */
import type { NodeId } from '../base/index.ts';

/** Messages of one member that may wait: an honest one sends some ten for each decision. */
const messagesMax = 256;
/** Bytes of one member's messages that may wait: seven of the largest. */
const bytesMax: number = 1024 * 1024;

/** Turns that were taken are forgotten when they are so many, or when nothing waits. */
const takenMax = 1024;

/** One turn of the queue. */
export type Task = () => Promise<void> | void;

/** What of one member waits. */
interface Room {
  messages: number;
  bytes: number;
  isFull: boolean;
}

/** A task, and the room of the member whose message it is. */
interface Turn {
  readonly task: Task;
  readonly room: Room | null;
  readonly bytes: number;
  readonly onDropped?: () => void;
}

/** See the file's header. */
export class EventQueue {
  readonly #onFailure: (error: unknown) => void;
  readonly #onFull: (member: NodeId) => void;
  readonly #rooms = new Map<NodeId, Room>();
  /** What waits, from `#next` on. */
  #turns: Turn[] = [];
  #next = 0;
  /** The work on what waits, the last that was begun. */
  #work: Promise<void> = Promise.resolve();
  #isWorking = false;
  #isStopped = false;

  /**
   * @param on `failure`: a task threw, and none runs after it. `full`: a member's messages are dropped from now on, said
   * once until all that waits of it was taken
   */
  constructor(on: {
    readonly failure: (error: unknown) => void;
    readonly full: (member: NodeId) => void;
  }) {
    this.#onFailure = on.failure;
    this.#onFull = on.full;
  }

  /** Whether nothing runs any more: `stop` was called, or a task threw. */
  get isStopped(): boolean {
    return this.#isStopped;
  }

  /**
   * Runs `task` after all that came before it, never before this returns.
   *
   * @param onDropped called in its place when nothing runs any more: for whoever waits for the task
   */
  post(task: Task, onDropped?: () => void): void {
    this.#add({ task, room: null, bytes: 0, ...(onDropped && { onDropped }) });
  }

  /** As `post`, for a message of `member`; false when its room is full and the message is dropped. */
  offer(member: NodeId, bytes: number, task: Task): boolean {
    const room = this.#roomOf(member);
    if (room.messages >= messagesMax || room.bytes + bytes > bytesMax) {
      if (!room.isFull) this.#onFull(member);
      room.isFull = true;
      return false;
    }
    room.messages += 1;
    room.bytes += bytes;
    this.#add({ task, room, bytes });
    return true;
  }

  /** Runs nothing more; what waits is dropped. */
  stop(): void {
    this.#isStopped = true;
    const dropped = this.#turns.splice(this.#next);
    for (const { onDropped } of dropped) onDropped?.();
  }

  /** Resolves when the task under way, if any, is over. */
  async idle(): Promise<void> {
    await this.#work;
  }

  #roomOf(member: NodeId): Room {
    let room = this.#rooms.get(member);
    if (room === undefined) {
      room = { messages: 0, bytes: 0, isFull: false };
      this.#rooms.set(member, room);
    }
    return room;
  }

  #add(turn: Turn): void {
    if (this.#isStopped) {
      turn.onDropped?.();
      return;
    }
    this.#turns.push(turn);
    if (this.#isWorking) return;
    this.#isWorking = true;
    this.#work = Promise.resolve().then(() => this.#takeTurns());
  }

  /** Until nothing waits. Most tasks are over when they return: waiting for each would cost more than they do. */
  async #takeTurns(): Promise<void> {
    for (let turn = this.#take(); turn !== null; turn = this.#take()) {
      try {
        const work = turn.task();
        if (work !== undefined) await work;
      } catch (error) {
        this.stop();
        this.#onFailure(error);
      }
    }
    this.#isWorking = false;
  }

  #take(): Turn | null {
    const turn = this.#isStopped ? undefined : this.#turns[this.#next++];
    if (turn === undefined) {
      this.#turns = [];
      this.#next = 0;
      return null;
    }
    if (this.#next === takenMax) {
      this.#turns.splice(0, takenMax);
      this.#next = 0;
    }
    const { room, bytes } = turn;
    if (room !== null) {
      room.messages -= 1;
      room.bytes -= bytes;
      if (room.messages === 0) room.isFull = false;
    }
    return turn;
  }
}
