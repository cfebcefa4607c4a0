/**
 * Own kernels as TF.js sees them: registered by name for the wasm backend, with gradients, so that tapes,
 * `tf.tidy` and `numTensors` treat them like any other.
 */
import type * as tfjs from '@tensorflow/tfjs';
import type { GradFunc, NamedTensorMap, Tensor, TensorInfo } from '@tensorflow/tfjs';

import { invariant } from '../../base/index.ts';
import type { Launcher } from '../heap/launcher.ts';
import type { ConvGeometry } from './conv-geometry.ts';

type Tf = typeof tfjs;
/** What a kernel was told beside its inputs; each kernel knows its own. */
export interface Attributes {
  readonly geometry?: ConvGeometry;
  readonly eps?: number;
  readonly slope?: number;
  readonly [name: string]: unknown;
}
/** Named inputs; optional ones may be absent. */
export type Inputs = Readonly<Partial<Record<string, TensorInfo>>>;

/** One kernel. `inputs` and `attributes` are what `runKernel` was given. */
export interface OwnKernel {
  readonly name: string;
  run(l: Launcher, inputs: Inputs, attributes: Attributes): TensorInfo | TensorInfo[];
  /** Names of inputs and indices of outputs that the gradient needs. */
  readonly saved?: { readonly inputs: readonly string[]; readonly outputs?: readonly number[] };
  /**
   * Lazy gradients by input name, so that those nobody asks for are not computed. `dy` is that of the
   * first output; `saved` holds the saved inputs, then the saved outputs.
   */
  gradient?(
    tf: Tf,
    dy: Tensor,
    saved: readonly Tensor[],
    attributes: Attributes,
  ): Record<string, () => Tensor>;
}

const launchers = new WeakMap<object, Launcher>();
const registered = new Set<string>();

/** Makes `launcher` the one that kernels of the current backend run on. */
export function adoptLauncher(tf: Tf, launcher: Launcher): void {
  launchers.set(tf.backend(), launcher);
}

/** Registers each kernel and its gradient once per thread. */
export function registerKernels(tf: Tf, kernels: readonly OwnKernel[]): void {
  for (const kernel of kernels) {
    registerOnce(`${kernel.name} wasm`, () => {
      tf.registerKernel({
        kernelName: kernel.name,
        backendName: 'wasm',
        kernelFunc: ({ inputs, backend, attrs }) => {
          const launcher = launchers.get(backend);
          invariant(launcher !== undefined, `${kernel.name} runs on a backend that was adopted`);
          return launcher.heap.orFree(() => kernel.run(launcher, inputs, attrs ?? {}));
        },
      });
    });
  }
  registerGradients(tf, kernels);
}

/** Gradients are the same on every backend: they only name kernels. */
export function registerGradients(tf: Tf, kernels: readonly OwnKernel[]): void {
  for (const kernel of kernels) {
    if (kernel.gradient === undefined) continue;
    registerOnce(`${kernel.name} gradient`, () => {
      registerGradient(tf, kernel);
    });
  }
}

/** Whether the kernel is one of ours, whose gradient depends on its first output's alone. */
export function isOwnKernel(name: string): boolean {
  return registered.has(`${name} gradient`);
}

/** Runs `register` unless something of that name was registered in this thread. */
export function registerOnce(name: string, register: () => void): void {
  if (registered.has(name)) return;
  registered.add(name);
  register();
}

/**
 * TF.js's wasm backend copies a tensor to clone it, and a tape clones whatever it saves. Sharing the memory,
 * counted as the other backends count it, halves what a training step holds.
 */
export function shareClones(tf: Tf): void {
  if (registered.has('Identity')) return;
  registered.add('Identity');
  tf.unregisterKernel('Identity', 'wasm');
  tf.registerKernel({
    kernelName: 'Identity',
    backendName: 'wasm',
    kernelFunc: ({ inputs, backend }) => {
      const x = need(inputs, 'x');
      (backend as { incRef(dataId: object): void }).incRef(x.dataId);
      return { dataId: x.dataId, shape: x.shape, dtype: x.dtype };
    },
  });
}

function registerGradient(tf: Tf, kernel: OwnKernel): void {
  const gradFunc: GradFunc = (dy, saved, attrs) => {
    const first = Array.isArray(dy) ? dy[0] : dy;
    invariant(first !== undefined, 'a gradient has an upstream gradient');
    return kernel.gradient?.(tf, first, saved, attrs) ?? {};
  };
  const outputs = kernel.saved?.outputs ?? [];
  tf.registerGradient({
    kernelName: kernel.name,
    inputsToSave: [...(kernel.saved?.inputs ?? [])],
    outputsToSave: Array.from({ length: Math.max(-1, ...outputs) + 1 }, (_, i) =>
      outputs.includes(i),
    ),
    gradFunc,
  });
}

/** An input that the kernel cannot do without. */
export function need(inputs: Inputs, name: string): TensorInfo {
  const input = inputs[name];
  invariant(input !== undefined, `the kernel has an input ${name}`);
  return input;
}

/** Runs a kernel of one output. */
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- as TF.js types runKernel
export function runOne<T extends Tensor>(
  tf: Tf,
  name: string,
  inputs: NamedTensorMap,
  attributes: Attributes = {},
): T {
  return tf.engine().runKernel(name, inputs, attributes as tfjs.NamedAttrMap);
}

/** Runs a kernel of several outputs. */
export function runMany(
  tf: Tf,
  name: string,
  inputs: NamedTensorMap,
  attributes: Attributes = {},
): Tensor[] {
  return tf.engine().runKernel(name, inputs, attributes as tfjs.NamedAttrMap);
}
