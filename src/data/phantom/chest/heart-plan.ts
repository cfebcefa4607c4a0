/**
 * Sizes of one heart and where its parts lie. Places are given as in the heart's own frame (annulus at 0, valve's axis
 * tilted by 40 degrees) and turned by the patient's heart rotation into the chest's frame.
 */
import type { Random } from '../../../base/index.ts';
import {
  rotated,
  scaleVector,
  stepAlong,
  unitVector,
  type Rotation,
  type Vector3,
} from '../../volume/vector.ts';
import {
  annulusRadiusAt,
  aroundAxis,
  rootToHeart,
  septumAngle,
  wallRadiusAt,
  type Root,
} from '../root.ts';
import { cutBy, grown, rod, type Axes, type Shape } from '../shapes.ts';
import { smoothField } from './noise.ts';
import { evenly } from './draws.ts';
import { horizontally, leaningOn } from './leaning.ts';
import { blend, blob, rodsAlong, rough, smoothCourse, type Course } from './solids.ts';

const apexward = unitVector([-0.6, 0.575, -0.55]);
const septumward = unitVector([0.62, 0.75, 0.107]);

/** One heart: cavities and the outsides of their walls. */
export interface HeartPlan {
  readonly root: Root;
  readonly scale: number;
  readonly isSystole: boolean;
  /** A place of the heart's own frame in the chest's. */
  readonly place: (x: number, y: number, z: number) => Vector3;
  /** A direction likewise. */
  readonly way: (direction: Vector3) => Vector3;
  readonly axes: Axes;
  /** Middle of the left ventricle, and its half axes along apex, septum and across. */
  readonly middle: Vector3;
  readonly leftRadiiMm: Vector3;
  readonly wallMm: number;
  readonly leftVentricle: Shape;
  readonly leftWall: Shape;
  readonly mitral: { readonly centre: Vector3; readonly radiusMm: number };
  readonly leftAtrium: Shape;
  readonly auricle: Shape;
  readonly rightAtrium: Shape;
  readonly rightVentricle: Shape;
  readonly outflowTract: Course;
  /** Everything that pumps, with its walls: coronaries run on it. */
  readonly surface: Shape;
  /** The pericardium's inside. */
  readonly sac: Shape;
  readonly fatMm: number;
  readonly field: Shape['distance'];
}

/** Draws a heart. `systole` is the share of scans in systole. */
export function planHeart(
  random: Random,
  root: Root,
  rotation: Rotation,
  bodyScale: number,
  systole = 0.3,
): HeartPlan {
  const even = evenly(random);
  const isSystole = random.uniform() < systole;
  const scale = bodyScale * even(0.94, 1.08);
  const way = (direction: Vector3): Vector3 => rotated(rotation, direction);
  const place = (x: number, y: number, z: number): Vector3 => scaleVector(way([x, y, z]), scale);
  const size = (mm: number, spread = 0.08): number => mm * scale * even(1 - spread, 1 + spread);
  const field = smoothField(random.fork('field'));
  const first = way(apexward);
  const second = way(septumward);
  const third: Vector3 = [
    first[1] * second[2] - first[2] * second[1],
    first[2] * second[0] - first[0] * second[2],
    first[0] * second[1] - first[1] * second[0],
  ];
  const axes: Axes = [first, second, third];
  const left = planLeftVentricle({ place, axes, isSystole, even, scale, field });
  const atria = planAtria(place, size, axes, root, field, isSystole);
  const right = planRightVentricle(place, size, axes, root, field);
  const walls = [
    left.leftWall,
    grown(atria.leftAtrium, 2),
    grown(atria.rightAtrium, 2),
    grown(right.rightVentricle, 3.2),
    ...rodsAlong(right.outflowTract, 3),
  ];
  const surface = blend(7, walls);
  const fatMm = 2 + 7 * random.uniform() ** 1.5;
  const sac = grown(
    blend(26 * scale, [surface, rod([0, 0, 0], scaleVector(root.w, 34), 21, 22)]),
    fatMm * 0.6,
  );
  return {
    ...{ root, scale, isSystole, place, way, axes, field, surface, sac, fatMm },
    ...left,
    ...atria,
    ...right,
  }; // prettier-ignore
}

interface Sizes {
  readonly place: HeartPlan['place'];
  readonly axes: Axes;
  readonly isSystole: boolean;
  readonly even: (low: number, high: number) => number;
  readonly scale: number;
  readonly field: Shape['distance'];
}

function planLeftVentricle({
  place,
  axes,
  isSystole,
  even,
  scale,
  field,
}: Sizes): Pick<
  HeartPlan,
  'middle' | 'leftRadiiMm' | 'wallMm' | 'leftVentricle' | 'leftWall' | 'mitral'
> {
  const middle = place(-37, 13, -32);
  const squeeze = isSystole ? even(0.68, 0.82) : 1;
  const long = 48 * scale * even(0.94, 1.06) * (isSystole ? 0.9 : 1);
  const wide = even(0.9, 1.1) * scale * squeeze;
  const leftRadiiMm: Vector3 = [long, 25.5 * wide, 27 * wide];
  const wallMm = even(7.5, 11.5) * (isSystole ? 1.35 : 1);
  const base = stepAlong(middle, axes[0], -31 * scale);
  const belowBase = (x: number, y: number, z: number): number =>
    (base[0] - x) * axes[0][0] + (base[1] - y) * axes[0][1] + (base[2] - z) * axes[0][2];
  const cavity = blob(middle, leftRadiiMm, axes);
  const outer = blob(
    middle,
    [long + wallMm * 0.7, leftRadiiMm[1] + wallMm, leftRadiiMm[2] + wallMm],
    axes,
  );
  const mitralRadius = 14.5 * scale * even(0.9, 1.1);
  const centre = place(-22, -13, -19);
  const inflow = rod(centre, stepAlong(middle, axes[0], -6), mitralRadius, 16 * scale * squeeze);
  return {
    middle,
    leftRadiiMm,
    wallMm,
    // Trabeculae make the wall uneven, most of all towards the apex.
    leftVentricle: cutBy(
      blend(9, [rough(cavity, field, 2.4, 5.5), cutBy(inflow, belowBase)]),
      (x, y, z) => belowBase(x, y, z) - 6,
    ),
    leftWall: cutBy(rough(outer, field, 1.2, 18), belowBase),
    mitral: { centre, radiusMm: mitralRadius },
  };
}

function planAtria(
  place: HeartPlan['place'],
  size: (mm: number, spread?: number) => number,
  axes: Axes,
  root: Root,
  field: Shape['distance'],
  isSystole: boolean,
): Pick<HeartPlan, 'leftAtrium' | 'auricle' | 'rightAtrium'> {
  const full = isSystole ? 1.06 : 0.95;
  const leftAtrium = blend(14, [
    blob(place(-8, -35, -4), [size(34) * full, size(19) * full, size(25) * full]),
    rod(place(-20, -30, -10), place(-24, -15, -18), size(19), size(14.5)),
    rod(place(-30, -40, 6), place(-46, -41, 15), size(11), size(7)),
    rod(place(16, -38, 4), place(34, -36, 12), size(11), size(7)),
  ]);
  // The auricle's tip lies on the left of the pulmonary trunk, in some higher than the left ostium, in some lower.
  const raisedMm = size(6, 1);
  const lobe = (x: number, y: number, z: number, mm: number): Shape =>
    blob(place(x, y, z), [size(mm, 0.25), size(mm * 0.8, 0.25), size(mm * 0.9, 0.25)], axes);
  const auricle = rough(
    blend(6, [
      rod(place(-33, -24, 6), place(-38, -12, 12 + raisedMm), size(8), size(6.5)),
      lobe(-38, -5, 13 + raisedMm, 9),
      lobe(-36, 6, 12 + raisedMm, 7.5),
      lobe(-44, -3, 6 + raisedMm, 7.5),
    ]),
    field,
    1.8,
    5,
  );
  // Room of the right heart next to the membranous septum: only a thin wall parts them.
  const angle = septumAngle(root);
  const vestibule = rootToHeart(root, angle, annulusRadiusAt(root, angle) + 14.5, -9);
  const rightAtrium = rough(
    blend(12, [
      blob(place(39, -9, -18), [size(24), size(27), size(33)]),
      blob(place(31, 15, 3), [size(12, 0.2), size(15, 0.2), size(12, 0.2)]),
      blob(vestibule, [13, 13, 13]),
      rod(place(38, -16, -30), place(34, -24, -46), size(14), size(12)),
      rod(place(39, -8, 2), place(41, -9, 18), size(13), size(9.5)),
    ]),
    field,
    1.3,
    7,
  );
  return { leftAtrium, auricle, rightAtrium };
}

function planRightVentricle(
  place: HeartPlan['place'],
  size: (mm: number, spread?: number) => number,
  axes: Axes,
  root: Root,
  field: Shape['distance'],
): Pick<HeartPlan, 'rightVentricle' | 'outflowTract'> {
  const tract = [size(15), size(13), size(12)] as const;
  const beside = (radiusMm: number, heightMm: number, degrees: number): Vector3 => {
    const towards = horizontally(degrees);
    const { angle } = aroundAxis(root, ...towards);
    const wide = wallRadiusAt(root, angle, heightMm) + radiusMm;
    return leaningOn(scaleVector(root.w, heightMm), root.w, towards, wide);
  };
  const rightVentricle = rough(
    blend(14, [
      blob(place(-19, 36, -30), [size(46), size(25), size(31)], axes),
      blob(place(14, 25, -31), [size(23), size(22), size(26)]),
      blob(place(24, 8, -30), [size(15), size(16), size(20)]),
      rod(place(-12, 40, -14), beside(tract[1], -1, 116), size(16), tract[1]),
    ]),
    field,
    2.6,
    6.5,
  );
  const outflowTract = smoothCourse(
    {
      points: [
        place(-14, 37, -8),
        beside(tract[1], -1, 116),
        beside(tract[2], 12, 132),
        beside(tract[2], root.junctionHeightMm, 146),
      ],
      radiiMm: [tract[0], tract[1], tract[2], tract[2]],
    },
    3,
  );
  return { rightVentricle, outflowTract };
}

/** The place on a surface `depthMm` outside of it that is nearest to `from`, by steps along the slope. */
export function ontoSurface(surface: Shape, from: Vector3, depthMm: number): Vector3 {
  let at = from;
  for (let step = 0; step < 12; step++) {
    const d = surface.distance(...at) - depthMm;
    if (Math.abs(d) < 0.2) break;
    const slope = slopeAt(surface, at);
    at = stepAlong(at, slope, -d * 0.8);
  }
  return at;
}

function slopeAt({ distance }: Shape, [x, y, z]: Vector3): Vector3 {
  const e = 1.5;
  const slope: Vector3 = [
    distance(x + e, y, z) - distance(x - e, y, z),
    distance(x, y + e, z) - distance(x, y - e, z),
    distance(x, y, z + e) - distance(x, y, z - e),
  ];
  const [a, b, c] = slope;
  return scaleVector(slope, 1 / (Math.sqrt(a * a + b * b + c * c) + 1e-9));
}
