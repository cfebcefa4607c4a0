/**
 * What a training step takes of the heap, net by net: of a patch of 64³ with blocks run once and twice, and of the largest
 * cubic patch that trains; that the next one is refused in words and leaves the process able to go on.
 * `node bench/compute/memory.ts [TEXT]`: nets whose name contains TEXT; minutes each.
 */
import { availableParallelism } from 'node:os';
import { messageOf } from '../../src/base/index.ts';
import { heapBytesLimit } from '../../src/compute/heap/wasm-heap.ts';
import { modelDefaults, modelSpecFor } from '../../src/config/index.ts';
import { divisorOf } from '../../src/models/index.ts';
import { withTensors } from './agreement.ts';
import { student, teacher, type NetCase } from './cases.ts';
import { startOwn } from './worker.ts';

const steps = 2;

interface Tried {
  readonly heapBytes: number;
  readonly peakBytes: number;
  readonly stepMs: number;
  readonly recompute: boolean;
  /** What it was refused with; null when it trained. */
  readonly refusal: string | null;
}

type Net = (side: number) => NetCase;

const nets: readonly (readonly [string, Net])[] = [
  ['default teacher (8-16-32)', (side) => teacher([8, 16, 32], side)],
  ['teacher 8-16-32-64', (side) => teacher([8, 16, 32, 64], side)],
  ['teacher 32-64-128-256-320-320', (side) => teacher([32, 64, 128, 256, 320, 320], side)],
  ['default student', defaultStudent],
  ['student 12', (side) => student(12, side)],
  ['student 24', (side) => student(24, side)],
  ['student 48', (side) => student(48, side)],
];

function defaultStudent(side: number): NetCase {
  const spec = modelSpecFor(modelDefaults.student, ['hps', 'ms', 'calc']);
  return { ...student(12, side), id: `default student ${side}³`, spec };
}

/** Trains a few steps in a process of its own; after a refusal it must still train a small patch. */
async function attempt(net: Net, side: number, recompute = false): Promise<Tried> {
  const worker = startOwn();
  const train = async (of: number): Promise<readonly number[]> => {
    const given = net(of);
    await withTensors(given, (file) =>
      worker.ask({ do: 'open', case: given, file, precision: 'f32', recompute }),
    );
    return (await worker.ask({ do: 'run', repeats: steps })).wallMs;
  };
  try {
    await worker.ask({ do: 'hello', backend: 'wasm', threads: availableParallelism() });
    let stepMs = NaN;
    let refusal: string | null = null;
    try {
      stepMs = (await train(side)).at(-1) ?? NaN;
    } catch (error) {
      refusal = messageOf(error);
    }
    const used = await worker.ask({ do: 'memory' });
    if (refusal !== null && side > smallest(net)) await train(smallest(net));
    const { heapBytes = 0, peakBytes, recompute: isTwice = false } = used;
    return { heapBytes, peakBytes, stepMs, recompute: isTwice, refusal };
  } finally {
    worker.end();
  }
}

function stepOf(net: Net): number {
  return divisorOf(net(64).spec)[0];
}

/** Instance norm needs more than one voxel in the deepest stage. */
function smallest(net: Net): number {
  return 2 * stepOf(net);
}

function gibibytes(bytes: number): string {
  return `${(bytes / 2 ** 30).toFixed(2)} GiB`;
}

function say(side: number, tried: Tried): void {
  const { heapBytes, peakBytes, stepMs, recompute, refusal } = tried;
  const how = recompute ? 'blocks twice' : 'blocks once';
  console.log(
    refusal === null
      ? `  ${side}³, ${how}: heap ${gibibytes(heapBytes)}, process ${gibibytes(peakBytes)}, ${(stepMs / 1000).toFixed(1)} s a step`
      : `  ${side}³ is refused: ${refusal}`,
  );
}

/** From what 64³ takes to the largest side that trains. */
async function measure(name: string, net: Net): Promise<void> {
  console.log(name);
  const step = stepOf(net);
  const from = Math.max(64, smallest(net));
  say(from, await attempt(net, from));
  const first = await attempt(net, from, true);
  say(from, first);
  // Memory goes with the voxels, but for the parameters' share: a guess, then up or down.
  const guess = from * Math.cbrt(heapBytesLimit / first.heapBytes);
  let side = Math.max(step, Math.floor(guess / step) * step);
  let [hasTrained, isRefused] = [false, false];
  while (!(hasTrained && isRefused) && side >= smallest(net)) {
    const tried = await attempt(net, side);
    say(side, tried);
    if (tried.refusal === null) hasTrained = true;
    else isRefused = true;
    side += tried.refusal === null ? step : -step;
  }
}

for (const [name, net] of nets) {
  if (name.includes(process.argv[2] ?? '')) await measure(name, net);
}
