/** Threads that share an engine's heap and make its kernel calls with it. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { invariant, messageOf } from '../../../base/index.ts';
import { ComputeError } from '../../errors.ts';
import type { KernelWorkerData } from './kernel-worker.ts';
import type { KernelName, RawKernels, Runner } from './module.ts';
import { argumentsMax, callsMax, TaskBoard, words } from './task-board.ts';

/** All calls on this thread, one after the other. */
export function serialRunner(kernels: RawKernels): Runner {
  return {
    threads: 1,
    run: (name, calls) => {
      const kernel: (...values: number[]) => unknown = kernels[name];
      for (const call of calls) kernel(...call);
    },
    close: () => undefined,
  };
}

/** Milliseconds without any call done after which a thread counts as lost; the longest call takes seconds. */
const stallMs = 120_000;

/** The thread that asks works too, and sleeps until the others have finished. */
export class KernelPool implements Runner {
  readonly threads: number;
  readonly #workers: readonly Worker[];
  readonly #board: TaskBoard;
  readonly #names: readonly string[];
  readonly #kernels: readonly ((...values: number[]) => unknown)[];
  readonly #stallMs: number;
  #isLost = false;

  private constructor(init: PoolInit, names: readonly string[], workers: readonly Worker[]) {
    this.threads = init.threads;
    this.#workers = workers;
    this.#board = new TaskBoard(init.memory, init.board);
    this.#names = names;
    this.#kernels = names.map((name) => init.kernels[name as KernelName]);
    this.#stallMs = init.stallMs ?? stallMs;
  }

  /** @throws {ComputeError} 'thread_failed' when a thread does not start. */
  static async open(init: PoolInit): Promise<KernelPool> {
    const { module, memory, board } = init;
    const names = Object.keys(init.kernels).filter(
      (name) => typeof init.kernels[name as KernelName] === 'function',
    );
    const data: KernelWorkerData = { module, memory, board, names };
    // The worker stands beside this file, as source or compiled.
    const file = import.meta.url.endsWith('.ts') ? './kernel-worker.ts' : './kernel-worker.js';
    const workers = Array.from(
      { length: init.threads - 1 },
      () => new Worker(new URL(file, import.meta.url), { workerData: data }),
    );
    try {
      await Promise.all(workers.map((worker) => once(worker, 'message')));
    } catch (error) {
      for (const worker of workers) void worker.terminate();
      throw new ComputeError({ code: 'thread_failed', detail: messageOf(error) }, { cause: error });
    }
    for (const worker of workers) {
      // Asleep, it does not keep the program alive; its end is seen where a call of its is missed.
      worker.unref();
      worker.on('error', () => undefined);
    }
    return new KernelPool(init, names, workers);
  }

  run(kernel: KernelName, calls: readonly (readonly number[])[]): void {
    for (let from = 0; from < calls.length; from += callsMax) {
      this.#runBatch(this.#names.indexOf(kernel), calls.slice(from, from + callsMax));
    }
  }

  #runBatch(kernel: number, calls: readonly (readonly number[])[]): void {
    if (this.#isLost) throw lost();
    const { state, slots } = this.#board;
    const argumentCount = calls[0]?.length ?? 0;
    calls.forEach((call, i) => {
      invariant(call.length === argumentCount && argumentCount <= argumentsMax, 'calls are alike');
      slots.set(call, i * argumentsMax);
    });
    const start = Atomics.load(state, words.limit);
    const end = (start + calls.length) | 0;
    Atomics.store(state, words.start, start);
    Atomics.store(state, words.kernel, kernel);
    Atomics.store(state, words.argumentCount, argumentCount);
    Atomics.store(state, words.failed, 0);
    // Last: from here on the calls can be claimed.
    Atomics.store(state, words.limit, end);
    Atomics.notify(state, words.limit, calls.length - 1);
    const failure = this.#board.work(this.#kernels);
    for (;;) {
      const done = Atomics.load(state, words.done);
      if (done === end) break;
      if (Atomics.wait(state, words.done, done, this.#stallMs) !== 'timed-out') continue;
      this.#isLost = true;
      throw lost();
    }
    if (Atomics.load(state, words.failed) === 0) return;
    const detail = failure === undefined ? 'a kernel failed' : messageOf(failure);
    throw new ComputeError({ code: 'thread_failed', detail }, { cause: failure });
  }

  close(): void {
    this.#isLost = true;
    for (const worker of this.#workers) void worker.terminate();
  }
}

/** What a pool of threads is made of. */
export interface PoolInit {
  /** At least 2, with the calling one. */
  readonly threads: number;
  readonly module: WebAssembly.Module;
  /** This thread's instance of the module. */
  readonly kernels: RawKernels;
  readonly memory: WebAssembly.Memory;
  /** Address of `boardBytes` zeros. */
  readonly board: number;
  readonly stallMs?: number;
}

function lost(): ComputeError {
  return new ComputeError({ code: 'thread_failed', detail: 'a thread ended or hangs in a kernel' });
}
