/** Courses of the large vessels, trachea with main bronchi and oesophagus, and where they enter the lungs. */
import {
  scaleVector,
  stepAlong,
  subtractVectors,
  unitVector,
  type Vector3,
} from '../../volume/vector.ts';
import type { HeartPlan } from './heart-plan.ts';
import { horizontally, leaningOn } from './leaning.ts';
import type { Hila } from './lungs.ts';
import { evenly, normally } from './draws.ts';
import type { Scene } from './scene.ts';
import { smoothCourse, type Course } from './solids.ts';

/** Courses of one patient's large vessels. */
export interface GreatVessels {
  /** From the sinotubular junction over the arch to the end of the descending aorta. */
  readonly aorta: Course;
  readonly archBranches: readonly Course[];
  readonly pulmonary: readonly Course[];
  readonly veins: readonly Course[];
  readonly cavaSuperior: readonly Course[];
  readonly cavaInferior: Course;
  readonly azygos: Course;
  readonly hila: Hila;
  readonly airways: readonly Course[];
  readonly oesophagus: Course;
}

type Place = (x: number, y: number, z: number) => Vector3;

/** Draws the vessels of a patient. `ectasiaMm` widens the ascending aorta. */
export function planVessels(scene: Scene, heart: HeartPlan, ectasiaMm: number): GreatVessels {
  const { body } = scene;
  const random = scene.random.fork('vessels');
  const even = evenly(random);
  const normal = normally(random);
  const s = body.scale;
  // x from the midline, z from the annulus.
  const at: Place = (x, y, z) => [body.midMm + x * s, y * s, z * s];
  const onSpine = (x: number, forward: number, z: number): Vector3 => [
    body.midMm + x * s,
    body.spineFrontAt(z * s) + forward * s,
    z * s,
  ];
  const hila: Hila = {
    arteries: [at(54, -40, 30), at(-56, -48, 42)],
    veins: [
      [at(50, -32, 14), at(47, -50, -12)],
      [at(-58, -34, 20), at(-55, -56, -10)],
    ],
    bronchi: [at(46, -54, 20), at(-50, -54, 18)],
  };
  const aorta = planAorta(scene, heart, ectasiaMm, at, onSpine);
  return {
    aorta,
    archBranches: planArchBranches(at, even),
    pulmonary: planPulmonary(heart, aorta, at, hila, normal),
    veins: planPulmonaryVeins(heart, hila, even),
    ...planCavae(heart, at, onSpine, even),
    hila,
    airways: planAirways(at, hila, normal, body.isMale),
    oesophagus: smoothCourse(
      {
        points: [onSpine(-3, 8, 190), onSpine(-4, 8, 60), onSpine(-6, 8, 0), onSpine(-8, 13, -55), onSpine(-20, 30, -100)],
        radiiMm: [5.5, 5.5, even(5, 7), 6, 7],
      },
      4,
    ),
  }; // prettier-ignore
}

function planAorta(
  scene: Scene,
  { root }: HeartPlan,
  ectasiaMm: number,
  at: Place,
  onSpine: Place,
): Course {
  const { body } = scene;
  const random = scene.random.fork('aorta');
  const even = evenly(random);
  const normal = normally(random);
  // Framingham: ascending 34.1 mm in men, 31.9 in women; descending 25.8 and 23.1.
  const ascending = normal(body.isMale ? 34.1 : 31.9, 3.6) / 2 + ectasiaMm / 2;
  const descending = normal(body.isMale ? 25.8 : 23.1, 2.6) / 2;
  const start = root.junctionRadiusMm;
  const junction = scaleVector(root.w, root.junctionHeightMm);
  const up = stepAlong(junction, root.w, 16);
  const top = even(84, 100);
  const sway = even(-4, 4);
  const wide = Math.max(ascending, start * 0.95);
  const course: Course = {
    points: [
      junction,
      up,
      at(10, -2, 58),
      at(7, -12, top - 20),
      at(-4, -26, top),
      at(-18, -48, top - 4),
      onSpine(-25, 2, 62),
      onSpine(-25 + sway, -1, 30),
      onSpine(-22 + sway, -1, -20),
      onSpine(-15, 5, -80),
      onSpine(-6, 10, -130),
      onSpine(-2, 10, -400),
    ],
    radiiMm: [
      ...[start, (start + wide) / 2 + 0.5, wide, wide * 0.95, wide * 0.86, descending * 1.08],
      ...[descending * 1.03, descending, descending, descending * 0.97, descending * 0.92],
      descending * 0.85,
    ],
  };
  return smoothCourse(course, 5);
}

function planArchBranches(at: Place, even: (low: number, high: number) => number): Course[] {
  const course = (points: Vector3[], radiusMm: number): Course =>
    smoothCourse({ points, radiiMm: points.map(() => radiusMm) }, 4);
  return [
    course([at(4, -18, 84), at(9, -20, 104), at(24, -22, 128)], even(5.5, 7)),
    course([at(24, -22, 128), at(60, -20, 140), at(95, -8, 146)], 4.5),
    course([at(24, -22, 128), at(24, -24, 160), at(26, -26, 330)], 3.6),
    course([at(-7, -30, 88), at(-15, -32, 116), at(-26, -28, 330)], even(3.4, 4.2)),
    course([at(-17, -44, 86), at(-27, -48, 116), at(-55, -30, 140), at(-95, -12, 146)], even(4, 5)),
  ];
}

/** The trunk goes on where the outflow tract ends and winds about the ascending aorta, from its front to its left. */
function planPulmonary(
  heart: HeartPlan,
  aorta: Course,
  at: Place,
  hila: Hila,
  normal: (mean: number, stdDev: number) => number,
): Course[] {
  // Trunk 25.1 ± 2.8 mm (Truong 2012, Framingham).
  const trunk = Math.max(9.5, normal(25.1, 2.8) / 2);
  const course = (points: Vector3[], radiiMm: number[]): Course =>
    smoothCourse({ points, radiiMm }, 4);
  const { points: tract, radiiMm: tractMm } = heart.outflowTract;
  const valve = tract.at(-1) as Vector3;
  const beside = (n: number, degrees: number): Vector3 => {
    const [before, here, after] = [n - 1, n, n + 1].map((m) => aorta.points[m] as Vector3) as [
      Vector3,
      Vector3,
      Vector3,
    ];
    const along = unitVector(subtractVectors(after, before));
    return leaningOn(here, along, horizontally(degrees), (aorta.radiiMm[n] as number) + trunk);
  };
  const middle = beside(5, 168);
  const fork = beside(8, 195);
  return [
    course([valve, middle, fork], [tractMm.at(-1) as number, trunk * 1.02, trunk * 0.96]),
    course(
      [fork, at(-8, -32, 42), at(22, -38, 40), at(42, -39, 36), hila.arteries[0]],
      [trunk * 0.85, trunk * 0.78, trunk * 0.76, trunk * 0.7, 6.5],
    ),
    course(
      [fork, at(-40, -32, 55), at(-51, -46, 52), hila.arteries[1]],
      [trunk * 0.88, trunk * 0.8, trunk * 0.72, 6.5],
    ),
  ];
}

function planPulmonaryVeins(
  heart: HeartPlan,
  hila: Hila,
  even: (low: number, high: number) => number,
): Course[] {
  const course = (from: Vector3, to: Vector3, radiusMm: number): Course =>
    smoothCourse({ points: [from, to], radiiMm: [radiusMm * 1.15, radiusMm * 0.8] }, 3);
  const [[rightTop, rightLow], [leftTop, leftLow]] = hila.veins as unknown as [
    [Vector3, Vector3],
    [Vector3, Vector3],
  ];
  return [
    course(heart.place(20, -36, 7), rightTop, even(5.5, 7.5)),
    course(heart.place(16, -44, -10), rightLow, even(5.5, 7.5)),
    course(heart.place(-34, -38, 9), leftTop, even(5, 7)),
    course(heart.place(-30, -46, -8), leftLow, even(5, 7)),
  ];
}

function planCavae(
  heart: HeartPlan,
  at: Place,
  onSpine: Place,
  even: (low: number, high: number) => number,
): Pick<GreatVessels, 'cavaSuperior' | 'cavaInferior' | 'azygos'> {
  const radius = even(8.5, 11);
  const course = (points: Vector3[], radiiMm: number[]): Course =>
    smoothCourse({ points, radiiMm }, 4);
  const meeting = at(34, -6, 92);
  return {
    cavaSuperior: [
      course([meeting, at(37, -10, 60), at(37, -12, 40), heart.place(41, -9, 14)], [radius, radius, radius, radius * 1.05]),
      course([at(-62, 18, 128), at(-34, 14, 112), at(0, 8, 104), meeting], [6, 6.5, 7, 7.5]),
      course([at(95, 4, 140), at(52, 4, 130), at(38, -2, 112), meeting], [6, 7, 7.5, 8]),
    ],
    cavaInferior: course(
      [heart.place(34, -25, -44), at(26, -32, -80), at(22, -36, -130), onSpine(20, 12, -400)],
      [12.5, 12.5, 12, 11].map((mm) => mm * even(0.85, 1.1)),
    ),
    azygos: course(
      [at(36, -18, 62), at(27, -52, 64), onSpine(12, 4, 50), onSpine(8, 4, -20), onSpine(6, 4, -400)],
      [4, 4.2, 3.8, 3.4, 3],
    ),
  }; // prettier-ignore
}

function planAirways(
  at: Place,
  hila: Hila,
  normal: (mean: number, stdDev: number) => number,
  isMale: boolean,
): Course[] {
  // Trachea 18 to 19 mm in men, 15 in women (Zahedi-Nejad 2011).
  const trachea = normal(isMale ? 18.6 : 15.2, 1.8) / 2;
  const carina = at(2, -51, 60);
  const course = (points: Vector3[], radiiMm: number[]): Course =>
    smoothCourse({ points, radiiMm }, 4);
  return [
    course([at(0, -34, 230), at(0, -40, 130), carina], [trachea, trachea, trachea * 0.98]),
    course([carina, at(20, -53, 42), hila.bronchi[0]], [trachea * 0.85, trachea * 0.78, 4.6]),
    course([carina, at(-22, -52, 40), at(-38, -52, 30), hila.bronchi[1]], [trachea * 0.76, trachea * 0.68, trachea * 0.6, 4.6]),
    course([at(27, -53, 38), at(44, -52, 46), at(58, -50, 56)], [4.8, 4, 3]),
    course([at(-44, -51, 26), at(-58, -42, 36), at(-68, -36, 48)], [4.6, 3.8, 2.8]),
  ]; // prettier-ignore
}
