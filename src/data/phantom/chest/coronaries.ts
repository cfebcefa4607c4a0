/** The coronary tree, in fat on the heart's surface: published normal sizes, either side dominant. */
import type { Vector3 } from '../../volume/vector.ts';
import { stepAlong } from '../../volume/vector.ts';
import { rootToHeart, wallRadiusAt } from '../root.ts';
import { ontoSurface, type HeartPlan } from './heart-plan.ts';
import { normally } from './draws.ts';
import { label } from '../heart-values.ts';
import { paintAll, type Scene } from './scene.ts';
import { rodsAlong, smoothCourse, type Course } from './solids.ts';

/** Lumina of one patient, mm across (Dodge 1992). */
export interface CoronarySizes {
  readonly isLeftDominant: boolean;
  readonly mainMm: number;
  readonly descendingMm: number;
  readonly descendingEndMm: number;
  readonly circumflexMm: number;
  readonly rightMm: number;
}

/** Draws sizes: left main 4.5 ± 0.5, LAD 3.7 ± 0.4 to 1.9 ± 0.4, LCX 3.4 ± 0.5 or 4.2 ± 0.6, RCA 3.9 ± 0.6 or 2.8 ± 0.5; women 9 % less. */
export function drawCoronarySizes({ random, body }: Pick<Scene, 'random' | 'body'>): CoronarySizes {
  const chance = random.fork('coronary sizes');
  const normal = normally(chance);
  const isLeftDominant = chance.uniform() < 0.1;
  const sex = body.isMale ? 1 : 0.91;
  const size = (mean: number, stdDev: number): number => sex * normal(mean, stdDev);
  return {
    isLeftDominant,
    mainMm: size(4.5, 0.5),
    descendingMm: size(3.7, 0.4),
    descendingEndMm: size(1.9, 0.4),
    circumflexMm: isLeftDominant ? size(4.2, 0.6) : size(3.4, 0.5),
    rightMm: isLeftDominant ? size(2.8, 0.5) : size(3.9, 0.6),
  };
}

/** The courses by name. */
export interface CoronaryTree {
  readonly right: Course;
  readonly main: Course;
  readonly descending: Course;
  readonly circumflex: Course;
  readonly branches: readonly Course[];
  readonly sinus: Course;
}

/** Draws the tree on the surface of the heart. */
export function planCoronaries(scene: Scene, heart: HeartPlan, sizes: CoronarySizes): CoronaryTree {
  const chance = scene.random.fork('coronary courses');
  const { root, place, surface } = heart;
  const stray = (mm: number): number => mm * (2 * chance.uniform() - 1);
  const leave = (index: 0 | 1, mm: number, riseMm = 0): Vector3 => {
    const { angle, heightMm } = root.ostia[index];
    return rootToHeart(root, angle, wallRadiusAt(root, angle, heightMm) + mm, heightMm + riseMm);
  };
  const on = (x: number, y: number, z: number, radiusMm: number): Vector3 =>
    ontoSurface(surface, place(x + stray(2), y + stray(2), z + stray(2)), radiusMm + 0.9);
  const run = (starts: Vector3[], places: [number, number, number][], from: number, to: number): Course => {
    const count = starts.length + places.length - 1;
    const radius = (n: number): number => (from + ((to - from) * n) / count) / 2;
    const points = [
      ...starts,
      ...places.map(([x, y, z], n) => on(x, y, z, radius(n + starts.length))),
    ];
    return smoothCourse({ points, radiiMm: points.map((_, n) => radius(n)) }, 5);
  }; // prettier-ignore
  const rightGroove: [number, number, number][] = [
    [31, 29, 0],
    [42, 20, -18],
    [40, 12, -42],
    [27, 2, -56],
  ];
  const crux: [number, number, number][] = [[10, -10, -54], [-8, 4, -66], [-26, 22, -72], [-42, 36, -70]]; // prettier-ignore
  const right = run(
    [leave(0, -1.5), leave(0, 6, 1), leave(0, 12)],
    sizes.isLeftDominant ? rightGroove.slice(0, 3) : [...rightGroove, ...crux],
    sizes.rightMm,
    1.6,
  );
  const fork = stepAlong(leave(1, 12), place(-1, 0.6, 0), 1.5);
  const main: Course = smoothCourse(
    {
      points: [leave(1, -1.5), leave(1, 6, 0.5), fork],
      radiiMm: [sizes.mainMm / 2, sizes.mainMm / 2, sizes.mainMm * 0.46],
    },
    4,
  );
  const descending = run(
    [fork],
    [[-36, 20, 10], [-40, 33, 2], [-48, 45, -12], [-57, 53, -28], [-66, 54, -46], [-68, 46, -58]],
    sizes.descendingMm,
    sizes.descendingEndMm * 0.9,
  ); // prettier-ignore
  const leftGroove: [number, number, number][] = [[-40, 0, 6], [-49, -10, -4], [-50, -20, -16], [-42, -24, -32]]; // prettier-ignore
  const circumflex = run(
    [fork],
    sizes.isLeftDominant ? [...leftGroove, [-22, -22, -46], ...crux.slice(1)] : leftGroove,
    sizes.circumflexMm,
    1.5,
  );
  const branches = [
    run([at(descending, 0.22)], [[-56, 28, 0], [-68, 30, -16], [-76, 32, -34]], 2.3, 1.2),
    run([at(descending, 0.45)], [[-64, 42, -18], [-75, 40, -36]], 2, 1.1),
    run([at(circumflex, 0.6)], [[-62, -10, -22], [-72, 2, -38], [-74, 16, -52]], 2.4, 1.2),
    run([at(right, 0.42)], [[34, 32, -32], [16, 46, -46]], 1.9, 1),
    run([at(right, sizes.isLeftDominant ? 0.9 : 0.75)], [[-20, -14, -54], [-42, -2, -62]], 2, 1.1),
  ]; // prettier-ignore
  const sinus = run(
    [place(34, -19, -36)],
    [[14, -24, -42], [-8, -28, -40], [-30, -30, -32], [-47, -22, -18]],
    9,
    4,
  ); // prettier-ignore
  return { right, main, descending, circumflex, branches, sinus };
}

/** The point of a course at a share of its way. */
export function at({ points }: Course, share: number): Vector3 {
  return points[Math.round(share * (points.length - 1))] ?? [0, 0, 0];
}

/** Paints the fat of the grooves, and the arteries in it. */
export function paintCoronaries(scene: Scene, tree: CoronaryTree): void {
  const { tissue } = scene;
  const { right, main, descending, circumflex, branches, sinus } = tree;
  const arteries = [right, main, descending, circumflex, ...branches];
  paintAll(scene, rodsAlong(sinus), tissue.lateVein);
  paintAll(scene, arteries.flatMap((course) => rodsAlong(course, 0.8)), tissue.vesselWall, null); // prettier-ignore
  paintAll(scene, arteries.flatMap((course) => rodsAlong(course)), tissue.aorta * 0.97, null); // prettier-ignore
}

/** Paints the fat along the arteries: before aorta and root, which it must not cover. */
export function paintCoronaryFat(scene: Scene, tree: CoronaryTree): void {
  const { right, main, descending, circumflex } = tree;
  const { fat } = scene.tissue;
  for (const course of [right, main, descending, circumflex]) {
    paintAll(scene, rodsAlong(course, 2.2), fat, label.none);
  }
}
