/**
 * WebGPU against the other backends: operations against plain JavaScript, ten training steps against wasm, step times,
 * and where a step's time goes. Usage: node bench/compute/webgpu.ts check|train|time|profile [results.json] [small] [NAME …]
 */
import { writeFileSync } from 'node:fs';

import { messageOf, seededRandom } from '../../src/base/index.ts';
import {
  openEngine,
  type BackendName,
  type Engine,
  type Tensor,
  type Tensor3D,
  type Tensor5D,
} from '../../src/compute/index.ts';
import { computeAnew } from '../../src/compute/repeat.ts';
import { GpuLauncher, type Program } from '../../src/compute/webgpu/launcher.ts';
import { adamWDefaults, Learner, type Patch } from '../../src/distill/index.ts';
import { initialWeights, type ModelSpec, type Triple } from '../../src/models/index.ts';

const optimiser = { ...adamWDefaults, lr: 0.001, weightDecay: 0.01 };

function teacher(features: readonly number[]): ModelSpec {
  return {
    ...{
      kind: 'unet',
      inChannels: 1,
      features,
      strides: features.map((_, i) => (i === 0 ? 1 : 2)),
    },
    ...{ convsPerStage: 2, heads: { hps: 6 }, deepSupervision: false, dropoutMilli: 0 },
  };
}

function student(featureSize: number): ModelSpec {
  return {
    ...{ kind: 'swin-unetr', inChannels: 1, featureSize, depths: [2, 2, 2, 2] },
    ...{ numHeads: [3, 6, 12, 24], window: 7, heads: { hps: 6 } },
  };
}

function patchOf(size: Triple): Patch {
  const random = seededRandom('bench');
  const count = size[0] * size[1] * size[2];
  const image = Float32Array.from({ length: count }, () => random.normal());
  return {
    ...{ size, image },
    labels: new Map([['hps', Uint8Array.from(image, (v, i) => (v > 0.5 ? 1 + (i % 5) : 0))]]),
  } as unknown as Patch;
}

async function losses(
  backend: BackendName,
  spec: ModelSpec,
  size: Triple,
  steps: number,
): Promise<number[]> {
  const engine = await openEngine({ backend });
  const learner = new Learner(engine, spec, initialWeights(spec, seededRandom('w')), null);
  const patch = patchOf(size);
  const values: number[] = [];
  for (let step = 0; step < steps; step++)
    values.push(await learner.step([patch], optimiser, step));
  learner.dispose();
  engine.check();
  engine.close();
  return values;
}

async function train(isSmall: boolean): Promise<unknown[]> {
  const cases: [string, ModelSpec, Triple][] = isSmall
    ? [
        ['teacher 4-8', teacher([4, 8]), [8, 8, 8]],
        ['student 12', student(12), [32, 64, 32]],
      ]
    : [
        ['teacher 8-16-32-64', teacher([8, 16, 32, 64]), [32, 32, 32]],
        ['student 12', student(12), [32, 64, 32]],
      ];
  const rows: unknown[] = [];
  for (const [name, spec, size] of cases) {
    const steps = 10;
    const gpu = await losses('webgpu', spec, size, steps);
    const wasm = await losses('wasm', spec, size, steps);
    const difference = Math.max(...gpu.map((v, i) => Math.abs(v - (wasm[i] ?? NaN))));
    console.log(
      `${name} at ${size.join('x')}: largest difference of the loss over ${steps} steps ${difference}`,
    );
    console.log(
      `  webgpu ${gpu.map((v) => v.toFixed(6)).join(' ')}\n  wasm   ${wasm.map((v) => v.toFixed(6)).join(' ')}`,
    );
    rows.push({ name, size, gpu, wasm, difference });
  }
  return rows;
}

/** Values and gradients of the operations, as one list per quantity. */
async function operations(backend: BackendName): Promise<Map<string, Float32Array>> {
  const engine = await openEngine({ backend });
  const found = new Map<string, Float32Array>();
  const random = seededRandom('ops');
  const draw = (...shape: number[]): Tensor =>
    engine.tf.tensor(
      Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal()),
      shape,
    );
  const add = async (
    name: string,
    inputs: Tensor[],
    run: (...given: Tensor[]) => Tensor,
  ): Promise<void> => {
    const start = performance.now();
    try {
      const y = run(...inputs);
      const dy = draw(...y.shape);
      const gradients = engine.tf.grads(run)(inputs, dy);
      for (const [i, t] of [y, ...gradients].entries()) {
        found.set(
          `${name} ${i === 0 ? 'value' : `gradient ${i - 1}`}`,
          (await t.data()) as Float32Array,
        );
      }
      engine.check();
    } catch (error) {
      console.log(`${backend} ${name}: ${String(error)}`);
    }
    const spent = performance.now() - start;
    if (spent > 2000) console.log(`${backend} ${name} took ${spent.toFixed(0)} ms`);
  };
  await everyOperation(engine, draw, add as never);
  engine.check();
  engine.close();
  return found;
}

async function everyOperation(
  { tf, ops }: Engine,
  draw: (...shape: number[]) => Tensor,
  add: (name: string, inputs: Tensor[], run: (...given: never[]) => Tensor) => Promise<void>,
): Promise<void> {
  for (const [i, o, stride, size] of [
    [1, 8, 1, 9],
    [8, 8, 1, 8],
    [12, 24, 1, 8],
    [12, 12, 1, 20],
    [24, 24, 1, 10],
    [8, 16, 2, 8],
    [16, 16, 1, 12],
    [3, 5, 2, 7],
  ] as const) {
    const inputs = [draw(2, size, size, size + 1, i), draw(o, i, 3, 3, 3), draw(o)];
    await add(`conv3d ${i} ${o} stride ${stride}`, inputs, (x: Tensor5D, w: Tensor5D, b: never) =>
      ops.conv3d(x, w, b, { stride }),
    );
  }
  await add(
    'transposed 16 8',
    [draw(2, 4, 5, 6, 16), draw(16, 8, 2, 2, 2), draw(8)],
    (x: Tensor5D, w: Tensor5D, b: never) => ops.convTranspose3d(x, w, b),
  );
  for (const c of [8, 12, 3]) {
    await add(
      `instance norm ${c}`,
      [draw(2, 9, 8, 7, c), draw(c), draw(c)],
      (x: Tensor5D, g: never, b: never) => ops.instanceNorm(x, g, b, { slope: 0.01 }),
    );
    await add(
      `layer norm ${c}`,
      [draw(301, c), draw(c), draw(c)],
      (x: Tensor, g: never, b: never) => ops.layerNorm(x, g, b),
    );
  }
  await add(
    'layer norm 192',
    [draw(37, 192), draw(192), draw(192)],
    (x: Tensor, g: never, b: never) => ops.layerNorm(x, g, b),
  );
  await add('gelu', [draw(4, 100)], (x: Tensor) => ops.gelu(x));
  await add('linear', [draw(77, 24), draw(36, 24), draw(36)], (x: Tensor, w: never, b: never) =>
    ops.linear(x, w, b),
  );
  await add('concat', [draw(1, 4, 4, 4, 8), draw(1, 4, 4, 4, 12)], (a: Tensor5D, b: Tensor5D) =>
    ops.concat(a, b),
  );
  for (const [heads, depth] of [
    [3, 4],
    [2, 8],
    [2, 3],
  ] as const) {
    const n = 75;
    const regions = tf.tensor2d(
      Int32Array.from({ length: 3 * n }, (_, k) => (k * 7) % 3),
      [3, n],
      'int32',
    );
    await add(
      `attention ${heads}x${depth}`,
      [draw(6, n, 3 * heads * depth), draw(heads, n, n)],
      (qkv: Tensor3D, bias: Tensor3D) => ops.windowAttention(qkv, { heads, bias, regions }),
    );
  }
  const window = { window: [3, 3, 3], shift: [1, 1, 1] } as const;
  await add('windows', [draw(1, 7, 6, 5, 8)], (x: Tensor5D) => ops.windowPartition(x, window));
  for (const c of [3, 8]) {
    await add(`merge patches ${c}`, [draw(2, 4, 6, 8, c)], (x: Tensor5D) => ops.mergePatches(x));
  }
  const index = tf.tensor2d(
    Int32Array.from({ length: 81 }, (_, k) => (k * 7) % 25),
    [9, 9],
    'int32',
  );
  await add('bias table', [draw(25, 3)], (table: never) => ops.gatherBias(table, index));
  const labels = tf.tensor4d(
    Int32Array.from({ length: 1000 }, (_, k) => (k * 3) % 6),
    [2, 5, 10, 10],
    'int32',
  );
  await add('loss', [draw(2, 5, 10, 10, 6)], (x: Tensor5D) => ops.crossEntropyDice(x, labels).loss);
}

async function check(): Promise<unknown[]> {
  const [want, got] = [await operations('cpu'), await operations('webgpu')];
  return [...want].map(([name, values]) => {
    const other = got.get(name) ?? new Float32Array();
    const largest = values.reduce((max, v) => Math.max(max, Math.abs(v)), 1e-2);
    const error = values.reduce(
      (max, v, i) => Math.max(max, Math.abs(v - (other[i] ?? NaN)) / largest),
      0,
    );
    const isRight =
      values.length === other.length &&
      values.every((v, i) => Math.abs(v - (other[i] ?? NaN)) <= 1e-4 * largest);
    console.log(`${isRight ? 'ok   ' : 'WRONG'} ${name}: ${error.toExponential(1)}`);
    return { name, error, isRight };
  });
}

type TimeCase = readonly [string, ModelSpec, Triple];

function timeCases(isSmall: boolean, names: readonly string[]): readonly TimeCase[] {
  const cube = (side: number): Triple => [side, side, side];
  const cases: readonly TimeCase[] = isSmall
    ? [['teacher-8', teacher([4, 8]), cube(8)]]
    : [64, 96].flatMap((side) => [
        [`teacher-8-${side}`, teacher([8, 16, 32, 64]), cube(side)],
        [`student-12-${side}`, student(12), cube(side)],
        [`student-24-${side}`, student(24), cube(side)],
      ]);
  return cases.filter(([name]) => names.length === 0 || names.includes(name));
}

async function time(cases: readonly TimeCase[]): Promise<unknown[]> {
  const engine = await openEngine({ backend: 'webgpu' });
  const rows: unknown[] = [];
  for (const [name, spec, size] of cases) {
    try {
      const learner = new Learner(engine, spec, initialWeights(spec, seededRandom('w')), null);
      const patch = patchOf(size);
      const times: number[] = [];
      const hostTimes: number[] = [];
      for (let step = 0; step < 13; step++) {
        const start = performance.now();
        const loss = learner.step([patch], optimiser, step);
        hostTimes.push(performance.now() - start);
        await loss;
        times.push(performance.now() - start);
      }
      engine.check();
      const warm = times.slice(3).sort((a, b) => a - b);
      const row = {
        name,
        firstMs: times[0],
        medianMs: warm[5],
        leastMs: warm[0],
        /** Until all is sent; the rest waits for the device. */
        hostMs: hostTimes.slice(3).sort((a, b) => a - b)[5],
        bytes: engine.memory().heapBytes,
      };
      console.log(JSON.stringify(row));
      rows.push(row);
      learner.dispose();
    } catch (error) {
      console.log(`${name}: ${String(error)}`);
      rows.push({ name, error: String(error) });
    }
  }
  engine.close();
  return rows;
}

/** Times of one dispatch are below what the device's clock, rounded against spying, can tell. */
const repeats = 16;

/** Each dispatch in a pass of its own between two time stamps, sixteen times over. */
class Profiler {
  readonly #pending: { readonly key: string; readonly set: GPUQuerySet; readonly at: number }[] =
    [];
  #set: GPUQuerySet | null = null;
  #used = 0;

  /** Until the returned function is called. */
  start(): () => void {
    const prototype = GpuLauncher.prototype as {
      run: (this: GpuLauncher, program: Program) => void;
    };
    const original = prototype.run;
    const stamp = (l: GpuLauncher, key: string): GPUComputePassTimestampWrites =>
      this.#stamp(l, key);
    prototype.run = function run(program) {
      const { backend } = this;
      backend.endComputePassEncoder();
      backend.ensureCommandEncoderReady();
      const timestampWrites = stamp(this, program.key);
      backend.computePassEncoder = backend.commandEncoder.beginComputePass({ timestampWrites });
      backend.dispatchCountInPass = 0;
      for (let k = 0; k < repeats; k++) original.call(this, program);
      backend.endComputePassEncoder();
    };
    return () => {
      prototype.run = original;
    };
  }

  #stamp(l: GpuLauncher, key: string): GPUComputePassTimestampWrites {
    const { device } = l.backend;
    if (this.#set === null || this.#used === 4096) {
      this.#set = device.createQuerySet({ type: 'timestamp', count: 4096 });
      this.#used = 0;
    }
    const at = this.#used;
    this.#used += 2;
    this.#pending.push({ key, set: this.#set, at });
    return { querySet: this.#set, beginningOfPassWriteIndex: at, endOfPassWriteIndex: at + 1 };
  }

  /** Milliseconds and calls of one step by program, most first. */
  async read(device: GPUDevice): Promise<[string, { ms: number; calls: number }][]> {
    const found = new Map<string, { ms: number; calls: number }>();
    for (const set of new Set(this.#pending.map((entry) => entry.set))) {
      const size = 4096 * 8;
      const [from, to] = [
        device.createBuffer({
          size,
          usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC,
        }),
        device.createBuffer({ size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST }),
      ];
      const encoder = device.createCommandEncoder();
      encoder.resolveQuerySet(set, 0, 4096, from, 0);
      encoder.copyBufferToBuffer(from, 0, to, 0, size);
      device.queue.submit([encoder.finish()]);
      await to.mapAsync(GPUMapMode.READ);
      const stamps = new BigUint64Array(to.getMappedRange().slice(0));
      for (const entry of this.#pending.filter((other) => other.set === set)) {
        const row = found.get(entry.key) ?? { ms: 0, calls: 0 };
        const ticks = Number((stamps[entry.at + 1] ?? 0n) - (stamps[entry.at] ?? 0n));
        found.set(entry.key, { ms: row.ms + ticks / 1e6 / repeats, calls: row.calls + 1 });
      }
      from.destroy();
      to.destroy();
    }
    return [...found].sort(([, a], [, b]) => b.ms - a.ms);
  }
}

async function profile(cases: readonly TimeCase[]): Promise<unknown[]> {
  const rows: unknown[] = [];
  for (const [name, spec, size] of cases) {
    // Each dispatch has to come by, also in a pass that recurs.
    const engine: Engine = { ...(await openEngine({ backend: 'webgpu' })), repeat: computeAnew };
    const { device } = engine.tf.backend() as unknown as { readonly device: GPUDevice };
    const learner = new Learner(engine, spec, initialWeights(spec, seededRandom('w')), null);
    const patch = patchOf(size);
    for (let step = 0; step < 2; step++) await learner.step([patch], optimiser, step);
    const profiler = new Profiler();
    const stop = profiler.start();
    await learner.step([patch], optimiser, 2);
    stop();
    const found = await profiler.read(device);
    const total = found.reduce((sum, [, { ms }]) => sum + ms, 0);
    const calls = found.reduce((sum, [, row]) => sum + row.calls, 0);
    console.log(
      `${name}: ${total.toFixed(1)} ms in ${calls} dispatches of ${found.length} programs`,
    );
    for (const [key, row] of found.slice(0, 30)) {
      console.log(`  ${row.ms.toFixed(2)} ms, ${row.calls}: ${key.slice(0, 200)}`);
    }
    rows.push({ name, total, calls, found });
    learner.dispose();
    engine.close();
  }
  return rows;
}

const modes: Readonly<
  Record<string, (isSmall: boolean, cases: readonly TimeCase[]) => Promise<unknown[]>>
> = {
  check,
  train,
  time: (_, cases) => time(cases),
  profile: (_, cases) => profile(cases),
};

try {
  const [mode = 'check', file, ...rest] = process.argv.slice(2);
  const run = modes[mode];
  const isSmall = rest.includes('small');
  const names = rest.filter((word) => word !== 'small');
  const known = timeCases(isSmall, []).map(([name]) => name);
  const unknown = names.find((name) => !known.includes(name));
  if (run === undefined) throw new Error(`expected ${Object.keys(modes).join(', ')}, got ${mode}`);
  if (unknown !== undefined) throw new Error(`expected ${known.join(', ')}, got ${unknown}`);
  const results = await run(isSmall, timeCases(isSmall, names));
  if (file !== undefined) writeFileSync(file, JSON.stringify(results, null, 1));
  // Dawn's threads would keep the process alive.
  process.exit(0);
} catch (error) {
  console.error(`bench: ${messageOf(error)}`);
  process.exit(1);
}
