/**
 * Heavy work on other threads, so that the thread with the network never blocks: libp2p drops its
 * connections after 13 s without an answer. Jobs wait in line; each worker runs one at a time; a worker that
 * died or did not stop when told is replaced when the next job needs one.
 */
import { availableParallelism } from 'node:os';
import { Worker, type Transferable } from 'node:worker_threads';
import { messageOf } from '../base/index.ts';
import { HostError } from '../host/index.ts';
import { HospitalError } from './errors.ts';
import type { FromWorker, PoolWorkerData, ToWorker } from './pool-messages.ts';

/** How a pool is made. */
export interface WorkerPoolInit {
  /** Module whose default export is a `CreateHandlers`. */
  readonly entry: URL;
  /** Most workers at once; the number of cores when absent. */
  readonly size?: number;
  /** Most jobs that may wait, 256 when absent. */
  readonly jobsMax?: number;
  /** A cancelled job must end within so long, or its worker is ended; 2000 ms when absent. */
  readonly cancelGraceMs?: number;
  /** How far the workers give way to other threads, 0 to 19: `makeThreadNice`. 0 when absent. */
  readonly niceness?: number;
  /** Structured clone for the entry module: `workerData.data`. */
  readonly data?: unknown;
}

/** Extras of one job. */
export interface JobOptions {
  /** Buffers of `args` to hand over instead of copying; they are gone here afterwards. */
  readonly transfer?: readonly Transferable[];
  /** Called with what the handler emits. */
  readonly onProgress?: (value: unknown) => void;
  readonly signal?: AbortSignal;
  /**
   * Whether it may wait for another day: it is refused unless the pool has nothing else to do, and cancelled as soon as a
   * job comes that finds no worker.
   */
  readonly isSpare?: boolean;
}

interface Job {
  readonly id: number;
  readonly method: string;
  readonly args: unknown;
  readonly options: JobOptions;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: HospitalError | HostError) => void;
}

interface Slot {
  readonly worker: Worker;
  job: Job | null;
  /** Ends a worker whose cancelled job does not. */
  graceTimer: NodeJS.Timeout | null;
}

/** See the file header. */
export class WorkerPool {
  readonly size: number;
  readonly #init: WorkerPoolInit;
  readonly #slots = new Set<Slot>();
  readonly #waiting: Job[] = [];
  #jobCount = 0;
  #closed = false;

  constructor(init: WorkerPoolInit) {
    this.#init = init;
    this.size = init.size ?? availableParallelism();
  }

  /**
   * Runs `method` of the entry module in a worker.
   *
   * @throws {HospitalError} 'job_failed' when the handler threw, a disk code when the machine made it, 'worker_crashed', 'job_cancelled', 'queue_full',
   * 'pool_closed'; 'pool_busy' for a spare job.
   */
  async run(method: string, args: unknown, options: JobOptions = {}): Promise<unknown> {
    if (this.#closed) throw new HospitalError({ code: 'pool_closed' });
    if (options.signal?.aborted === true)
      throw new HospitalError({ code: 'job_cancelled', method });
    if (options.isSpare === true && !this.#isIdle) throw new HospitalError({ code: 'pool_busy' });
    const jobsMax = this.#init.jobsMax ?? 256;
    if (this.#waiting.length >= jobsMax) throw new HospitalError({ code: 'queue_full', jobsMax });
    this.#jobCount += 1;
    const id = this.#jobCount;
    let onAbort = (): void => undefined;
    try {
      return await new Promise<unknown>((resolve, reject) => {
        const job: Job = { id, method, args, options, resolve, reject };
        onAbort = (): void => {
          this.#cancel(job);
        };
        options.signal?.addEventListener('abort', onAbort);
        this.#waiting.push(job);
        this.#assign();
      });
    } finally {
      options.signal?.removeEventListener('abort', onAbort);
    }
  }

  /** Ends all workers; running and waiting jobs are rejected with 'pool_closed'. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const job of this.#waiting.splice(0))
      job.reject(new HospitalError({ code: 'pool_closed' }));
    const slots = [...this.#slots];
    this.#slots.clear();
    for (const slot of slots) {
      slot.job?.reject(new HospitalError({ code: 'pool_closed' }));
      if (slot.graceTimer !== null) clearTimeout(slot.graceTimer);
    }
    await Promise.all(
      slots.map(async ({ worker }) => {
        // An idle worker would let the program end before it is told that the worker did.
        worker.ref();
        return worker.terminate();
      }),
    );
  }

  #assign(): void {
    while (this.#waiting.length > 0) {
      const free = [...this.#slots].find(({ job }) => job === null);
      const slot = free ?? (this.#slots.size < this.size ? this.#spawn() : null);
      if (slot === null) {
        this.#cancelSpare();
        return;
      }
      const job = this.#waiting.shift();
      if (job !== undefined) this.#give(slot, job);
    }
  }

  get #isIdle(): boolean {
    return this.#waiting.length === 0 && [...this.#slots].every(({ job }) => job === null);
  }

  /** A job waits: a worker with a spare one is to be free. */
  #cancelSpare(): void {
    for (const { job, graceTimer } of this.#slots) {
      if (job?.options.isSpare === true && graceTimer === null) this.#cancel(job);
    }
  }

  #give(slot: Slot, job: Job): void {
    slot.job = job;
    slot.worker.ref();
    const message: ToWorker = { kind: 'run', job: job.id, method: job.method, args: job.args };
    try {
      slot.worker.postMessage(message, job.options.transfer ?? []);
    } catch (error) {
      // Arguments that cannot be cloned.
      this.#free(slot);
      const facts = { method: job.method, reason: messageOf(error) };
      job.reject(new HospitalError({ code: 'job_failed', ...facts }, { cause: error }));
    }
  }

  #spawn(): Slot {
    const file = import.meta.url.endsWith('.ts') ? './pool-worker.ts' : './pool-worker.js';
    const { entry, niceness = 0, data } = this.#init;
    const workerData: PoolWorkerData = { entry: entry.href, niceness, data };
    const worker = new Worker(new URL(file, import.meta.url), { workerData });
    const slot: Slot = { worker, job: null, graceTimer: null };
    this.#slots.add(slot);
    // An idle worker does not keep the program alive.
    worker.unref();
    worker.on('message', (message: FromWorker) => {
      this.#hear(slot, message);
    });
    let reason = 'it ended';
    worker.on('error', (error: unknown) => {
      reason = messageOf(error);
    });
    worker.on('exit', (code) => {
      this.#lost(slot, code === 0 ? reason : `${reason} (exit code ${code})`);
    });
    return slot;
  }

  #hear(slot: Slot, message: FromWorker): void {
    const { job } = slot;
    if (job?.id !== message.job) return;
    if (message.kind === 'progress') {
      if (slot.graceTimer === null) job.options.onProgress?.(message.value);
      return;
    }
    this.#free(slot);
    if (message.kind === 'done') {
      job.resolve(message.result);
    } else {
      const facts = { method: job.method, reason: message.reason };
      const { cause, fault } = message;
      // A fault of the machine stays one on its way out of the worker.
      if (fault !== null) job.reject(new HostError(fault, { cause }));
      else job.reject(new HospitalError({ code: 'job_failed', ...facts }, { cause }));
    }
    this.#assign();
  }

  #free(slot: Slot): void {
    if (slot.graceTimer !== null) clearTimeout(slot.graceTimer);
    slot.graceTimer = null;
    slot.job = null;
    slot.worker.unref();
  }

  #lost(slot: Slot, reason: string): void {
    if (!this.#slots.delete(slot)) return;
    if (slot.graceTimer !== null) clearTimeout(slot.graceTimer);
    const { job } = slot;
    job?.reject(new HospitalError({ code: 'worker_crashed', method: job.method, reason }));
    this.#assign();
  }

  #cancel(job: Job): void {
    job.reject(new HospitalError({ code: 'job_cancelled', method: job.method }));
    const index = this.#waiting.indexOf(job);
    if (index >= 0) this.#waiting.splice(index, 1);
    const slot = [...this.#slots].find((candidate) => candidate.job === job);
    if (slot === undefined) return;
    const message: ToWorker = { kind: 'cancel', job: job.id };
    slot.worker.postMessage(message);
    // Computing without a pause, it does not hear us.
    slot.graceTimer = setTimeout(() => {
      void slot.worker.terminate();
    }, this.#init.cancelGraceMs ?? 2_000);
  }
}
