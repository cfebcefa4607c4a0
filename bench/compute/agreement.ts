/** Whether both sides compute the same thing: the condition for any comparison of their times. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeSafetensors } from '../../src/weights/index.ts';
import { tensorsOf, type Case } from './cases.ts';
import type { SideWorker } from './worker.ts';

/** Largest differences of the two sides on one case. */
export interface Agreement {
  readonly id: string;
  /** Of the outputs before any step, relative to the largest. */
  readonly output: number;
  /** Of the losses of the first steps; they are of order 1 and pass through 0. */
  readonly loss: number;
}

/** What a difference of float32 sums in another order may be. */
export const differenceMax = 1e-4;

/** Both sides on `given` at float32: outputs, then three steps. Leaves the case open on both. */
export async function compareSides(
  given: Case,
  own: SideWorker,
  torch: SideWorker,
): Promise<Agreement> {
  await withTensors(given, async (file) => {
    for (const side of [own, torch]) {
      await side.ask({ do: 'open', case: given, file, precision: 'f32' });
    }
  });
  const [ours, theirs] = await Promise.all([
    own.ask({ do: 'output' }),
    torch.ask({ do: 'output' }),
  ]);
  let output = 0;
  for (const [name, expected] of Object.entries(theirs.values)) {
    const values = ours.values[name] ?? [];
    const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const scaled = expected.map((value, i) => Math.abs(value - (values[i] ?? NaN)) / largest);
    output = Math.max(output, largestOf(scaled));
  }
  const steps = { do: 'run', repeats: 3 } as const;
  const [ourRun, theirRun] = await Promise.all([own.ask(steps), torch.ask(steps)]);
  const losses = theirRun.losses.map((value, i) => Math.abs(value - (ourRun.losses[i] ?? NaN)));
  return { id: given.id, output, loss: largestOf(losses) };
}

/** NaN if any is. */
function largestOf(values: readonly number[]): number {
  return values.reduce((most, value) => Math.max(most, value), 0);
}

/** Runs `use` with the case's tensors in a file that is removed afterwards. */
export async function withTensors<T>(given: Case, use: (file: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'annulus-bench-'));
  try {
    const file = join(folder, 'case.safetensors');
    writeFileSync(file, encodeSafetensors(tensorsOf(given)));
    return await use(file);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
