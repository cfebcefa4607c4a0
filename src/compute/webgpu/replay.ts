/**
 * Passes sent to the device again without being computed anew. What the host does for a dispatch (TF.js's bookkeeping, a
 * bind group) takes it longer than most dispatches take a card, so a pass's commands are written down once, with the
 * buffers they use, and the next pass of the same key only sends them again. CUDA's graphs are the same idea.
 *
 * The buffers must stay the recording's own. An arena keeps them from all others; recordings of one shape share it, since
 * they never run at once.
 */
import type * as tfjs from '@tensorflow/tfjs';
import type { Tensor } from '@tensorflow/tfjs';

import { invariant } from '../../base/index.ts';
import type { RepeatedPass } from '../repeat.ts';
import { flush, type BufferManager, type GpuBackend } from './launcher.ts';

interface Command {
  readonly pipeline: GPUComputePipeline;
  readonly group: GPUBindGroup;
  readonly workgroups: readonly [number, number, number];
}

interface Recording {
  readonly commands: readonly Command[];
  readonly parameters: readonly GPUBuffer[];
  /** Ours, as are the outputs. */
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly (Tensor | null)[];
}

/** Recordings at once: the sets of heads that patches have labels for, with and without a structure in them. */
const recordingsMax = 16;
/** Commands sent at once: few enough that the device starts while the host still sends the rest. */
const commandsPerSubmit = 128;

/** The recordings of one device. All are forgotten where the shapes change or one more would be too many. */
export class Replays {
  readonly #tf: typeof tfjs;
  readonly #backend: GpuBackend;
  readonly #arena: Arena;
  readonly #recordings = new Map<string, Recording>();
  /** Of the inputs of all recordings. */
  #shapes = '';

  /** @param tf with the WebGPU backend current */
  constructor(tf: typeof tfjs, backend: GpuBackend) {
    this.#tf = tf;
    this.#backend = backend;
    this.#arena = new Arena(backend.bufferManager);
  }

  /** See `Repeat`. */
  run(pass: RepeatedPass): (Tensor | null)[] {
    // What is on the device already may share its memory with others.
    const areFresh = pass.inputs.every(
      ({ dataId }) => (this.#backend.tensorMap.get(dataId).values ?? null) !== null,
    );
    if (!areFresh) return pass.compute(pass.inputs);
    const shapes = pass.inputs.map(({ shape, dtype }) => `${dtype} ${shape.join('x')}`).join();
    const parameters = pass.parameters.map((parameter) => this.#bufferOf(parameter));
    const known = this.#recordings.get(pass.key);
    const fits =
      shapes === this.#shapes &&
      (known?.parameters.every((buffer, i) => buffer === parameters[i]) ?? true) &&
      this.#recordings.size < recordingsMax;
    if (!fits) this.forget();
    this.#shapes = shapes;
    const recording = fits && known !== undefined ? known : this.#record(pass, parameters);
    if (recording === known) this.#replay(recording, pass.inputs);
    else this.#recordings.set(pass.key, recording);
    return recording.outputs.map((output) => (output === null ? null : this.#tf.clone(output)));
  }

  /** Gives back the memory of all recordings. */
  forget(): void {
    for (const { inputs, outputs } of this.#recordings.values()) {
      for (const tensor of [...inputs, ...outputs]) tensor?.dispose();
    }
    this.#recordings.clear();
    this.#arena.release();
  }

  #record(pass: RepeatedPass, parameters: readonly GPUBuffer[]): Recording {
    const tf = this.#tf;
    const inputs = pass.inputs.map((input) => tf.keep(tf.clone(input)));
    for (const input of inputs) this.#bufferOf(input);
    const commands: Command[] = [];
    const stop = writeDown(this.#backend, commands);
    this.#arena.isOpen = true;
    try {
      const outputs = pass
        .compute(inputs)
        .map((output) => (output === null ? null : tf.keep(output)));
      return { commands, parameters, inputs, outputs };
    } catch (error) {
      tf.dispose(inputs);
      this.forget();
      throw error;
    } finally {
      this.#arena.isOpen = false;
      stop();
    }
  }

  #replay({ commands, inputs, outputs }: Recording, given: readonly Tensor[]): void {
    const backend = this.#backend;
    // Sent before the inputs change under what still reads them.
    flush(backend);
    inputs.forEach((input, i) => {
      const { values } = backend.tensorMap.get((given[i] as Tensor).dataId);
      invariant(values !== null && values !== undefined, 'inputs come from the host');
      const Words = input.dtype === 'float32' ? Float32Array : Int32Array;
      const words = values instanceof Words ? values : new Words(values);
      backend.device.queue.writeBuffer(
        ...([this.#bufferOf(input), 0, words.buffer as ArrayBuffer] as const),
        ...([words.byteOffset, words.byteLength] as const),
      );
    });
    for (let from = 0; from < commands.length; from += commandsPerSubmit) {
      backend.ensureCommandEncoderReady();
      const pass = backend.commandEncoder.beginComputePass();
      for (const { pipeline, group, workgroups } of commands.slice(
        from,
        from + commandsPerSubmit,
      )) {
        pass.setPipeline(pipeline);
        pass.setBindGroup(0, group);
        pass.dispatchWorkgroups(...workgroups);
      }
      pass.end();
      backend.submitQueue();
    }
    // A copy on the host is of an earlier pass.
    for (const output of outputs) {
      if (output !== null) backend.tensorMap.get(output.dataId).values = null;
    }
  }

  #bufferOf({ dataId }: Tensor): GPUBuffer {
    this.#backend.uploadToGPU(dataId);
    const { resource } = this.#backend.tensorMap.get(dataId);
    invariant(resource !== null && resource !== undefined, 'a tensor has a buffer on the device');
    return resource;
  }
}

/** Adds to `commands` whatever is dispatched, by our kernels or by TF.js's, until the returned function is called. */
function writeDown(backend: GpuBackend, commands: Command[]): () => void {
  flush(backend);
  const ready = backend.ensureCommandEncoderReady.bind(backend);
  backend.ensureCommandEncoderReady = (): void => {
    const isNew = (backend.commandEncoder as GPUCommandEncoder | null) === null;
    ready();
    if (!isNew) return;
    const encoder = backend.commandEncoder;
    const begin = encoder.beginComputePass.bind(encoder);
    encoder.beginComputePass = (descriptor) => spied(begin(descriptor), commands);
  };
  return () => {
    flush(backend);
    backend.ensureCommandEncoderReady = ready;
  };
}

function spied(pass: GPUComputePassEncoder, commands: Command[]): GPUComputePassEncoder {
  let pipeline: GPUComputePipeline | null = null;
  let group: GPUBindGroup | null = null;
  const spy = {
    setPipeline: (given: GPUComputePipeline) => {
      pipeline = given;
      pass.setPipeline(given);
    },
    setBindGroup: (index: number, given: GPUBindGroup) => {
      group = given;
      pass.setBindGroup(index, given);
    },
    dispatchWorkgroups: (x: number, y = 1, z = 1) => {
      invariant(pipeline !== null && group !== null, 'a dispatch has a pipeline and buffers');
      commands.push({ pipeline, group, workgroups: [x, y, z] });
      pass.dispatchWorkgroups(x, y, z);
    },
    end: () => {
      pass.end();
    },
  };
  return spy as unknown as GPUComputePassEncoder;
}

/** Buffers that TF.js's pool neither gives to others nor gets back, while recordings use them. */
class Arena {
  /** Whether buffers are asked for by a pass that is being recorded. */
  isOpen = false;
  readonly #acquire: BufferManager['acquireBuffer'];
  readonly #release: BufferManager['releaseBuffer'];
  readonly #members = new Set<GPUBuffer>();
  readonly #free = new Map<string, GPUBuffer[]>();
  /** With values from the host, which a replay does not send again: never written to by another command. */
  readonly #pinned = new Set<GPUBuffer>();
  /** Of those, the ones that TF.js has done with. */
  readonly #done = new Set<GPUBuffer>();

  constructor(manager: BufferManager) {
    this.#acquire = manager.acquireBuffer.bind(manager);
    this.#release = manager.releaseBuffer.bind(manager);
    manager.acquireBuffer = (size, usage, mappedAtCreation = false, reuse = true) => {
      const isScratch = (usage & (GPUBufferUsage.MAP_READ | GPUBufferUsage.MAP_WRITE)) !== 0;
      if (!this.isOpen || isScratch) return this.#acquire(size, usage, mappedAtCreation, reuse);
      const hasValues = mappedAtCreation || (usage & GPUBufferUsage.UNIFORM) !== 0;
      if (hasValues) {
        const buffer = this.#acquire(size, usage, mappedAtCreation, reuse);
        this.#pinned.add(buffer);
        return buffer;
      }
      const own = this.#free.get(keyOf(size, usage))?.pop();
      if (own !== undefined) return own;
      const buffer = this.#acquire(size, usage, mappedAtCreation, reuse);
      this.#members.add(buffer);
      return buffer;
    };
    manager.releaseBuffer = (buffer, reuse = true) => {
      if (this.#pinned.has(buffer)) {
        this.#done.add(buffer);
      } else if (this.#members.has(buffer)) {
        const key = keyOf(buffer.size, buffer.usage);
        const free = this.#free.get(key);
        if (free === undefined) this.#free.set(key, [buffer]);
        else free.push(buffer);
      } else {
        this.#release(buffer, reuse);
      }
    };
  }

  /** All to TF.js's pool; what is still in use follows as it is released. */
  release(): void {
    const unused = [...[...this.#free.values()].flat(), ...this.#done];
    this.#members.clear();
    this.#free.clear();
    this.#pinned.clear();
    this.#done.clear();
    for (const buffer of unused) this.#release(buffer);
  }
}

function keyOf(size: number, usage: number): string {
  return `${size} ${usage}`;
}
