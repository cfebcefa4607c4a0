/**
 * Runs WGSL programs on the buffers of the TF.js WebGPU backend, in its command stream, so that our kernels and
 * its own follow one another without copies.
 */
import type * as tfjs from '@tensorflow/tfjs';
import type { Tensor, TensorInfo, Variable } from '@tensorflow/tfjs';

import { invariant } from '../../base/index.ts';

type Values = Float32Array | Int32Array | Uint8Array;

interface TensorData {
  values: Values | null | undefined;
  resource?: GPUBuffer | null;
}

/** TF.js's pool of buffers, by size and usage. */
export interface BufferManager {
  acquireBuffer(
    size: number,
    usage: number,
    mappedAtCreation?: boolean,
    reuse?: boolean,
  ): GPUBuffer;
  releaseBuffer(buffer: GPUBuffer, reuse?: boolean): void;
}

/** The parts of TF.js's `WebGPUBackend` that we stand on. */
export interface GpuBackend {
  readonly device: GPUDevice;
  readonly bufferManager: BufferManager;
  readonly tensorMap: { get(dataId: object): TensorData };
  readonly commandQueueOwnedIds: WeakSet<object>;
  readonly commandEncoder: GPUCommandEncoder;
  computePassEncoder: GPUComputePassEncoder | null;
  dispatchCountInPass: number;
  makeTensorInfo(shape: number[], dtype: string, values?: Values): TensorInfo;
  uploadToGPU(dataId: object): void;
  disposeData(dataId: object, force?: boolean): boolean;
  refCount(dataId: object): number;
  ensureCommandEncoderReady(): void;
  endComputePassEncoder(): void;
  submitQueue(): void;
}

/** One buffer as a program sees it. */
export interface Binding {
  readonly name: string;
  readonly of: TensorInfo | GPUBuffer;
  /** Element type in WGSL. */
  readonly type: 'f32' | 'i32' | 'vec4<f32>';
  readonly writes?: boolean;
}

/** One dispatch of a WGSL program. */
export interface Program {
  /** All that the text depends on besides the bindings' types. */
  readonly key: string;
  readonly bindings: readonly Binding[];
  readonly workgroup: number;
  readonly workgroups: readonly [number, number, number];
  /** Declarations before the entry point, and its body; made once per key. */
  readonly code: () => { readonly declarations?: string; readonly body: string };
}

/** Threads of a workgroup of one-value-per-thread programs. */
export const flatWorkgroup = 256;

/** Bind groups kept for when their buffers come together again. */
const bindGroupsMax = 4096;

/** Dispatches are sent to the device in batches of this many. */
const batchSize = 32;

/** Workgroups for `count` threads of a flat program, and the line that computes a thread's number `i`. */
export function flatGrid(count: number): [number, number, number] {
  return [...folded(Math.ceil(count / flatWorkgroup)), 1];
}

/** `groups` in columns and rows, as a device takes at most 65,535 of each; there may be a few too many. */
export function folded(groups: number): [number, number] {
  const columns = Math.min(groups, 32_768);
  return [columns, Math.ceil(groups / columns)];
}

/** First lines of a flat program over `count` threads. */
export function flatIndex(count: number): string {
  return `let i = i32((wid.y * groups.x + wid.x) * ${flatWorkgroup}u + lid);
  if (i >= ${count}) { return; }`;
}

/** The programs on one device: compiled once by key, their buffers those of TF.js's tensors. */
export class GpuLauncher {
  readonly backend: GpuBackend;
  readonly #tf: typeof tfjs;
  readonly #pipelines = new Map<string, GPUComputePipeline>();
  readonly #groups = new BindGroups();
  #constants = new WeakMap<Values, GPUBuffer>();
  readonly #constantBuffers: GPUBuffer[] = [];

  /** Whether the device is a processor, whose compiler takes minutes over large unrolled programs. */
  readonly isSoftware: boolean;

  /** @param tf with the WebGPU backend current */
  constructor(tf: typeof tfjs, isSoftware: boolean) {
    invariant(tf.getBackend() === 'webgpu', 'the webgpu backend is the current one');
    this.#tf = tf;
    this.isSoftware = isSoftware;
    this.backend = tf.backend() as unknown as GpuBackend;
  }

  /** A new tensor info with unset values. */
  output(shape: readonly number[]): TensorInfo {
    const info = this.backend.makeTensorInfo([...shape], 'float32');
    this.backend.uploadToGPU(info.dataId);
    return info;
  }

  /** A small array that lives until `release`. */
  upload(values: Float32Array): TensorInfo {
    return this.backend.makeTensorInfo([values.length], 'float32', values);
  }

  /** Frees an info that is not a tensor; its memory is used again after the commands so far. */
  release(...infos: readonly TensorInfo[]): void {
    for (const { dataId } of infos) this.backend.disposeData(dataId, true);
  }

  /**
   * The buffer of a tensor that is made anew from the same array at each step, such as a mask: uploaded once
   * per array.
   */
  constant(info: TensorInfo): TensorInfo | GPUBuffer {
    const { values, resource } = this.backend.tensorMap.get(info.dataId);
    if (values === null || values === undefined || (resource ?? null) !== null) return info;
    return this.constantOf(values);
  }

  /** As `constant`, of an array. */
  constantOf(values: Values): GPUBuffer {
    const known = this.#constants.get(values);
    if (known !== undefined) return known;
    const buffer = this.backend.device.createBuffer({
      size: values.length * 4,
      usage: GPUBufferUsage.STORAGE,
      mappedAtCreation: true,
    });
    const Words = values instanceof Float32Array ? Float32Array : Int32Array;
    new Words(buffer.getMappedRange()).set(values);
    buffer.unmap();
    this.#constants.set(values, buffer);
    this.#constantBuffers.push(buffer);
    return buffer;
  }

  /** The array that a tensor was made from, if it is still on the host. */
  hostValues(info: TensorInfo): Values | null {
    return this.backend.tensorMap.get(info.dataId).values ?? null;
  }

  /** Gives a variable memory of its own, and forgets a copy on the host that would go stale. */
  own(variable: Variable): void {
    if (this.backend.refCount(variable.dataId) > 1) {
      const copy = this.output(variable.shape);
      this.run({
        key: `copy ${variable.size}`,
        bindings: [
          { name: 'x', of: variable, type: 'f32' },
          { name: 'y', of: copy, type: 'f32', writes: true },
        ],
        workgroup: flatWorkgroup,
        workgroups: flatGrid(variable.size),
        code: () => ({ body: `${flatIndex(variable.size)} y[i] = x[i];` }),
      });
      const tensor: Tensor = this.#tf.engine().makeTensorFromTensorInfo(copy);
      variable.assign(tensor);
      tensor.dispose();
    }
    this.backend.uploadToGPU(variable.dataId);
    this.backend.tensorMap.get(variable.dataId).values = null;
  }

  run(program: Program): void {
    const { backend } = this;
    const { bindings, workgroups } = program;
    const buffers = bindings.map(({ of }) => this.#bufferOf(of));
    const pipeline = this.#pipelineOf(program);
    const group = this.#groups.of(backend.device, pipeline, buffers);
    backend.ensureCommandEncoderReady();
    backend.computePassEncoder ??= backend.commandEncoder.beginComputePass();
    const pass = backend.computePassEncoder;
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, group);
    pass.dispatchWorkgroups(...workgroups);
    backend.dispatchCountInPass += 1;
    if (backend.dispatchCountInPass >= batchSize) {
      backend.endComputePassEncoder();
      backend.submitQueue();
    }
  }

  /** Frees what is not TF.js's. */
  close(): void {
    for (const buffer of this.#constantBuffers.splice(0)) buffer.destroy();
    this.#constants = new WeakMap();
    this.#groups.clear();
  }

  #bufferOf(of: TensorInfo | GPUBuffer): GPUBuffer {
    if (!('dataId' in of)) return of;
    this.backend.uploadToGPU(of.dataId);
    this.backend.commandQueueOwnedIds.add(of.dataId);
    const { resource } = this.backend.tensorMap.get(of.dataId);
    invariant(resource !== null && resource !== undefined, 'a tensor has a buffer on the device');
    return resource;
  }

  #pipelineOf(program: Program): GPUComputePipeline {
    const key = `${program.key}:${program.bindings.map(({ type }) => type[0]).join('')}`;
    const known = this.#pipelines.get(key);
    if (known !== undefined) return known;
    const module = this.backend.device.createShaderModule({ code: textOf(program), label: key });
    const pipeline = this.backend.device.createComputePipeline({
      layout: 'auto',
      label: key,
      compute: { module, entryPoint: 'main' },
    });
    this.#pipelines.set(key, pipeline);
    return pipeline;
  }
}

/** Sends what is encoded. */
export function flush(backend: GpuBackend): void {
  backend.endComputePassEncoder();
  backend.ensureCommandEncoderReady();
  backend.submitQueue();
}

/** Bind groups by pipeline and buffers: making one takes longer than sending a dispatch, and buffers come again. */
class BindGroups {
  readonly #numbers = new WeakMap<object, number>();
  readonly #groups = new Map<string, GPUBindGroup>();
  #count = 0;

  of(device: GPUDevice, pipeline: GPUComputePipeline, buffers: readonly GPUBuffer[]): GPUBindGroup {
    const key = [pipeline, ...buffers].map((object) => this.#numberOf(object)).join(' ');
    const known = this.#groups.get(key);
    if (known !== undefined) return known;
    const group = device.createBindGroup({
      layout: pipeline.getBindGroupLayout(0),
      entries: buffers.map((buffer, binding) => ({ binding, resource: { buffer } })),
    });
    if (this.#groups.size >= bindGroupsMax) this.#groups.clear();
    this.#groups.set(key, group);
    return group;
  }

  clear(): void {
    this.#groups.clear();
  }

  #numberOf(object: object): number {
    const known = this.#numbers.get(object);
    if (known !== undefined) return known;
    this.#numbers.set(object, ++this.#count);
    return this.#count;
  }
}

function textOf({ bindings, workgroup, code }: Program): string {
  const { declarations = '', body } = code();
  const buffers = bindings.map(({ name, type, writes = false }, at) => {
    const access = writes ? 'read_write' : 'read';
    return `@group(0) @binding(${at}) var<storage, ${access}> ${name}: array<${type}>;`;
  });
  return `${buffers.join('\n')}
${declarations}
@compute @workgroup_size(${workgroup})
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(local_invocation_index) lid: u32,
    @builtin(num_workgroups) groups: vec3<u32>) {
  ${body}
}`;
}

/** `f32` values read four at a time where the last axis allows it. */
export function vectorType(...channels: readonly number[]): 'vec4<f32>' | 'f32' {
  return channels.every((count) => count % 4 === 0) ? 'vec4<f32>' : 'f32';
}

/** Values per element of a type. */
export function widthOf(type: 'vec4<f32>' | 'f32'): 1 | 4 {
  return type === 'f32' ? 1 : 4;
}

/**
 * A WGSL function `name(place, quad)` that reads channels `4·quad …` of an array `[places, channels]`, zeros
 * past the last channel.
 */
export function quadLoader(name: string, array: string, channels: number): string {
  if (channels % 4 === 0) {
    return `fn ${name}(place: i32, quad: i32) -> vec4<f32> { return ${array}[place * ${channels / 4} + quad]; }`;
  }
  return `fn ${name}(place: i32, quad: i32) -> vec4<f32> {
  let first = 4 * quad;
  let at = place * ${channels} + first;
  var v = vec4<f32>(${array}[at], 0.0, 0.0, 0.0);
  if (first + 1 < ${channels}) { v.y = ${array}[at + 1]; }
  if (first + 2 < ${channels}) { v.z = ${array}[at + 2]; }
  if (first + 3 < ${channels}) { v.w = ${array}[at + 3]; }
  return v;
}`;
}

/** A WGSL literal that is a float whatever the value. */
export function float(value: number): string {
  const text = String(Math.fround(value));
  return /[.e]/.test(text) ? text.replace(/^(-?\d+)e/, '$1.0e') : `${text}.0`;
}
