/** An engine: TF.js with one backend, the operations on it, and what a program may ask of both. */
import type * as tfjs from '@tensorflow/tfjs';

import type { NativeOptions } from './heap/native/options.ts';
import type { Ops } from './ops/ops.ts';
import { computeAnew, type Repeat } from './repeat.ts';

/** Best first, as `auto` tries them; `tfjs-node` and `cpu` only when asked for. */
export const backendNames = ['cuda', 'webgpu', 'native', 'wasm', 'tfjs-node', 'cpu'] as const;

/** One of `backendNames`. */
export type BackendName = (typeof backendNames)[number];

/** What an engine is opened with; bf16 is for `native` alone. */
export interface EngineOptions extends Partial<NativeOptions> {
  /**
   * `auto` is the best that is there. `webgpu` is a graphics card; `native` is our kernels in C++ on the heap of `wasm`, the portable ones; `cpu` is
   * plain JavaScript: slow, for checking only.
   */
  readonly backend: BackendName | 'auto';
  /** Most bytes the wasm heap may grow to, so that one process can hold several. Default and most: 3.5 GiB. */
  readonly heapBytesMax?: number;
  /** Threads of our kernels, the calling one among them; results do not depend on them. Default 1: no other is started. */
  readonly threads?: number;
}

/** What an engine holds at the moment. */
export interface EngineMemory {
  /** Bytes the heap has grown to; for `webgpu` of its buffers; else of live tensors. */
  readonly heapBytes: number;
  /** Live tensors: level over the steps of a loop that does not leak. */
  readonly tensorCount: number;
}

/** An open backend. A thread has one at a time. */
export interface Engine {
  /** TF.js with this engine's backend current. */
  readonly tf: typeof tfjs;
  readonly backend: BackendName;
  /** The backend with what its rounding depends on: `native avx2 bf16`. */
  readonly backendVariant: string;
  readonly ops: Ops;
  /** Threads of our kernels; a library of another's counts as 1, whatever it starts. */
  readonly threads: number;
  readonly memory: () => EngineMemory;
  readonly repeat: Repeat;
  /** Frees what `repeat` keeps for passes to come; call when there will be no more of them. */
  readonly forget: () => void;
  /**
   * Reports what went wrong on the device since the last call; it works behind the program's back.
   *
   * @throws {ComputeError} 'gpu_failed'
   */
  readonly check: () => void;
  /** Frees the backend and all its tensors; a second call does nothing. */
  readonly close: () => void;
}

/** What a backend brings to an engine. */
export interface EngineParts extends Pick<Engine, 'ops' | 'threads' | 'close'> {
  readonly heapBytes: () => number;
  /** Of a backend that works on a device of its own; absent where the host has done the work when a call returns. */
  readonly device?: Pick<Engine, 'repeat' | 'forget' | 'check'>;
}

/** Opens a backend and makes it TF.js's current one. */
export type OpenBackend = (tf: typeof tfjs, options: EngineOptions) => Promise<EngineParts>;

const onHost: NonNullable<EngineParts['device']> = {
  repeat: computeAnew,
  forget: () => undefined,
  check: () => undefined,
};

/** The engine of these parts; `closed` is called once, after it closed. */
export function makeEngine(
  tf: typeof tfjs,
  { backend, backendVariant }: Pick<Engine, 'backend' | 'backendVariant'>,
  { ops, threads, heapBytes, close, device = onHost }: EngineParts,
  closed: () => void,
): Engine {
  let isOpen = true;
  return {
    ...{ tf, backend, backendVariant, ops, threads, ...device },
    memory: () => ({ heapBytes: heapBytes(), tensorCount: tf.memory().numTensors }),
    close: () => {
      if (!isOpen) return;
      isOpen = false;
      close();
      closed();
    },
  };
}
