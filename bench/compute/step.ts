/**
 * Where the time of a training step goes: the share of each kernel and of the JavaScript around them, and the
 * processor time of a step, of a case's inference and of a phantom. `node bench/compute/step.ts [SIDE [THREADS]]`, about
 * 20 s; the side of the patch is 32 unless given.
 */
import { seededRandom } from '../../src/base/index.ts';
import { openEngine, type Engine } from '../../src/compute/index.ts';
import {
  annotate,
  annotatorDefaults,
  channelCount,
  labelMap,
  makePhantom,
  normalise,
  phantomDefaults,
  taskIds,
  type TaskId,
} from '../../src/data/index.ts';
import { foregroundOf, type TrainingCase } from '../../src/distill/train/patch-sampler.ts';
import {
  adamWDefaults,
  intensityDefaults,
  predictLabelMaps,
  samplingDefaults,
} from '../../src/distill/index.ts';
import { Learner } from '../../src/distill/train/learner.ts';
import { trainRound, type RoundTraining } from '../../src/distill/train/round-training.ts';
import { initialWeights, readModelSpec, type ModelSpec } from '../../src/models/index.ts';

const side = Number(process.argv[2] ?? 32);
const threads = Number(process.argv[3] ?? 1);
const steps = side > 48 ? 3 : 12;
/** Milliseconds and calls by kernel, since the last reset. */
const spent = new Map<string, { ms: number; calls: number }>();

function heads(tasks: readonly TaskId[]): Record<string, number> {
  return Object.fromEntries(tasks.map((task) => [task, channelCount(task)]));
}

const teacher = readModelSpec({
  ...{ kind: 'unet', inChannels: 1, features: [8, 16, 32], strides: [1, 2, 2] },
  ...{ convsPerStage: 2, deepSupervision: true, dropoutMilli: 0, heads: heads(['hps']) },
});
const student = readModelSpec({
  ...{ kind: 'swin-unetr', inChannels: 1, featureSize: 8, depths: [2, 2], numHeads: [2, 4] },
  ...{ window: 4, heads: heads(taskIds) },
});

/** A phantom that is large enough for the patch. */
function makeCase(): TrainingCase {
  const voxels = Math.max(48, side);
  const random = seededRandom('step');
  const settings = { ...phantomDefaults, shape: [voxels, voxels, voxels] as const };
  const { image, truth } = makePhantom(random, settings);
  const annotation = annotate(random.fork('annotator'), truth, annotatorDefaults);
  const maps = taskIds.map(
    (task) => [task, labelMap(task, annotation, truth.geometry, 9)] as const,
  );
  return {
    ...{ id: 'step', shape: image.shape, image: normalise(image, intensityDefaults).data },
    ...{ labels: new Map(maps) },
    foreground: new Map(maps.map(([task, map]) => [task, foregroundOf(map)])),
  };
}

/** Every kernel of the backend times itself from now on; kernels do not call each other through the registry. */
function timeKernels({ tf }: Engine): void {
  for (const config of tf.getKernelsForBackend('wasm')) {
    const run = config.kernelFunc;
    config.kernelFunc = (params) => {
      const start = performance.now();
      try {
        return run(params);
      } finally {
        const entry = spent.get(config.kernelName) ?? { ms: 0, calls: 0 };
        entry.ms += performance.now() - start;
        entry.calls += 1;
        spent.set(config.kernelName, entry);
      }
    };
  }
}

function userMs(run: () => void): number {
  const before = process.cpuUsage();
  run();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

/** Prints one line for each part above half a percent, the rest together. */
function printShares(parts: readonly (readonly [string, number, number])[], divisor: number): void {
  const whole = parts.reduce((sum, [, ms]) => sum + ms, 0);
  const line = (name: string, ms: number, calls: number): void => {
    const share = ((100 * ms) / whole).toFixed(1).padStart(6);
    const each = (ms / divisor).toFixed(2).padStart(8);
    console.log(`${share} %${each} ms${(calls / divisor).toFixed(0).padStart(5)}x  ${name}`);
  };
  const sorted = [...parts].sort((a, b) => b[1] - a[1]);
  for (const [name, ms, calls] of sorted) if (ms >= whole / 200) line(name, ms, calls);
  const small = sorted.filter(([, ms]) => ms < whole / 200);
  const sum = (of: 1 | 2): number => small.reduce((total, part) => total + part[of], 0);
  line('all that is below 0.5 %', sum(1), sum(2));
}

async function profileTraining(
  engine: Engine,
  name: string,
  spec: ModelSpec,
  held: TrainingCase,
): Promise<void> {
  const round: RoundTraining = {
    ...{ spec, tasks: Object.keys(spec.heads) as TaskId[], state: null, steps, batch: 1 },
    weights: initialWeights(spec, seededRandom('step')),
    patch: [side, side, side],
    optimiser: { ...adamWDefaults, lr: 0.001, weightDecay: 0.01 },
    sampling: samplingDefaults,
    seed: 'step',
  };
  const learn = Object.getOwnPropertyDescriptor(Learner.prototype, 'step')
    ?.value as Learner['step'];
  let learning = 0;
  Learner.prototype.step = async function (this: Learner, ...args): Promise<number> {
    const start = performance.now();
    const loss = await learn.apply(this, args);
    learning += performance.now() - start;
    return loss;
  };
  let best = Infinity;
  let wall = Infinity;
  let parts: [string, number, number][] = [];
  for (let repeat = 0; repeat < 4; repeat++) {
    spent.clear();
    learning = 0;
    const start = performance.now();
    const used = process.cpuUsage();
    await trainRound(engine, [held], round, () => undefined);
    const { user, system } = process.cpuUsage(used);
    const cpu = (user + system) / 1000;
    const ms = performance.now() - start;
    best = Math.min(best, cpu);
    if (ms > wall) continue;
    wall = ms;
    const kernels = [...spent].map(([kernel, entry]): [string, number, number] => [
      ...([kernel, entry.ms, entry.calls] as const),
    ]);
    const inside = kernels.reduce((sum, [, kernelMs]) => sum + kernelMs, 0);
    parts = [
      ...kernels,
      ['(JavaScript: tape, tensors, calls)', learning - inside, steps],
      ['(JavaScript: patches, weights)', ms - learning, steps],
    ];
  }
  Learner.prototype.step = learn;
  console.log(
    `\n${name}, a step at ${side}³, batch 1: ${(best / steps).toFixed(1)} ms of processor, ` +
      `${(wall / steps).toFixed(1)} ms of wall`,
  );
  printShares(parts, steps);
}

async function profileInference(
  engine: Engine,
  name: string,
  spec: ModelSpec,
  held: TrainingCase,
): Promise<void> {
  const learner = new Learner(engine, spec, initialWeights(spec, seededRandom('step')), null);
  const settings = { window: [side, side, side] as const, overlap: 0.4, batch: 1 };
  let best = Infinity;
  let wall = Infinity;
  let parts: [string, number, number][] = [];
  for (let repeat = 0; repeat < 4; repeat++) {
    spent.clear();
    const before = process.cpuUsage();
    const start = performance.now();
    const input = { data: held.image, shape: held.shape, channels: 1 };
    await predictLabelMaps(engine, learner.loaded, input, settings);
    const ms = performance.now() - start;
    const cpu = process.cpuUsage(before);
    best = Math.min(best, (cpu.user + cpu.system) / 1000);
    if (ms > wall) continue;
    wall = ms;
    parts = [...spent].map(([kernel, entry]) => [kernel, entry.ms, entry.calls]);
    const inside = parts.reduce((sum, [, kernelMs]) => sum + kernelMs, 0);
    parts.push(['(JavaScript)', ms - inside, 1]);
  }
  learner.dispose();
  console.log(
    `\n${name}, label maps of ${held.shape.join('×')}: ${best.toFixed(0)} ms of processor`,
  );
  printShares(parts, 1);
}

const engine = await openEngine({ backend: 'wasm', threads });
timeKernels(engine);
const held = makeCase();
await profileTraining(engine, 'teacher', teacher, held);
await profileTraining(engine, 'student', student, held);
await profileInference(engine, 'teacher', teacher, held);
await profileInference(engine, 'student', student, held);
const phantomMs = [1, 2, 3, 4].map((n) =>
  userMs(() => {
    makePhantom(seededRandom(n));
  }),
);
console.log(`\na phantom: ${Math.min(...phantomMs).toFixed(0)} ms of processor`);
engine.close();
