/**
 * Where threads find kernel calls, in the memory that they share: words for `Atomics`, then the arguments. Numbers of
 * calls only grow (and wrap around), so that a thread which comes late claims a call of now or none.
 */

/** Indices of words. */
export const words = {
  /** The next call to claim. */
  next: 0,
  /** Where claims end. */
  limit: 1,
  /** The call that the first slot holds. */
  start: 2,
  /** Calls done. */
  done: 3,
  /** The kernel's place among the names. */
  kernel: 4,
  argumentCount: 5,
  /** Not 0 after a call threw. */
  failed: 6,
} as const;

/** Calls that the board holds at once. */
export const callsMax = 256;
/** Arguments of a call at most. */
export const argumentsMax = 16;

const wordBytes = 64;
/** Bytes of a board: its words, then the arguments of `callsMax` calls. */
export const boardBytes: number = wordBytes + callsMax * argumentsMax * 8;

type Kernel = (...values: number[]) => unknown;

/** A thread's view of a board at `pointer`; the memory may grow meanwhile. */
export class TaskBoard {
  readonly state: Int32Array;
  readonly slots: Float64Array;

  constructor(memory: WebAssembly.Memory, pointer: number) {
    this.state = new Int32Array(memory.buffer, pointer, wordBytes / 4);
    this.slots = new Float64Array(memory.buffer, pointer + wordBytes, callsMax * argumentsMax);
  }

  /** Claims and makes calls until none is left; the first error, if there was one. */
  work(kernels: readonly Kernel[]): unknown {
    const { state } = this;
    let failure: unknown;
    for (;;) {
      const call = Atomics.load(state, words.next);
      const limit = Atomics.load(state, words.limit);
      if (call === limit) return failure;
      if (Atomics.compareExchange(state, words.next, call, (call + 1) | 0) !== call) continue;
      try {
        const from = ((call - Atomics.load(state, words.start)) | 0) * argumentsMax;
        const count = Atomics.load(state, words.argumentCount);
        kernels[Atomics.load(state, words.kernel)]?.(...this.slots.subarray(from, from + count));
      } catch (error) {
        failure ??= error;
        Atomics.store(state, words.failed, 1);
      }
      Atomics.add(state, words.done, 1);
      Atomics.notify(state, words.done);
    }
  }
}
