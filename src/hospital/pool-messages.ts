/** What a worker pool and its workers say to each other, and what an entry module must look like. */
import type { Transferable } from 'node:worker_threads';
import type { HostErrorFacts } from '../host/index.ts';

/** What a job's handler gets beside its arguments. */
export interface JobContext {
  /** Aborts when the caller cancelled; a handler that does not listen is ended with its worker. */
  readonly signal: AbortSignal;
  /** Hands these buffers of the result over instead of copying them; they are gone here afterwards. */
  readonly transfer: (...buffers: Transferable[]) => void;
}

/** Reports progress of the running job. */
export type Emit = (value: unknown, transfer?: readonly Transferable[]) => void;

/** Methods of an entry module. Arguments and results are structured clones. */
export type JobHandlers = Readonly<
  Record<string, (args: never, context: JobContext) => Promise<unknown>>
>;

/** Default export of an entry module: called once in each worker. */
export type CreateHandlers = (emit: Emit) => JobHandlers | Promise<JobHandlers>;

/** To the worker. */
export type ToWorker =
  | { readonly kind: 'run'; readonly job: number; readonly method: string; readonly args: unknown }
  | { readonly kind: 'cancel'; readonly job: number };

/** From the worker. */
export type FromWorker =
  | { readonly kind: 'progress'; readonly job: number; readonly value: unknown }
  | { readonly kind: 'done'; readonly job: number; readonly result: unknown }
  | {
      readonly kind: 'failed';
      readonly job: number;
      readonly reason: string;
      readonly cause: string;
      /** The fault of the machine that made it fail, if one did. */
      readonly fault: HostErrorFacts | null;
    };

/** `workerData` of a pool's worker. */
export interface PoolWorkerData {
  /** URL of the entry module. */
  readonly entry: string;
  /** Of the worker's thread and those that it starts. */
  readonly niceness: number;
  /** Given to nobody but the entry module, which reads `workerData.data`. */
  readonly data: unknown;
}
