/** Opening the WebGPU backend through Dawn, which the npm package `webgpu` brings to Node. */
import type * as tfjs from '@tensorflow/tfjs';

import { messageOf } from '../../base/index.ts';
import type { Availability } from '../backend-choice.ts';
import type { EngineParts } from '../engine.ts';
import { ComputeError } from '../errors.ts';
import { kernelOps, ownKernels } from '../ops/kernel-ops.ts';
import { registerGradients } from '../ops/kernel-registry.ts';
import type { Ops } from '../ops/ops.ts';
import { startBackend } from '../tfjs-backend.ts';
import { registerGpuKernels } from './kernels.ts';
import { GpuLauncher } from './launcher.ts';
import { adamW, sgd } from './optimisers.ts';
import { Replays } from './replay.ts';

/** A device that programs can run on. */
interface FoundGpu {
  readonly adapter: GPUAdapter;
  /** Vendor, model and driver, for people. */
  readonly description: string;
  /** Whether a processor emulates the graphics card: right, but slower than wasm. */
  readonly isSoftware: boolean;
}

let gpu: Promise<GPU> | null = null;

/** Dawn's entry point, made once per process: a second one would start a second driver. */
async function loadDawn(): Promise<GPU> {
  const name = 'webgpu'; // an optional package: its absence is found at run time
  const { create, globals } = (await import(name)) as {
    readonly create: (options: string[]) => GPU;
    globals: object;
  };
  // TF.js's backend reads these globals as it loads, so they come first.
  Object.assign(globalThis, globals);
  const found = create([]);
  Object.defineProperty(globalThis.navigator, 'gpu', { value: found, configurable: true });
  return found;
}

/** Whether there is a graphics adapter; the detail is its vendor, model and driver. */
export async function probeGpu(): Promise<Availability> {
  try {
    const { description, isSoftware } = await findGpu();
    return { available: true, detail: description, onlyIfForced: isSoftware };
  } catch (error) {
    return { available: false, detail: messageOf(error) };
  }
}

/** The best adapter there is. Throws an error that says in a few words what is missing: the package, or a driver. */
async function findGpu(): Promise<FoundGpu> {
  gpu ??= loadDawn();
  let adapter: GPUAdapter | null;
  try {
    adapter = await (await gpu).requestAdapter({ powerPreference: 'high-performance' });
  } catch (cause) {
    gpu = null;
    throw new Error('the package webgpu is not installed, or does not load', { cause });
  }
  if (adapter === null) throw new Error('no graphics adapter: its Vulkan driver is missing');
  return described(adapter);
}

function described(adapter: GPUAdapter): FoundGpu {
  const { vendor, architecture, device, description } = adapter.info;
  const words = [vendor, architecture, device, description].filter((word) => word !== '');
  const text = words.join(', ');
  const isSoftware =
    adapter.info.isFallbackAdapter || /llvmpipe|lavapipe|swiftshader|software/i.test(text);
  return { adapter, description: text, isSoftware };
}

/**
 * Makes WebGPU the current backend of `tf`.
 *
 * @throws {ComputeError} 'backend_missing' when it does not start.
 */
export async function openGpu(tf: typeof tfjs): Promise<EngineParts> {
  const { adapter, isSoftware } = await findGpu();
  const { WebGPUBackend } = (await import('@tensorflow/tfjs-backend-webgpu')).default;
  const device = await deviceOf(adapter);
  let reported: ComputeError | null = null;
  device.addEventListener('uncapturederror', (event) => {
    const { message } = event.error;
    reported ??= new ComputeError({ code: 'gpu_failed', message });
  });
  // Typed as always there; of a backend that was not opened before there is none.
  const before = tf.engine().findBackendFactory('webgpu') as unknown;
  if (before !== null) tf.removeBackend('webgpu');
  tf.registerBackend('webgpu', () => new WebGPUBackend(device, adapter.info));
  await startBackend(tf, 'webgpu');
  // TF.js would run small operations on the host, where its own kernels may differ.
  tf.env().set('WEBGPU_CPU_FORWARD', false);
  const launcher = new GpuLauncher(tf, isSoftware);
  const replays = new Replays(tf, launcher.backend);
  return {
    ...{ ops: gpuOps(tf, launcher), threads: 1 },
    heapBytes: () =>
      (tf.memory() as { numBytesAllocatedInGPU?: number }).numBytesAllocatedInGPU ?? 0,
    device: {
      repeat: (pass) => replays.run(pass),
      forget: () => {
        replays.forget();
      },
      check: () => {
        const error = reported;
        reported = null;
        if (error !== null) throw error;
      },
    },
    close: () => {
      replays.forget();
      launcher.close();
      tf.removeBackend('webgpu');
      device.destroy();
    },
  };
}

/** A device with all that the adapter allows of what our programs and TF.js's need. */
function deviceOf(adapter: GPUAdapter): Promise<GPUDevice> {
  const { limits } = adapter;
  return adapter.requestDevice({
    requiredFeatures: adapter.features.has('timestamp-query') ? ['timestamp-query'] : [],
    requiredLimits: {
      maxComputeWorkgroupStorageSize: limits.maxComputeWorkgroupStorageSize,
      maxComputeWorkgroupsPerDimension: limits.maxComputeWorkgroupsPerDimension,
      maxStorageBufferBindingSize: limits.maxStorageBufferBindingSize,
      maxBufferSize: limits.maxBufferSize,
      maxComputeWorkgroupSizeX: limits.maxComputeWorkgroupSizeX,
      maxComputeInvocationsPerWorkgroup: limits.maxComputeInvocationsPerWorkgroup,
    },
  });
}

/** The operations on our programs, registered for the current backend. */
function gpuOps(tf: typeof tfjs, launcher: GpuLauncher): Ops {
  registerGpuKernels(tf, launcher);
  registerGradients(tf, ownKernels);
  return kernelOps(tf, {
    adamW: (...args) => {
      adamW(launcher, ...args);
    },
    sgd: (...args) => {
      sgd(launcher, ...args);
    },
  });
}
