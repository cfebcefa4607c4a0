/** Small graphs until `gossip` has them. */
import { chanceOf } from './task.ts';
import { permutation } from './partition.ts';

/** One voice that a node hears, itself included. */
export interface Link {
  readonly from: number;
  readonly weight: number;
}
/** One gossip step. */
export interface MixingGraph {
  readonly size: number;
  readonly incoming: readonly (readonly Link[])[];
}

/** Rings, tori, complete graphs and epidemic ones. */
export function mixingGraph(
  { kind, degree }: { kind: string; degree: number },
  size: number,
  { seed, round, step }: { seed: number; round: number; step: number },
): MixingGraph {
  const heard = Array.from({ length: size }, () => new Set<number>());
  const join = (a: number, b: number): void => {
    if (a === b) return;
    heard[a]?.add(b);
    heard[b]?.add(a);
  };
  const side = Math.floor(Math.sqrt(size));
  for (let i = 0; i < size; i++) {
    if (kind === 'ring') join(i, (i + 1) % size);
    if (kind === 'torus') {
      join(i, (i + side) % size);
      join(i, i - (i % side) + ((i + 1) % side));
    }
    if (kind === 'complete') for (let j = 0; j < i; j++) join(i, j);
  }
  if (kind === 'random-regular' || kind === 'epidemic') {
    const chance = chanceOf(seed, 'graph', round, step);
    for (let k = 0; k < degree / 2; k++) {
      const order = permutation(size, chance);
      order.forEach((a, at) => { join(a, order[(at + 1) % size] as number); });
    }
  }
  const incoming = heard.map((set, node) => {
    const others = [...set].map((from) => ({
      from,
      weight: 1 / (1 + Math.max(set.size, heard[from]?.size ?? 0)),
    }));
    const own = 1 - others.reduce((sum, { weight }) => sum + weight, 0);
    return [...others, { from: node, weight: own }].sort((a, b) => a.from - b.from);
  });
  return { size, incoming };
}
