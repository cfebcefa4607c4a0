/**
 * The Base-(k+1) graph (Takezawa et al., NeurIPS 2023): a cycle of graphs in which no node has more than k neighbours, and
 * after which all have exactly the mean, whatever their number. Their optional edges between nodes that sit a step out are
 * left out.
 */

/** An undirected edge with its weight. */
type WeightedEdge = readonly [number, number, number];

/** Edges of each step of the cycle. */
export type EdgeCycle = readonly (readonly WeightedEdge[])[];

/** Algorithm 3: the shorter of the simple graph, and simple graphs side by side whose results are then put together. */
export function baseCycle(size: number, k: number): EdgeCycle {
  const nodes = Array.from({ length: size }, (_, i) => i);
  const simple = simpleCycle(nodes, k);
  const { smooth, rest } = smoothPart(size, k);
  const rows = Array.from({ length: smooth }, (_, i) => nodes.slice(i * rest, (i + 1) * rest));
  const columns = Array.from({ length: rest }, (_, j) => rows.map((row) => row[j] as number));
  const split = [
    ...together(rows.map((row) => simpleCycle(row, k))),
    ...together(columns.map((column) => hypercubeCycle(column, k))),
  ];
  return simple.length < split.length ? simple : split;
}

/**
 * Algorithm 1, the k-peer hyper-hypercube: node numbers in a mixed radix of the fewest digits up to k + 1; step l averages
 * the nodes that differ in digit l alone.
 * @param nodes of a number whose prime factors are at most k + 1
 */
function hypercubeCycle(nodes: readonly number[], k: number): EdgeCycle {
  let stride = 1;
  return fewestFactors(nodes.length, k + 1).map((factor) => {
    const edges = nodes.flatMap((node, i) => {
      const digit = Math.floor(i / stride) % factor;
      return Array.from({ length: factor - 1 - digit }, (_, m): WeightedEdge => {
        return [node, nodes[i + (m + 1) * stride] as number, 1 / factor];
      });
    });
    stride *= factor;
    return edges;
  });
}

/**
 * Algorithm 2, the simple Base-(k+1) graph. The nodes are split as their number is written to the base k + 1. Each part
 * finds its own mean; each part in turn, the largest first, gives the smaller ones its share of the mean of what is left;
 * and each finds the mean again, now of all.
 */
function simpleCycle(nodes: readonly number[], k: number): EdgeCycle {
  if (smoothPart(nodes.length, k).rest === 1) return hypercubeCycle(nodes, k);
  const parts = digitParts(nodes, k + 1);
  const inParts = together(parts.map((groups) => hypercubeCycle(groups.flat(), k)));
  const [largest] = parts;
  const ownLength = hypercubeCycle(largest?.[0] ?? [], k).length;
  const steps: WeightedEdge[][] = Array.from({ length: 1 + ownLength }, () => []);
  parts.slice(0, -1).forEach((groups, index) => {
    const smaller = parts.slice(index + 1).flat(2);
    const own = groups.flat().length;
    const weight = own / (own + smaller.length) / groups.length;
    // Every smaller node meets one node of each group, and no node of a group meets two: smaller ones are fewer than a group.
    const meetings = smaller.flatMap((node, at) =>
      groups.map((group): WeightedEdge => [node, group[at] as number, weight]),
    );
    steps[index]?.push(...meetings);
    together(groups.map((group) => hypercubeCycle(group, k))).forEach((edges, step) =>
      steps[index + 1 + step]?.push(...edges),
    );
  });
  return [...inParts, ...steps];
}

/** One part for each digit of their number to `base`, the highest first: as many groups as the digit says, of a power each. */
function digitParts(nodes: readonly number[], base: number): number[][][] {
  let power = 1;
  while (power * base <= nodes.length) power *= base;
  const parts: number[][][] = [];
  let start = 0;
  for (; start < nodes.length; power /= base) {
    const digit = Math.floor((nodes.length - start) / power);
    if (digit === 0) continue;
    const from = start;
    parts.push(
      Array.from({ length: digit }, (_, g) =>
        nodes.slice(from + g * power, from + (g + 1) * power),
      ),
    );
    start += digit * power;
  }
  return parts;
}

/** `size` as the product of what has prime factors up to k + 1 only, and the rest, which has none of them. */
function smoothPart(size: number, k: number): { smooth: number; rest: number } {
  let rest = size;
  for (let factor = 2; factor <= k + 1; factor++) while (rest % factor === 0) rest /= factor;
  return { smooth: size / rest, rest };
}

/** The fewest factors up to `max` whose product is `product`, ascending; none for 1. */
function fewestFactors(product: number, max: number): number[] {
  if (product === 1) return [];
  if (product <= max) return [product];
  let fewest: number[] | null = null;
  for (let factor = 2; factor <= max; factor++) {
    if (product % factor !== 0) continue;
    const factors = [factor, ...fewestFactors(product / factor, max)];
    if (fewest === null || factors.length < fewest.length) fewest = factors;
  }
  return (fewest ?? []).sort((a, b) => a - b);
}

/** Cycles of different nodes at the same time; a shorter one has nothing to do at the end. */
function together(cycles: readonly EdgeCycle[]): WeightedEdge[][] {
  const length = Math.max(0, ...cycles.map((cycle) => cycle.length));
  return Array.from({ length }, (_, step) => cycles.flatMap((cycle) => cycle[step] ?? []));
}
