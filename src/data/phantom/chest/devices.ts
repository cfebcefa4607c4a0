/** Paints metal in the chest: leads, sternal wires, clips, bypass grafts, prostheses; returns what throws streaks. */
import { stepAlong, type Vector3 } from '../../volume/vector.ts';
import type { Deposit } from '../calcium.ts';
import { annulusRadiusAt, rootToHeart, type Root } from '../root.ts';
import { cutBy, ellipsoid, type Shape } from '../shapes.ts';
import { at as along, type CoronaryTree } from './coronaries.ts';
import type { Findings } from './findings.ts';
import type { GreatVessels } from './vessel-plan.ts';
import { ontoSurface, type HeartPlan } from './heart-plan.ts';
import { evenly } from './draws.ts';
import { paintAll, type Scene } from './scene.ts';
import { blob, rodsAlong, smoothCourse, thinRod, type Course } from './solids.ts';

/** Paints what the findings name. */
export function paintDevices(
  scene: Scene,
  findings: Findings,
  heart: HeartPlan,
  vessels: GreatVessels,
  tree: CoronaryTree,
): Deposit[] {
  const metal: Course[] = [];
  if (findings.hasLeads) metal.push(...leads(scene, heart, vessels));
  if (findings.hasBypass) {
    paintGrafts(scene, heart, vessels, tree);
    metal.push(...wires(scene), ...clips(scene, tree));
  }
  const struts = findings.prosthesis === 'none' ? [] : prosthesis(scene, heart.root, findings);
  paintAll(scene, metal.flatMap((course) => rodsAlong(course)), scene.tissue.metal, null); // prettier-ignore
  paintAll(scene, struts, scene.tissue.metal, null);
  const glints = metal.flatMap(({ points, radiiMm }) =>
    points
      .filter((_, n) => n % 3 === 0)
      .map((place) => streakOf(place, 2.2 * (radiiMm[0] ?? 1), scene.tissue.metal)),
  );
  const ring = findings.prosthesis === 'mechanical' ? [streakOf([0, 0, 0], 9, scene.tissue.metal)] : []; // prettier-ignore
  return [...glints, ...ring];
}

function streakOf(place: Vector3, diameterMm: number, hu: number): Deposit {
  const half = diameterMm / 2;
  return { shape: ellipsoid(place, [half, half, half]), hu, diameterMm };
}

/** Through the left subclavian vein into the right ventricle's tip, often with a coil, and into the auricle. */
function leads(scene: Scene, heart: HeartPlan, { cavaSuperior }: GreatVessels): Course[] {
  const even = evenly(scene.random.fork('leads'));
  const [trunk, left] = cavaSuperior;
  const into: Vector3[] = [
    ...(left?.points ?? []).filter((_, n) => n % 4 === 0),
    ...(trunk?.points ?? []).filter((_, n) => n % 4 === 2),
  ];
  const tip = stepAlong(
    stepAlong(heart.middle, heart.axes[0], heart.leftRadiiMm[0] * 0.55),
    heart.axes[1],
    heart.leftRadiiMm[1] * 0.9 + heart.wallMm,
  );
  const ventricular = smoothCourse(
    {
      points: [...into, heart.place(38, -8, -6), heart.place(26, 8, -34), tip],
      radiiMm: [...into.map(() => 1), 1, 1.2, even(1.1, 1.7)],
    },
    5,
  );
  const atrial = smoothCourse(
    {
      points: [...into, heart.place(36, -4, -14), heart.place(33, 14, -2), heart.place(31, 20, 5)],
      radiiMm: [...into.map(() => 0.9), 0.9, 0.9, 1.1],
    },
    5,
  );
  return even(0, 1) < 0.7 ? [ventricular, atrial] : [ventricular];
}

/** Loops around the sternum. */
function wires({ body, random }: Scene): Course[] {
  const even = evenly(random.fork('wires'));
  const s = body.scale;
  return [102, 84, 62, 42, 22, 2, -16].map((level): Course => {
    const z = (level + even(-4, 4)) * s;
    const { front } = body.cageAt(z);
    const points = Array.from({ length: 9 }, (_, n): Vector3 => {
      const turn = (n / 8) * 2 * Math.PI;
      return [
        body.midMm + 15 * s * Math.cos(turn),
        front + 6 + 9 * s * Math.sin(turn),
        z + even(-1, 1),
      ];
    });
    return { points, radiiMm: points.map(() => 0.5) };
  });
}

function clips({ random }: Scene, tree: CoronaryTree): Course[] {
  const even = evenly(random.fork('clips'));
  return Array.from({ length: 5 + random.fork('clip count').integer(7) }, (_, n): Course => {
    const course = n % 3 === 0 ? tree.right : tree.descending;
    const [x, y, z] = along(course, even(0.2, 0.9));
    const from: Vector3 = [x + even(-9, 9), y + even(3, 16), z + even(-8, 20)];
    return {
      points: [from, [from[0] + even(-3, 3), from[1] + even(-3, 3), from[2] + even(-2, 2)]],
      radiiMm: [0.6, 0.6],
    };
  });
}

/** A mammary artery to the LAD, and vein grafts from the aorta to the other side. */
function paintGrafts(
  scene: Scene,
  heart: HeartPlan,
  { aorta }: GreatVessels,
  tree: CoronaryTree,
): void {
  const { body, tissue } = scene;
  const even = evenly(scene.random.fork('grafts'));
  const s = body.scale;
  const over = (place: Vector3, mm: number): Vector3 => ontoSurface(heart.surface, place, mm);
  const target = along(tree.descending, 0.55);
  const mammary: Course = {
    points: [
      [body.midMm - 36 * s, body.cageAt(100 * s).front - 6, 100 * s],
      [body.midMm - 26 * s, body.cageAt(40 * s).front - 6, 40 * s],
      over([target[0] + 3, target[1] + 8, target[2] + 26], 8),
      target,
    ],
    radiiMm: [1.4, 1.3, 1.2, 1],
  };
  const veinTo = (end: Vector3, liftMm: number): Course => {
    const from = along(aorta, even(0.09, 0.14));
    const start: Vector3 = [from[0], from[1] + 15, from[2]];
    const middle = over([(start[0] + end[0]) / 2, (start[1] + end[1]) / 2 + 14, (start[2] + end[2]) / 2], liftMm); // prettier-ignore
    return { points: [from, start, middle, end], radiiMm: [2.4, 2.3, 2.1, 1.7] };
  };
  const grafts = [
    mammary,
    veinTo(along(tree.circumflex, 0.8), 7),
    veinTo(along(tree.right, 0.5), 5),
  ];
  for (const course of grafts) {
    const fine = smoothCourse(course, 6);
    paintAll(scene, rodsAlong(fine, 1), tissue.vesselWall, null);
    paintAll(scene, rodsAlong(fine), tissue.aorta * 0.97, null);
  }
}

/** Struts of a self-expanding or balloon-expanded frame, or ring and leaflets of a mechanical valve. */
function prosthesis(scene: Scene, root: Root, { prosthesis: kind }: Findings): Shape[] {
  const even = evenly(scene.random.fork('prosthesis'));
  const place = (turn: number, height: number, share: number): Vector3 =>
    rootToHeart(root, turn, annulusRadiusAt(root, turn) * share, height);
  if (kind === 'frame') {
    const struts: Shape[] = [];
    const [low, rows, cells] = [-even(3, 6), 3 + Math.floor(even(0, 2)), 12];
    const flare = even(0, 0.09);
    for (let row = 0; row < rows; row++) {
      for (let n = 0; n < cells; n++) {
        const turn = (2 * Math.PI * (n + (row % 2) / 2)) / cells;
        const foot = place(turn, low + row * 6, 1 + flare * row);
        for (const side of [-0.5, 0.5]) {
          const head = place(turn + (side * 2 * Math.PI) / cells, low + (row + 1) * 6, 1 + flare * (row + 1)); // prettier-ignore
          struts.push(thinRod(foot, head, 0.32, 0.32));
        }
      }
    }
    return struts;
  }
  const parts: Shape[] = [];
  for (let n = 0; n < 24; n++) {
    const [a, b] = [(n / 24) * 2 * Math.PI, ((n + 1) / 24) * 2 * Math.PI];
    parts.push(thinRod(place(a, 1, 0.94), place(b, 1, 0.94), 1.2, 1.2));
  }
  const opening = even(0.35, 1.1);
  for (const side of [-1, 1]) {
    // Half a disc each, tilted about a hinge near the middle.
    const normal = stepAlong(
      [root.w[0] * Math.cos(opening), root.w[1] * Math.cos(opening), root.w[2] * Math.cos(opening)],
      root.u,
      side * Math.sin(opening),
    );
    const hinge: Vector3 = stepAlong([root.w[0], root.w[1], root.w[2]], root.u, side * 1.5);
    const disc = blob(hinge, [root.annulusRadiusMm * 0.82, root.annulusRadiusMm * 0.82, root.annulusRadiusMm * 0.82]); // prettier-ignore
    const flat: Shape = {
      ...disc,
      distance: (x, y, z) => {
        const [dx, dy, dz] = [x - hinge[0], y - hinge[1], z - hinge[2]];
        const off = dx * normal[0] + dy * normal[1] + dz * normal[2];
        return Math.max(disc.distance(x, y, z), Math.abs(off) - 0.7);
      },
    };
    parts.push(
      cutBy(flat, (x, y, z) => -side * ((x - hinge[0]) * root.u[0] + (y - hinge[1]) * root.u[1] + (z - hinge[2]) * root.u[2])),
    ); // prettier-ignore
  }
  return parts;
}
