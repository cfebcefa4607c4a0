/**
 * Our side of the comparison; the same requests and answers as `torch_worker.py`, and `hello` opens the engine. A step of a
 * net is the main job's own, `Learner.step`.
 */
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { messageOf } from '../../src/base/index.ts';
import {
  openEngine,
  type Engine,
  type EngineOptions,
  type Tensor,
} from '../../src/compute/index.ts';
import { flush, type GpuBackend } from '../../src/compute/webgpu/launcher.ts';
import type { Rank, Tensor5D } from '@tensorflow/tfjs';
import { Learner, type Patch } from '../../src/distill/index.ts';
import { decodeSafetensors, type ModelWeights, type SafeTensor } from '../../src/weights/index.ts';
import type { ConvCase, NetCase } from './cases.ts';
import type { Answers, Request } from './worker.ts';

interface Opened {
  /** Of a net. */
  readonly learner?: Learner;
  /** The loss, when the work is done. */
  step(): number | Promise<number>;
  output(): Promise<Record<string, number[]>>;
}

let engine: Engine | null = null;
let opened: Opened | null = null;

function openNet(current: Engine, given: NetCase, tensors: readonly SafeTensor[]): Opened {
  const { side, spec, optimiser } = given;
  const named = (prefix: string): SafeTensor[] =>
    tensors
      .filter(({ name }) => name.startsWith(prefix))
      .map((tensor) => ({ ...tensor, name: tensor.name.slice(prefix.length) }));
  const learner = new Learner(current, spec, named('p.') as unknown as ModelWeights, null);
  const image = dataOf(tensors, 'x');
  const size = [side, side, side] as const;
  const patch: Patch = {
    ...{ size, image },
    labels: new Map(named('l.').map(({ name, data }) => [name, data as Int32Array])),
  };
  return {
    learner,
    step: () => learner.step([patch], optimiser, 1),
    output: async () => {
      const { tf } = current;
      const x = tf.tensor5d(image, [1, ...size, 1]);
      const outputs = learner.loaded.model.forward(learner.loaded.tensors, x, { training: false });
      const found: Record<string, number[]> = {};
      for (const [head, [finest]] of Object.entries(outputs)) {
        found[head] = [...(await (finest as Tensor5D).data())];
      }
      return found;
    },
  };
}

function openConv({ tf, ops }: Engine, given: ConvCase, tensors: readonly SafeTensor[]): Opened {
  const { side, inputs, outputs } = given;
  const x = tf.tensor<Rank.R5>(dataOf(tensors, 'x'), [1, side, side, side, inputs]);
  const w = tf.tensor<Rank.R5>(dataOf(tensors, 'w'), [outputs, inputs, 3, 3, 3]);
  const dy = tf.tensor<Rank.R5>(dataOf(tensors, 'dy'), [1, side, side, side, outputs]);
  const conv = (a: Tensor, b: Tensor): Tensor =>
    ops.conv3d(a as Tensor5D, b as Tensor5D, null, { stride: 1 });
  // One forward pass; `tf.grads` keeps no result of it.
  const both = (): { value: Tensor; grads: Tensor[] } => tf.valueAndGrads(conv)([x, w], dy);
  return {
    step: async () => {
      const { value, grads } = both();
      // On a GPU the work is done only when somebody reads; where memory is shared it costs nothing.
      await grads[1]?.data();
      tf.dispose([value, ...grads]);
      return 0;
    },
    output: async () => {
      const { value, grads } = both();
      const norm = async (tensor: Tensor): Promise<number> =>
        Math.sqrt((await tensor.data<'float32'>()).reduce((sum, v) => sum + v * v, 0));
      return { norms: await Promise.all([value, ...grads].map(norm)) };
    },
  };
}

function dataOf(tensors: readonly SafeTensor[], wanted: string): Float32Array {
  const found = tensors.find(({ name }) => name === wanted)?.data;
  if (found instanceof Float32Array) return found;
  throw new Error(`the file holds ${wanted}`);
}

/** Waits until a card has done all that was asked of it. */
async function settle({ tf, backend }: Engine): Promise<void> {
  if (backend !== 'webgpu') return;
  const gpu = tf.backend() as unknown as GpuBackend;
  flush(gpu);
  await gpu.device.queue.onSubmittedWorkDone();
}

async function answer(request: Request): Promise<Answers[Request['do']]> {
  if (request.do === 'hello') {
    const { backend, threads, options } = request;
    engine = await openEngine({ backend, threads, ...options } as EngineOptions);
    return { version: engine.backendVariant, threads: engine.threads };
  }
  if (request.do === 'memory') {
    const [, kib] = /VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
    const recompute = opened?.learner?.recompute ?? false;
    const heapBytes = engine?.memory().heapBytes ?? 0;
    if (engine?.backend === 'webgpu') return { peakBytes: heapBytes, heapBytes, recompute };
    return { peakBytes: Number(kib) * 1024, heapBytes, recompute };
  }
  if (engine === null) throw new Error('hello comes first');
  if (request.do === 'open') {
    const { tensors } = decodeSafetensors(new Uint8Array(readFileSync(request.file)));
    opened =
      request.case.kind === 'net'
        ? openNet(engine, request.case, tensors)
        : openConv(engine, request.case, tensors);
    if (opened.learner !== undefined) opened.learner.recompute = request.recompute ?? false;
    return {};
  }
  if (opened === null) throw new Error('a case is open');
  if (request.do === 'output') return { values: await opened.output() };
  const [wallMs, cpuMs, losses]: [number[], number[], number[]] = [[], [], []];
  for (let repeat = 0; repeat < request.repeats; repeat++) {
    const start = performance.now();
    const before = process.cpuUsage();
    losses.push(await opened.step());
    await settle(engine);
    wallMs.push(performance.now() - start);
    const { user, system } = process.cpuUsage(before);
    cpuMs.push((user + system) / 1000);
  }
  return { wallMs, cpuMs, losses };
}

for await (const line of createInterface({ input: process.stdin })) {
  const text = await answer(JSON.parse(line) as Request).catch((error: unknown) => ({
    error: messageOf(error),
  }));
  console.log(JSON.stringify(text));
}
process.exit(0);
