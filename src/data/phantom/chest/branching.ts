/** Grows a tree of vessels into a lung: each target is joined to the nearest branch, and radii follow Murray's law. */
import type { Random } from '../../../base/index.ts';
import { distanceBetween, type Vector3 } from '../../volume/vector.ts';
import type { Shape } from '../shapes.ts';
import { between, thinRod } from './solids.ts';

/** A place of a tree and the place nearer to the trunk that it hangs on; -1 at the trunk. */
interface Node {
  readonly at: Vector3;
  readonly parent: number;
  /** Sum of the cubes of the radii of all twigs beyond. */
  cubes: number;
}

/** A tree as rods with their radii. */
export interface Twig {
  readonly from: Vector3;
  readonly to: Vector3;
  readonly radiusMm: number;
}

/**
 * Joins `targets`, nearest to the trunk first, to a tree that begins with `trunk` (its first point is the root). The twigs
 * at the targets have `twigMm`, and where branches meet the cubes of radii add up (Murray 1926), to `trunkMm` at most.
 */
export function growTree(
  random: Random,
  trunk: readonly Vector3[],
  targets: readonly Vector3[],
  twigMm: number,
  trunkMm: number,
): Twig[] {
  const nodes: Node[] = trunk.map((at, n) => ({ at, parent: n - 1, cubes: 0 }));
  const start = trunk.at(-1) ?? [0, 0, 0];
  const sorted = [...targets].sort((a, b) => distanceBetween(a, start) - distanceBetween(b, start));
  for (const target of sorted) {
    const nearest = nearestNode(nodes, target, start);
    const from = nodes[nearest]?.at ?? start;
    const long = distanceBetween(from, target);
    const pieces = Math.max(1, Math.round(long / 9));
    let parent = nearest;
    for (let piece = 1; piece <= pieces; piece++) {
      const share = piece / pieces;
      const [x, y, z] = between(from, target, share);
      const stray = piece === pieces ? 0 : 1.3;
      const at: Vector3 = [
        x + stray * random.normal(),
        y + stray * random.normal(),
        z + stray * random.normal(),
      ];
      nodes.push({ at, parent, cubes: 0 });
      parent = nodes.length - 1;
    }
    for (let n = parent; n >= 0; n = nodes[n]?.parent ?? -1) {
      const node = nodes[n];
      if (node !== undefined) node.cubes += twigMm ** 3;
    }
  }
  return nodes.flatMap(({ at, parent, cubes }) => {
    const from = nodes[parent]?.at;
    if (from === undefined || cubes === 0) return [];
    return [{ from, to: at, radiusMm: Math.min(trunkMm, Math.cbrt(cubes)) }];
  });
}

/** The node to branch off from: near, and not one that would make the branch run back towards the trunk. */
function nearestNode(nodes: readonly Node[], target: Vector3, start: Vector3): number {
  let best = 0;
  let bestCost = Infinity;
  const [tx, ty, tz] = target;
  const [sx, sy, sz] = start;
  const far = distanceBetween(target, start) + 1e-9;
  for (let n = 0; n < nodes.length; n++) {
    const { at } = nodes[n] ?? { at: start };
    const [dx, dy, dz] = [tx - at[0], ty - at[1], tz - at[2]];
    const long = Math.sqrt(dx * dx + dy * dy + dz * dz);
    if (long >= bestCost) continue;
    const forward = (dx * (tx - sx) + dy * (ty - sy) + dz * (tz - sz)) / (long * far + 1e-9);
    const cost = long * (1.6 - 0.6 * forward) + 0.12 * distanceBetween(at, start);
    if (cost < bestCost) {
      best = n;
      bestCost = cost;
    }
  }
  return best;
}

/** Rods of the twigs thicker than `leastMm`, each wider by `byMm`. */
export function twigRods(twigs: readonly Twig[], leastMm: number, byMm = 0): Shape[] {
  return twigs
    .filter(({ radiusMm }) => radiusMm >= leastMm)
    .map(({ from, to, radiusMm }) => thinRod(from, to, radiusMm + byMm, radiusMm + byMm));
}
