/** A thread beside an engine's: makes the kernel calls that it finds on the board, and sleeps between them. */
import { parentPort, workerData } from 'node:worker_threads';
import { TaskBoard, words } from './task-board.ts';

/** What a worker is started with. */
export interface KernelWorkerData {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly board: number;
  /** Exports in the order in which the board numbers them. */
  readonly names: readonly string[];
}

const { module, memory, board: pointer, names } = workerData as KernelWorkerData;
const exports = new WebAssembly.Instance(module, { env: { memory } }).exports as Record<
  string,
  (...values: number[]) => unknown
>;
const kernels = names.map((name) => exports[name] as (...values: number[]) => unknown);
const board = new TaskBoard(memory, pointer);
parentPort?.postMessage('ready');
for (;;) {
  const limit = Atomics.load(board.state, words.limit);
  board.work(kernels);
  Atomics.wait(board.state, words.limit, limit);
}
