/**
 * The largest cubic patch that trains under the heap's limit, net by net, and that the next one is refused in words and
 * leaves the process able to go on. `node bench/compute/memory.ts [TEXT]`: nets whose name contains TEXT; minutes.
 */
import { messageOf } from '../../src/base/index.ts';
import { modelDefaults, modelSpecFor } from '../../src/config/index.ts';
import { divisorOf } from '../../src/models/index.ts';
import { withTensors } from './agreement.ts';
import { student, teacher, type NetCase } from './cases.ts';
import { startOwn } from './worker.ts';

const limitBytes = 2 ** 32;
const steps = 2;

interface Tried {
  readonly heapBytes: number;
  readonly peakBytes: number;
  readonly stepMs: number;
  /** What it was refused with; null when it trained. */
  readonly refusal: string | null;
}

const nets: readonly (readonly [string, (side: number) => NetCase])[] = [
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
async function attempt(net: (side: number) => NetCase, side: number): Promise<Tried> {
  const worker = startOwn();
  const train = async (of: number): Promise<readonly number[]> => {
    const given = net(of);
    const precision = 'f32';
    await withTensors(given, (file) => worker.ask({ do: 'open', case: given, file, precision }));
    return (await worker.ask({ do: 'run', repeats: steps })).wallMs;
  };
  const hello = { do: 'hello', backend: 'wasm', threads: 1 } as const;
  try {
    await worker.ask(hello);
    let stepMs = NaN;
    let refusal: string | null = null;
    try {
      stepMs = (await train(side)).at(-1) ?? NaN;
    } catch (error) {
      refusal = messageOf(error);
      if (side > smallest(net)) await train(smallest(net));
    }
    const { heapBytes = 0, peakBytes } = await worker.ask({ do: 'memory' });
    return { heapBytes, peakBytes, stepMs, refusal };
  } finally {
    worker.end();
  }
}

function stepOf(net: (side: number) => NetCase): number {
  return divisorOf(net(64).spec)[0];
}

/** Instance norm needs more than one voxel in the deepest stage. */
function smallest(net: (side: number) => NetCase): number {
  return 2 * stepOf(net);
}

async function largest(name: string, net: (side: number) => NetCase): Promise<void> {
  const step = stepOf(net);
  const from = Math.max(64, smallest(net));
  const first = await attempt(net, from);
  if (first.refusal !== null) {
    console.log(`${name}: refuses ${from}³: ${first.refusal}`);
    return;
  }
  // Memory goes with the voxels: a guess, then up or down.
  const guess = from * Math.cbrt(limitBytes / first.heapBytes);
  let side = Math.max(step, Math.floor(guess / step) * step);
  let fits: { side: number; tried: Tried } | null = null;
  let refused: { side: number; tried: Tried } | null = null;
  while (fits === null || refused === null) {
    const tried = await attempt(net, side);
    if (tried.refusal === null) {
      fits = { side, tried };
      side += step;
    } else {
      refused = { side, tried };
      side -= step;
    }
    if (side < smallest(net)) break;
  }
  const heap = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(2)} GiB`;
  console.log(`${name}: ${from}³ takes ${heap(first.heapBytes)} of heap`);
  if (fits !== null) {
    const { heapBytes, peakBytes, stepMs } = fits.tried;
    const seconds = (stepMs / 1000).toFixed(1);
    console.log(
      `  trains at ${fits.side}³: heap ${heap(heapBytes)}, process ${heap(peakBytes)}, ${seconds} s a step`,
    );
  }
  if (refused !== null) console.log(`  refuses ${refused.side}³: ${refused.tried.refusal ?? ''}`);
}

for (const [name, net] of nets) {
  if (name.includes(process.argv[2] ?? '')) await largest(name, net);
}
