/** Cross-entropy and Dice, as `assembly/cross-entropy-dice.ts` defines them, in pieces for several threads. */
import type { WasmHeap } from '../wasm-heap.ts';
import type { Runner } from './module.ts';
import { ranges } from './ranges.ts';

/** Most shares of a group's sums, and fewest points of one: they depend on the size alone, and so does the result. */
const sharesMax = 16;
const sharePointsMin = 4096;
/** Points that the kernel adds up at a time. */
const blockPoints = 64;

/** `call`: see `Kernels.crossEntropyDice`; its scratch is left alone. */
export function splitLoss(runner: Runner, heap: WasmHeap, call: readonly number[]): void {
  const [logits = 0, labels = 0, gradient = 0, result = 0] = call;
  const [samples = 1, voxels = 0, classes = 1, groups = 1, smooth = 0] = call.slice(5);
  const padded = Math.ceil(classes / 4) * 4;
  const points = (samples / groups) * voxels;
  const total = samples * voxels;
  const most = Math.min(sharesMax, Math.max(1, Math.floor(points / sharePointsMin)));
  const shares = ranges(points, blockPoints, most);
  const scratchBytes = padded * 12;
  const sumBytes = padded * 24 + 16;
  let ce = 0;
  let dice = 0;
  heap.scratch((scratchBytes + sumBytes) * shares.length + padded * 8, (tables) => {
    const sums = tables + padded * 8;
    const own = sums + sumBytes * shares.length;
    for (let group = 0; group < groups; group++) {
      const first = group * points;
      const pointers = (start: number): [number, number, number] => [
        logits + 4 * classes * (first + start),
        labels + 4 * (first + start),
        gradient + 4 * classes * (first + start),
      ];
      runner.run(
        'lossSums',
        shares.map(({ start, end }, i) => [
          ...[...pointers(start), own + scratchBytes * i, sums + sumBytes * i],
          ...[end - start, classes],
        ]),
      );
      const added = new Float64Array(sumBytes / 8);
      for (let i = 0; i < shares.length; i++) {
        heap.doubles(sums + sumBytes * i, added.length).forEach((sum, k) => {
          added[k] = (added[k] ?? 0) + sum;
        });
      }
      ce += added[padded * 3] ?? 0;
      dice -= diceTables(added, heap.floats(tables, padded * 2), classes, groups, smooth);
      const calls = shares.map(({ start, end }) => {
        const [, label, p] = pointers(start);
        return [label, p, tables, end - start, classes, 1 / total];
      });
      runner.run('lossSpread', calls);
    }
  });
  heap.floats(result, 3).set([ce / total + dice, ce / total, dice]);
}

/** Writes A and B of each class; returns the group's part of the mean Dice. */
function diceTables(
  sums: Float64Array,
  tables: Float32Array,
  classes: number,
  groups: number,
  smooth: number,
): number {
  const share = 1 / Math.max(1, classes - 1) / groups;
  const padded = tables.length / 2;
  let dice = 0;
  tables.fill(0);
  for (let k = 1; k < classes; k++) {
    const at = (k >> 2) * 12 + (k & 3);
    const [p = 0, i = 0, y = 0] = [sums[at], sums[at + 4], sums[at + 8]];
    const numerator = 2 * i + smooth;
    const denominator = Math.max(p + y + smooth, 1e-8);
    dice += (share * numerator) / denominator;
    tables[k] = (-2 * share) / denominator;
    tables[padded + k] = (share * numerator) / (denominator * denominator);
  }
  return dice;
}
