/**
 * The one queue of a peer: tasks run one at a time, in the order they came. Own events (timers, results of work) always
 * find room, as each follows from something that this node began. What members send has bounded room, each its own: a
 * message beyond it is dropped, whatever its kind, since every kind is said again until it has done its work.
 */
import type { NodeId } from '../base/index.ts';

/** Messages of one member that may wait: an honest one sends some ten for each decision. */
const messagesMax = 256;
/** Bytes of one member's messages that may wait: sixteen of the largest. */
const bytesMax: number = 1024 * 1024;

/** One turn of the queue. */
export type Task = () => Promise<void> | void;

/** What of one member waits. */
interface Room {
  messages: number;
  bytes: number;
  isFull: boolean;
}

/** See the file's header. */
export class EventQueue {
  readonly #onFailure: (error: unknown) => void;
  readonly #onFull: (member: NodeId) => void;
  readonly #rooms = new Map<NodeId, Room>();
  #last: Promise<void> = Promise.resolve();
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

  /** Runs `task` after all that came before it. */
  post(task: Task): void {
    this.#last = this.#last.then(async () => {
      if (this.#isStopped) return;
      try {
        await task();
      } catch (error) {
        this.stop();
        this.#onFailure(error);
      }
    });
  }

  /** As `post`, for a message of `member`; false when its room is full and the message is dropped. */
  offer(member: NodeId, bytes: number, task: Task): boolean {
    const room = this.#rooms.get(member) ?? { messages: 0, bytes: 0, isFull: false };
    this.#rooms.set(member, room);
    if (room.messages >= messagesMax || room.bytes + bytes > bytesMax) {
      if (!room.isFull) this.#onFull(member);
      room.isFull = true;
      return false;
    }
    room.messages += 1;
    room.bytes += bytes;
    this.post(() => {
      room.messages -= 1;
      room.bytes -= bytes;
      if (room.messages === 0) room.isFull = false;
      return task();
    });
    return true;
  }

  /** Runs nothing more; what waits is dropped. */
  stop(): void {
    this.#isStopped = true;
  }

  /** Resolves when the task under way, if any, is over. */
  async idle(): Promise<void> {
    await this.#last;
  }
}
