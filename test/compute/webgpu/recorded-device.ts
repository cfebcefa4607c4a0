/** A device that runs nothing and writes down what it is sent: WGSL programs, and how many workgroups of each. */
import type * as tfjs from '@tensorflow/tfjs';
import type { TensorInfo } from '@tensorflow/tfjs';
import { GpuLauncher } from '../../../src/compute/webgpu/launcher.ts';

/** One dispatch. */
export interface Dispatch {
  /** The launcher's name of the program; the same text is compiled once. */
  readonly label: string;
  readonly code: string;
  readonly workgroups: readonly number[];
}

export interface Recording {
  readonly launcher: GpuLauncher;
  readonly dispatches: readonly Dispatch[];
  /** A tensor of that shape, whose values do not matter. */
  readonly tensor: (...shape: readonly number[]) => TensorInfo;
}

/** @param memoryBytes of a workgroup */
export function recordDevice(isSoftware: boolean, memoryBytes = 32_768): Recording {
  const dispatches: Dispatch[] = [];
  const data = new Map<object, { values: null; resource: object }>();
  const tensor = (...shape: readonly number[]): TensorInfo => {
    const dataId = {};
    data.set(dataId, { values: null, resource: {} });
    return { dataId, shape: [...shape], dtype: 'float32' };
  };
  let program = { label: '', code: '' };
  const device = {
    limits: { maxComputeWorkgroupStorageSize: memoryBytes },
    createShaderModule: (module: { label: string; code: string }) => module,
    createComputePipeline: ({ compute }: { compute: { module: typeof program } }) => ({
      ...compute.module,
      getBindGroupLayout: () => ({}),
    }),
    createBindGroup: () => ({}),
  };
  const pass = {
    setPipeline: ({ label, code }: typeof program) => (program = { label, code }),
    setBindGroup: () => undefined,
    dispatchWorkgroups: (...workgroups: number[]) => {
      dispatches.push({ ...program, workgroups });
    },
  };
  const backend = {
    ...{ device, tensorMap: data, commandQueueOwnedIds: new WeakSet() },
    ...{ computePassEncoder: pass, dispatchCountInPass: 0 },
    makeTensorInfo: (shape: number[]) => tensor(...shape),
    uploadToGPU: () => undefined,
    disposeData: () => true,
    refCount: () => 1,
    ensureCommandEncoderReady: () => undefined,
    endComputePassEncoder: () => undefined,
    submitQueue: () => undefined,
  };
  const tf = { getBackend: () => 'webgpu', backend: () => backend };
  return {
    launcher: new GpuLauncher(tf as unknown as typeof tfjs, isSoftware),
    dispatches,
    tensor,
  };
}
