/**
 * Paints the heart of a phantom: chambers, great vessels, root, leaflets, coronaries. The heart's frame
 * is RAS with the annulus centre at 0 and the valve's axis tilted by 40 degrees; sizes in mm at scale 1.
 */
import type { Random } from '../../base/index.ts';
import { addVectors, scaleVector, stepAlong, unitVector, type Vector3 } from '../volume/vector.ts';
import type { Canvas, Frame } from './canvas.ts';
import type { TissueHu } from './contrast.ts';
import {
  annulusRadiusAt,
  aroundAxis,
  leaflets,
  rootLumen,
  rootToHeart,
  septumAngle,
  wallRadiusAt,
  wrapAngle,
  type Root,
} from './root.ts';
import { label } from './heart-values.ts';
import { axesAlong, cutBy, ellipsoid, grown, rod, tube, type Axes, type Shape } from './shapes.ts';

/** Direction from the base of the ventricles to the apex. */
const apexward = unitVector([-0.6, 0.575, -0.55]);
/** From the left ventricle through the septum to the right one. */
const septumward = unitVector([0.62, 0.75, 0.107]);
const ventricleAxes: Axes = [
  apexward,
  septumward,
  [
    apexward[1] * septumward[2] - apexward[2] * septumward[1],
    apexward[2] * septumward[0] - apexward[0] * septumward[2],
    apexward[0] * septumward[1] - apexward[1] * septumward[0],
  ],
];

/** Sizes of one heart, drawn once and painted in layers. */
interface Heart {
  readonly root: Root;
  readonly tissue: TissueHu;
  /** A place at scale 1, moved by the patient's size. */
  readonly place: (x: number, y: number, z: number) => Vector3;
  /** A length at scale 1 with the patient's size and some chance of its own. */
  readonly size: (mm: number) => number;
  readonly wallMm: number;
}

/** Paints a heart whose root is `root`; each call draws new sizes from `random`. */
export function paintHeart(
  canvas: Canvas,
  frame: Frame,
  random: Random,
  root: Root,
  tissue: TissueHu,
): void {
  const scale = 0.9 + 0.2 * random.uniform();
  const heart: Heart = {
    root,
    tissue,
    place: (x, y, z) => [x * scale, y * scale, z * scale],
    size: (mm) => mm * scale * (0.93 + 0.14 * random.uniform()),
    wallMm: 8 + 4 * random.uniform(),
  };
  const paint = (shapes: readonly Shape[], hu: number, value?: number): void => {
    const colour = value === undefined ? { hu } : { hu, label: value };
    for (const shape of shapes) canvas.paint(frame, shape, colour);
  };
  paintFat(heart, paint);
  paintRightHeart(heart, paint);
  paintLeftHeart(heart, paint);
  paintCoronaryFat(heart, paint);
  paintAorta(heart, paint);
  paintCoronaries(heart, paint);
  const sheetMm = 1.3 + 0.8 * random.uniform();
  canvas.paint(frame, leaflets(root), { hu: tissue.leaflet, sheetMm });
}

type Brush = (shapes: readonly Shape[], hu: number, value?: number) => void;

function paintFat({ place, size, tissue }: Heart, paint: Brush): void {
  const sac = [
    ellipsoid(place(-14, 4, -26), [size(62), size(50), size(56)]),
    ellipsoid(place(4, 4, 34), [size(40), size(33), size(50)]),
  ];
  paint(sac, tissue.fat);
}

function paintRightHeart({ place, size, tissue, root }: Heart, paint: Brush): void {
  const cavaTop = rod(place(47, -10, 95), place(42, -8, 8), size(8.5), size(9.5));
  const cavaLow = rod(place(34, -22, -38), place(33, -26, -95), size(11), size(11));
  paint([grown(cavaTop, 1.2)], tissue.vesselWall);
  paint([cavaTop], tissue.cavaSuperior);
  paint([grown(cavaLow, 1.2)], tissue.vesselWall);
  paint([cavaLow], tissue.cavaInferior);

  const trunk = tube(
    [place(-24, 32, 20), place(-29, 12, 40), place(-30, -4, 50)],
    [size(12.5), size(13), size(12)],
  );
  const branches = [
    rod(place(-26, -8, 49), place(42, -23, 44), size(10), size(8.5)),
    rod(place(-30, -4, 50), place(-56, -36, 50), size(10.5), size(8)),
  ];
  const arteries = [...trunk, ...branches];
  paint(arteries.map((shape) => grown(shape, 1.2)), tissue.vesselWall); // prettier-ignore
  const atrium = [
    ellipsoid(place(37, -7, -16), [size(20), size(23), size(28)]),
    ellipsoid(place(30, 14, 2), [size(11), size(14), size(11)]),
  ];
  const right = [
    ellipsoid(place(-18, 35, -28), [size(44), size(23), size(29)], ventricleAxes),
    ellipsoid(place(15, 22, -30), [size(22), size(20), size(22)]),
    rod(place(-12, 40, -14), place(-24, 32, 20), size(15), size(12)),
  ];
  // Room of the right heart next to the membranous septum: only a thin wall parts them.
  const angle = septumAngle(root);
  const next = rootToHeart(root, angle, annulusRadiusAt(root, angle) + 13, -9);
  const vestibule = ellipsoid(next, [13, 13, 13]);
  paint(right.map((shape) => grown(shape, 3.2)), tissue.myocardium, label.myocardium); // prettier-ignore
  paint([...atrium, vestibule].map((shape) => grown(shape, 2)), tissue.myocardium); // prettier-ignore
  paint([...atrium, vestibule], tissue.rightAtrium, label.rightAtrium);
  paint(right, tissue.rightVentricle, label.rightVentricle);
  paint(arteries, tissue.pulmonaryArtery, label.pulmonaryArtery);
}

function paintLeftHeart(heart: Heart, paint: Brush): void {
  const { place, size, tissue, root, wallMm } = heart;
  const veins = [
    rod(place(-30, -38, 8), place(-66, -38, 24), size(6.5), size(5)),
    rod(place(-30, -42, -8), place(-62, -58, -16), size(6.5), size(5)),
    rod(place(18, -36, 6), place(58, -34, 18), size(6.5), size(5)),
    rod(place(18, -40, -8), place(52, -56, -18), size(6.5), size(5)),
  ];
  const auricle = rod(place(-34, -26, 4), place(-46, 0, 13), size(9), size(5.5));
  const atrium = ellipsoid(place(-8, -34, -3), [size(30), size(18), size(22)]);
  const left = [atrium, auricle, ...veins];
  paint(left.map((shape) => grown(shape, 1.6)), tissue.vesselWall); // prettier-ignore
  paint(left, tissue.leftAtrium, label.leftAtrium);

  const middle = place(-35, 14, -31);
  const cavity = ellipsoid(middle, [size(42), size(22), size(23)], ventricleAxes);
  // The muscle ends at the valves' plane: nothing of it towards the atrium.
  const base = stepAlong(middle, apexward, -size(30));
  const belowBase = (x: number, y: number, z: number): number =>
    (base[0] - x) * apexward[0] + (base[1] - y) * apexward[1] + (base[2] - z) * apexward[2];
  paint([cutBy(grown(cavity, wallMm), belowBase)], tissue.myocardium, label.myocardium);
  paint([outflowWall(root)], tissue.myocardium, label.myocardium);
  paint([cavity], tissue.leftVentricle, label.leftVentricle);
  const mitral = rod(place(-17, -24, -12), place(-28, 2, -26), size(12), size(14));
  paint([cutBy(mitral, belowBase)], tissue.leftVentricle, label.leftVentricle);
  for (const side of [-1, 1]) {
    const foot = addVectors(middle, scaleVector(ventricleAxes[2], side * 17));
    const muscle = rod(
      stepAlong(foot, apexward, 20),
      stepAlong(middle, ventricleAxes[2], side * 9),
      5,
      3,
    );
    paint([muscle], tissue.myocardium, label.myocardium);
  }
  const outflow = rod(scaleVector(root.w, -8), middle, root.annulusRadiusMm, size(18));
  paint([outflow, outflowLumen(root)], tissue.leftVentricle, label.leftVentricle);
}

function paintAorta(heart: Heart, paint: Brush): void {
  const { place, size, tissue, root } = heart;
  const junction = scaleVector(root.w, root.junctionHeightMm);
  const start = root.junctionRadiusMm;
  const along = stepAlong(junction, root.w, 12);
  const bend = addVectors(along, scaleVector(unitVector(addVectors(root.w, [-0.1, 0, 0.5])), 16));
  const wide = Math.max(size(15.5), start + 0.5);
  const ascending = tube(
    [junction, along, bend, [bend[0] + 1, bend[1] - 4, bend[2] + 22], place(14, -14, 88)],
    [start, (start + wide) / 2, wide, wide, wide * 0.95],
  );
  const arch = rod(place(14, -14, 88), place(-24, -50, 88), wide * 0.92, 12.5);
  const tubes = [...ascending, arch];
  paint(
    [rootLumen(root, 1.8, -0.5), ...tubes.map((shape) => grown(shape, 1.8))],
    tissue.vesselWall,
  );
  paint([rootLumen(root, 0, 1), ...tubes], tissue.aorta, label.aorta);
}

/** Courses of right, left main with anterior descending, and circumflex artery. */
function coronaryCourses({ place, root }: Heart): { points: Vector3[]; radiiMm: number[] }[] {
  const leave = (index: 0 | 1, mm: number): Vector3 => {
    const { angle, heightMm } = root.ostia[index];
    return rootToHeart(root, angle, wallRadiusAt(root, angle, heightMm) + mm, heightMm);
  };
  const right = [leave(0, -1), leave(0, 7), leave(0, 13), place(27, 31, -4), place(38, 22, -30)];
  const main = [leave(1, -1), leave(1, 6), leave(1, 11)];
  const fork = leave(1, 11);
  return [
    { points: right, radiiMm: [2.2, 2.1, 2, 1.8, 1.5] },
    { points: main, radiiMm: [2.5, 2.4, 2.2] },
    {
      points: [fork, place(-38, 14, 12), place(-47, 38, -4), place(-58, 52, -30)],
      radiiMm: [2.1, 1.9, 1.7, 1.4],
    },
    { points: [fork, place(-45, -14, -6), place(-54, -18, -24)], radiiMm: [2, 1.7, 1.4] },
  ];
}

function paintCoronaryFat(heart: Heart, paint: Brush): void {
  for (const { points, radiiMm } of coronaryCourses(heart)) {
    paint(tube(points, radiiMm.map((mm) => mm + 2.6)), heart.tissue.fat); // prettier-ignore
  }
}

function paintCoronaries(heart: Heart, paint: Brush): void {
  for (const { points, radiiMm } of coronaryCourses(heart)) {
    paint(tube(points, radiiMm), heart.tissue.aorta * 0.97);
  }
}

/** Blood just below the annulus, with the annulus' own outline. */
export function outflowLumen(root: Root): Shape {
  return outflowSolid(root, 16, () => 0);
}

/**
 * Wall of the outflow: muscle towards the right heart, a curtain towards the left atrium, and the
 * membranous window between the right and the non-coronary cusp.
 */
export function outflowWall(root: Root): Shape {
  const septum = septumAngle(root);
  const degree = Math.PI / 180;
  return outflowSolid(root, 15, (angle, height) => {
    const facing = Math.cos(wrapAngle(angle - root.cusps[0].angle + 15 * degree));
    const muscle = 2 + 6.5 * Math.min(1, Math.max(0, 0.6 + facing));
    const inWindow = height > -1 - root.septumMm && height < 2;
    const aside = Math.abs(wrapAngle(angle - septum)) / (34 * degree);
    const open = inWindow ? Math.min(1, Math.max(0, 2 - 2 * aside)) : 0;
    return muscle * (1 - open) + 1.4 * open;
  });
}

function outflowSolid(
  root: Root,
  depthMm: number,
  thicknessAt: (angle: number, heightMm: number) => number,
): Shape {
  const half = depthMm / 2 + root.annulusRadiusMm * 1.1 + 9;
  return {
    distance: (x, y, z) => {
      const height = x * root.w[0] + y * root.w[1] + z * root.w[2];
      const { angle, radius } = aroundAxis(root, x, y, z);
      const side = radius - annulusRadiusAt(root, angle) - thicknessAt(angle, height);
      return Math.max(side, height - 0.5, -depthMm - height);
    },
    centre: scaleVector(root.w, -depthMm / 2),
    halfMm: [half, half, half],
  };
}

/** Axes for a flat blob that lies along the wall of the root at an angle. */
export function wallAxes(root: Root, angle: number): Axes {
  return axesAlong(rootToHeart(root, angle, 1, 0));
}
