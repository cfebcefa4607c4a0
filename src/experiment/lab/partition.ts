/** Who holds which samples: fixed by the seed alone. */
import { invariant, type Random } from '../../base/index.ts';
import type { PartitionSettings } from './settings.ts';

/** Each node's samples, by their index; every sample is of one node, and no node is without. */
export function partitionSamples(
  { kind, alpha, skew }: PartitionSettings,
  labels: Int32Array,
  nodes: number,
  chance: Random,
): Int32Array[] {
  invariant(labels.length >= nodes, 'at least one sample for each node');
  switch (kind) {
    case 'dirichlet':
      return leaveNobodyOut(byDirichlet(labels, nodes, alpha, chance));
    case 'label':
      return byLabel(labels, nodes, chance);
    case 'size':
      return inSizes(shuffled(labels.length, chance), sizesOf(nodes, labels.length, skew, chance));
    default:
      return inSizes(shuffled(labels.length, chance), sizesOf(nodes, labels.length, 1, chance));
  }
}

/** Sizes of nodes that add up to `total`: a geometric row from 1 to `skew`, dealt out by chance. None is 0. */
export function sizesOf(nodes: number, total: number, skew: number, chance: Random): Int32Array {
  const last = Math.max(1, nodes - 1);
  const shares = Array.from({ length: nodes }, (_, at) => skew ** (at / last));
  const sum = shares.reduce((all, share) => all + share, 0);
  const sizes = shares.map((share) => Math.max(1, Math.floor((share / sum) * total)));
  let rest = total - sizes.reduce((all, size) => all + size, 0);
  // What rounding left over or took too much is the largest nodes' business, who feel it least.
  for (let at = nodes - 1; rest !== 0; at = at === 0 ? nodes - 1 : at - 1) {
    const step = Math.sign(rest);
    if ((sizes[at] as number) + step < 1) continue;
    sizes[at] = (sizes[at] as number) + step;
    rest -= step;
  }
  return Int32Array.from(permutation(nodes, chance), (at) => sizes[at] as number);
}

/** 0 … count - 1 in an order drawn by chance (Fisher and Yates). */
export function permutation(count: number, chance: Random): Int32Array {
  const order = Int32Array.from({ length: count }, (_, at) => at);
  for (let at = count - 1; at > 0; at--) {
    const other = chance.integer(at + 1);
    const kept = order[at] as number;
    order[at] = order[other] as number;
    order[other] = kept;
  }
  return order;
}

function shuffled(count: number, chance: Random): Int32Array {
  return permutation(count, chance);
}

function inSizes(order: Int32Array, sizes: Int32Array): Int32Array[] {
  let start = 0;
  return Array.from(sizes, (size) => {
    const own = order.slice(start, start + size).sort();
    start += size;
    return own;
  });
}

/** Of each label, shares of the nodes drawn from Dirichlet(alpha) (Hsu et al. 2019; Li et al. 2022, NIID-Bench). */
function byDirichlet(labels: Int32Array, nodes: number, alpha: number, chance: Random): number[][] {
  const own: number[][] = Array.from({ length: nodes }, () => []);
  for (const indices of indicesByLabel(labels, chance)) {
    const draws = Array.from({ length: nodes }, () => gamma(alpha, chance));
    const sum = draws.reduce((all, draw) => all + draw, 0);
    let [at, reached] = [0, 0];
    draws.forEach((draw, node) => {
      reached += draw / sum;
      const end = node === nodes - 1 ? indices.length : Math.round(reached * indices.length);
      for (; at < end; at++) own[node]?.push(indices[at] as number);
    });
  }
  return own;
}

/** Sorted by label and cut into two pieces for each node (McMahan et al. 2017): most nodes know two labels. */
function byLabel(labels: Int32Array, nodes: number, chance: Random): Int32Array[] {
  const sorted = indicesByLabel(labels, chance).flat();
  const pieces = 2 * nodes;
  const cut = (piece: number): number => Math.floor((piece * sorted.length) / pieces);
  const order = permutation(pieces, chance);
  const own = Array.from({ length: nodes }, (_, node) =>
    [order[2 * node] as number, order[2 * node + 1] as number].flatMap((piece) =>
      sorted.slice(cut(piece), cut(piece + 1)),
    ),
  );
  return leaveNobodyOut(own);
}

function indicesByLabel(labels: Int32Array, chance: Random): number[][] {
  const groups = new Map<number, number[]>();
  for (const index of permutation(labels.length, chance)) {
    const label = labels[index] as number;
    const group = groups.get(label) ?? [];
    groups.set(label, group);
    group.push(index);
  }
  return [...groups].sort(([a], [b]) => a - b).map(([, group]) => group);
}

/** Whoever has nothing gets one of whoever has most. */
function leaveNobodyOut(own: number[][]): Int32Array[] {
  for (const poor of own) {
    if (poor.length > 0) continue;
    const rich = own.reduce((most, one) => (one.length > most.length ? one : most));
    poor.push(rich.pop() as number);
  }
  return own.map((indices) => Int32Array.from(indices).sort());
}

/** Gamma of shape `alpha` (Marsaglia and Tsang 2000; for a shape below 1 by their boost). */
function gamma(alpha: number, chance: Random): number {
  if (alpha < 1) return gamma(alpha + 1, chance) * (1 - chance.uniform()) ** (1 / alpha);
  const d = alpha - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = chance.normal();
    const v = (1 + c * x) ** 3;
    if (v <= 0) continue;
    const u = 1 - chance.uniform();
    if (Math.log(u) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v;
  }
}
