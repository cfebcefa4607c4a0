/** What an optimiser remembers of a network, as one row of numbers: so a run's memory is shared by its threads, kept and forked. */
import { invariant } from '../../base/index.ts';
import type { OptimiserState, ParameterMemory } from '../../distill/index.ts';
import type { ParameterInfo } from '../../models/index.ts';
import type { Vector } from './task.ts';

/** AdamW's two moments of each number. */
const buffersEach = 2;

/** Numbers of a row: of each parameter the steps that it has seen, then its moments, in the order of `parameters`. */
export function momentLength(parameters: readonly ParameterInfo[]): number {
  return parameters.reduce((sum, { shape }) => sum + 1 + buffersEach * sizeOf(shape), 0);
}

/** The state that a row holds; null before the first step. */
export function readMoments(
  row: Vector,
  parameters: readonly ParameterInfo[],
): OptimiserState | null {
  let at = 0;
  const state = parameters.flatMap(({ name, shape }): ParameterMemory[] => {
    const [steps, size] = [row[at] as number, sizeOf(shape)];
    const start = at + 1;
    at = start + buffersEach * size;
    // A head that no case of the node had a label for has no memory yet.
    if (steps === 0) return [];
    const buffers = Array.from({ length: buffersEach }, (_, k) =>
      Float32Array.from(row.subarray(start + k * size, start + (k + 1) * size)),
    );
    return [{ name, steps, buffers }];
  });
  return state.length === 0 ? null : state;
}

/** Writes a state into a row. */
export function writeMoments(
  state: OptimiserState,
  parameters: readonly ParameterInfo[],
  row: Vector,
): void {
  const byName = new Map(state.map((memory) => [memory.name, memory]));
  let at = 0;
  for (const { name, shape } of parameters) {
    const [memory, size] = [byName.get(name), sizeOf(shape)];
    row[at++] = memory?.steps ?? 0;
    invariant(memory === undefined || memory.buffers.length === buffersEach, 'AdamW has moments');
    for (let k = 0; k < buffersEach; k++, at += size) {
      const buffer = memory?.buffers[k];
      if (buffer === undefined) row.fill(0, at, at + size);
      else row.set(buffer, at);
    }
  }
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1);
}
