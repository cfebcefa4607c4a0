/** Opening the WebGPU backend through Dawn, which the npm package `webgpu` brings to Node. */
import type * as tfjs from '@tensorflow/tfjs';

import { ComputeError } from '../errors.ts';
import { kernelOps, ownKernels } from '../ops/kernel-ops.ts';
import { registerGradients } from '../ops/kernel-registry.ts';
import type { Ops } from '../ops/ops.ts';
import type { Repeat } from '../repeat.ts';
import { registerGpuKernels } from './kernels.ts';
import { GpuLauncher } from './launcher.ts';
import { adamW, sgd } from './optimisers.ts';
import { Replays } from './replay.ts';

type Tf = typeof tfjs;

/** A device that programs can run on. */
export interface GpuAdapter {
  readonly adapter: GPUAdapter;
  /** Vendor, model and driver, for people. */
  readonly description: string;
  /** Whether it is a processor that plays a graphics card: right, but slower than wasm. */
  readonly isSoftware: boolean;
}

export interface GpuEngine {
  readonly ops: Ops;
  readonly description: string;
  readonly repeat: Repeat;
  readonly forget: () => void;
  /** Bytes that the device's buffers take. */
  readonly bytes: () => number;
  /** @throws what the device reported since the last call: a failed allocation or a program it refused. */
  readonly check: () => void;
  readonly close: () => void;
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

/**
 * The best adapter there is.
 *
 * @throws {Error} saying in a few words what is missing: the package, or a driver.
 */
export async function findGpu(): Promise<GpuAdapter> {
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

function described(adapter: GPUAdapter): GpuAdapter {
  const { vendor, architecture, device, description } = adapter.info;
  const words = [vendor, architecture, device, description].filter((word) => word !== '');
  const text = words.join(', ');
  const isSoftware =
    adapter.info.isFallbackAdapter || /llvmpipe|lavapipe|swiftshader|software/i.test(text);
  return { adapter, description: text, isSoftware };
}

/** Makes WebGPU the current backend of `tf`. */
export async function openGpu(tf: Tf, found: GpuAdapter): Promise<GpuEngine> {
  const { WebGPUBackend } = (await import('@tensorflow/tfjs-backend-webgpu')).default;
  const { adapter, description, isSoftware } = found;
  const { limits } = adapter;
  const device = await adapter.requestDevice({
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
  let reported: ComputeError | null = null;
  device.addEventListener('uncapturederror', (event) => {
    const { message } = event.error;
    reported ??= new ComputeError({ code: 'gpu_failed', message });
  });
  // Typed as always there; of a backend that was not opened before there is none.
  const before = tf.engine().findBackendFactory('webgpu') as unknown;
  if (before !== null) tf.removeBackend('webgpu');
  tf.registerBackend('webgpu', () => new WebGPUBackend(device, adapter.info));
  if (!(await tf.setBackend('webgpu'))) {
    throw new ComputeError({
      ...{ code: 'backend_missing', backend: 'webgpu', detail: 'it does not start' },
      howToGet: 'annulus doctor shows what is there',
    });
  }
  // TF.js would run small operations on the host, where its own kernels may differ.
  tf.env().set('WEBGPU_CPU_FORWARD', false);
  const launcher = new GpuLauncher(tf, isSoftware);
  const replays = new Replays(tf, launcher.backend);
  registerGpuKernels(tf, launcher);
  registerGradients(tf, ownKernels);
  return {
    description,
    ops: kernelOps(tf, {
      adamW: (...args) => {
        adamW(launcher, ...args);
      },
      sgd: (...args) => {
        sgd(launcher, ...args);
      },
    }),
    repeat: (pass) => replays.run(pass),
    forget: () => {
      replays.forget();
    },
    bytes: () => (tf.memory() as { numBytesAllocatedInGPU?: number }).numBytesAllocatedInGPU ?? 0,
    check: () => {
      const error = reported;
      reported = null;
      if (error !== null) throw error;
    },
    close: () => {
      replays.forget();
      launcher.close();
      tf.removeBackend('webgpu');
      device.destroy();
    },
  };
}
