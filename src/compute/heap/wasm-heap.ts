/**
 * The heap of the TF.js wasm backend, shared with our kernels: tensors are pointers into it, nothing is
 * copied. TF.js does not look at a failed allocation and would write over address 0; here it is an error.
 */
import type * as tfjs from '@tensorflow/tfjs';
import type { Tensor, TensorInfo, Variable } from '@tensorflow/tfjs';

import { invariant } from '../../base/index.ts';
import { ComputeError } from '../errors.ts';

/**
 * The heap's end stays this far below 4 GiB. The allocator adds a request to the heap's end in 32 bits without looking whether
 * that wraps: nearer to 4 GiB it would hand out a block whose rest lies at the heap's beginning, over other tensors.
 */
const marginBytes = 2 ** 29;

/** Most bytes the heap grows to. */
export const heapBytesLimit: number = 2 ** 32 - marginBytes;

const pageBytes = 65_536;

/** The parts of `BackendWasm` and its Emscripten module that we stand on. */
interface WasmBackend {
  readonly wasm: {
    _malloc(bytes: number): number;
    _free(pointer: number): void;
    readonly asm: { readonly memory: WebAssembly.Memory };
  };
  readonly dataIdMap: { get(dataId: object): { memoryOffset: number } };
  refCount(dataId: object): number;
  incRef(dataId: object): void;
  disposeData(dataId: object, force: boolean): boolean;
  makeOutput(shape: number[], dtype: string): TensorInfo;
}

/** Allocation and addresses in the heap of one wasm backend. */
export class WasmHeap {
  readonly memory: WebAssembly.Memory;
  readonly #tf: typeof tfjs;
  readonly #backend: WasmBackend;
  #made: TensorInfo[] = [];

  /** Guards every allocation of the backend, its own ones too, by `heapBytesMax`. */
  constructor(tf: typeof tfjs, heapBytesMax: number) {
    const backend = tf.backend() as unknown as WasmBackend;
    invariant(tf.getBackend() === 'wasm', 'the wasm backend is the current one');
    this.#tf = tf;
    this.#backend = backend;
    this.memory = backend.wasm.asm.memory;
    // Emscripten's first call of each replaces the property, so it is made before ours is put there.
    backend.wasm._free(backend.wasm._malloc(16));
    const malloc = backend.wasm._malloc.bind(backend.wasm);
    backend.wasm._malloc = (bytes: number): number => {
      // What would wrap around inside wasm is refused before the call.
      const isWrapping = this.heapBytes + bytes > 2 ** 32 - pageBytes;
      const fits = bytes < heapBytesMax && !isWrapping;
      const pointer = fits ? malloc(Math.max(bytes, 16)) >>> 0 : 0;
      if (pointer !== 0) return pointer;
      throw new ComputeError({
        code: 'heap_exhausted',
        requestedBytes: bytes,
        heapBytes: this.heapBytes,
        heapBytesMax,
      });
    };
    const grow = this.memory.grow.bind(this.memory);
    this.memory.grow = (pages: number): number => {
      // Emscripten catches this and makes the allocation 0.
      if (this.heapBytes + pages * pageBytes > heapBytesMax) throw new RangeError('heap limit');
      return grow(pages);
    };
  }

  /** Runs a kernel; if the heap gives out halfway, what it made is freed. */
  orFree<T>(run: () => T): T {
    this.#made = [];
    try {
      return run();
    } catch (error) {
      for (const info of this.#made) this.#backend.disposeData(info.dataId, true);
      throw error;
    } finally {
      this.#made = [];
    }
  }

  /** What the heap has grown to; it never shrinks. */
  get heapBytes(): number {
    return this.memory.buffer.byteLength;
  }

  /** Address of a tensor's first element. */
  pointerOf(tensor: TensorInfo): number {
    return this.#backend.dataIdMap.get(tensor.dataId).memoryOffset;
  }

  /** As `pointerOf`, of each. */
  pointersOf(...tensors: readonly TensorInfo[]): number[] {
    return tensors.map((tensor) => this.pointerOf(tensor));
  }

  /** A new tensor info with unset values. */
  output(shape: readonly number[], dtype: 'float32' | 'int32' = 'float32'): TensorInfo {
    const info = this.#backend.makeOutput([...shape], dtype);
    this.#made.push(info);
    return info;
  }

  /** Whether no other tensor has its memory. */
  isAlone(tensor: TensorInfo): boolean {
    return this.#backend.refCount(tensor.dataId) === 1;
  }

  /** A new tensor info with the memory of another. */
  share({ dataId, shape, dtype }: TensorInfo): TensorInfo {
    this.#backend.incRef(dataId);
    return { dataId, shape, dtype };
  }

  /** Makes an info a tensor that `tf.tidy` and `numTensors` know. */
  track(info: TensorInfo): Tensor {
    return this.#tf.engine().makeTensorFromTensorInfo(info);
  }

  /** Gives a variable memory of its own, where it shares it with a clone or with what it was made from. */
  unshare(variable: Variable): void {
    if (this.isAlone(variable)) return;
    const own = this.output(variable.shape);
    const count = variable.size;
    this.words(this.pointerOf(own), count).set(this.words(this.pointerOf(variable), count));
    const tensor = this.track(own);
    variable.assign(tensor);
    tensor.dispose();
  }

  /** Runs `use` with a scratch block of `bytes`, 16-byte aligned, freed afterwards. */
  scratch<T>(bytes: number, use: (pointer: number) => T): T {
    const block = this.#backend.wasm._malloc(bytes + 16);
    try {
      return use(aligned(block));
    } finally {
      this.#backend.wasm._free(block);
    }
  }

  /** A block that lives as long as the backend. */
  allocate(bytes: number): number {
    return aligned(this.#backend.wasm._malloc(bytes + 16));
  }

  /** A view for reading and writing; stale after the next allocation. */
  words(pointer: number, count: number): Int32Array {
    return new Int32Array(this.memory.buffer, pointer, count);
  }

  /** As `words`, at an address that is a multiple of 8. */
  doubles(pointer: number, count: number): Float64Array {
    return new Float64Array(this.memory.buffer, pointer, count);
  }

  /** As `words`. */
  floats(pointer: number, count: number): Float32Array {
    return new Float32Array(this.memory.buffer, pointer, count);
  }

  zero(pointer: number, bytes: number): void {
    // By words: shared memory takes single bytes three times as long.
    new Int32Array(this.memory.buffer, pointer, bytes / 4).fill(0);
  }
}

/** The next multiple of 16; not by bits, which would turn addresses past 2 GiB negative. */
function aligned(pointer: number): number {
  return Math.ceil(pointer / 16) * 16;
}
