/** Paints ribs with cartilage, sternum, clavicles and scapulae. */
import type { Vector3 } from '../../volume/vector.ts';
import { axesAlong, type Shape } from '../shapes.ts';
import { ovalPoint } from './body.ts';
import { smoothField } from './noise.ts';
import { evenly } from './draws.ts';
import { paintAll, type Scene } from './scene.ts';
import { between, blob, rodsAlong, rough, smoothCourse, solid, type Course } from './solids.ts';
import { vertebra } from './spine.ts';

/** How far the bone of each rib falls from the spine to its front end, where that end lies and where its cartilage meets the sternum. */
const ribs: readonly { readonly fallMm: number; readonly endDegrees: number; readonly joinMm: number | null }[] = [
  { fallMm: 22, endDegrees: 58, joinMm: 106 },
  { fallMm: 38, endDegrees: 60, joinMm: 88 },
  { fallMm: 50, endDegrees: 60, joinMm: 62 },
  { fallMm: 61, endDegrees: 58, joinMm: 37 },
  { fallMm: 71, endDegrees: 54, joinMm: 14 },
  { fallMm: 80, endDegrees: 48, joinMm: -6 },
  { fallMm: 88, endDegrees: 40, joinMm: -20 },
  { fallMm: 92, endDegrees: 30, joinMm: -44 },
  { fallMm: 94, endDegrees: 20, joinMm: -64 },
  { fallMm: 90, endDegrees: 8, joinMm: -84 },
  { fallMm: 70, endDegrees: -14, joinMm: null },
  { fallMm: 34, endDegrees: -42, joinMm: null },
]; // prettier-ignore

/** Paints the bones of the cage that lie outside of the lungs. */
export function paintRibs(scene: Scene): void {
  const { tissue, body } = scene;
  const random = scene.random.fork('ribs');
  const even = evenly(random);
  const old = random.uniform();
  const bones: Course[] = [];
  const cartilages: Course[] = [];
  ribs.forEach((_, n) => {
    for (const side of [-1, 1]) {
      const { bone, cartilage } = ribCourse(scene, n, side, even);
      for (const liftMm of [-3.4, 0, 3.4]) bones.push(lifted(bone, liftMm * body.scale));
      if (cartilage !== null) {
        for (const liftMm of [-3.5, 3.5]) cartilages.push(lifted(cartilage, liftMm));
      }
    }
  });
  for (const course of cartilages) {
    paintAll(scene, rodsAlong(course, 0.6), tissue.cartilage + 260 * old * old);
    paintAll(scene, rodsAlong(course, -1), tissue.cartilage);
  }
  for (const course of bones) paintAll(scene, rodsAlong(course), tissue.corticalBone * 0.85);
  for (const course of bones) paintAll(scene, rodsAlong(course, -1.35), tissue.spongyBone);
  paintShoulders(scene);
}

function lifted({ points, radiiMm }: Course, mm: number): Course {
  return { points: points.map(([x, y, z]): Vector3 => [x, y, z + mm]), radiiMm };
}

function ribCourse(
  scene: Scene,
  n: number,
  side: number,
  even: (low: number, high: number) => number,
): { bone: Course; cartilage: Course | null } {
  const { body } = scene;
  const { fallMm, endDegrees, joinMm } = ribs[n] ?? { fallMm: 0, endDegrees: 0, joinMm: null };
  const s = body.scale;
  const { middle, halfWidth, halfDepth } = vertebra(scene, n + 1);
  const [x, y, z] = middle;
  const back = y - halfDepth;
  const points: Vector3[] = [
    [x + side * (halfWidth + 1), back + 5, z + 7 * s],
    [x + side * 24 * s, back - 10 * s, z + 5 * s],
    [x + side * 36 * s, back - 22 * s, z + 3 * s],
  ];
  const [from, to] = [-62, endDegrees + even(-4, 4)];
  const steps = Math.max(2, Math.round((to - from) / 14));
  const place = (degrees: number): Vector3 => {
    const share = (degrees - from) / (endDegrees - from);
    const level = z - fallMm * s * share ** 1.15;
    const angle = (degrees * Math.PI) / 180;
    return ovalPoint(body, side > 0 ? angle : Math.PI - angle, level, 5);
  };
  for (let step = 0; step <= steps; step++) {
    points.push(place(from + ((to - from) * step) / steps));
  }
  const radius = (n === 0 ? 3.2 : 3.4) * s;
  const bone = smoothCourse({ points, radiiMm: points.map(() => radius) }, 2);
  const end = points.at(-1);
  if (joinMm === null || end === undefined) return { bone, cartilage: null };
  const joinZ = joinMm * s;
  const aside = (n < 7 ? 19 : 30 + 16 * (n - 6)) * s;
  const join: Vector3 = [body.midMm + side * aside, body.cageAt(joinZ).front + 6, joinZ];
  const bow = between(end, join, 0.5);
  const halfway: Vector3 = [bow[0], bow[1] + 3, bow[2] - (n > 4 ? 8 : 2)];
  const course = { points: [end, halfway, join], radiiMm: [3.6 * s, 3.6 * s, 3.2 * s] };
  return { bone, cartilage: smoothCourse(course, 4) };
}

/** Paints the sternum: after the mediastinum, whose fat reaches up to it. */
export function paintSternum(scene: Scene): void {
  const { body, tissue } = scene;
  const random = scene.random.fork('sternum');
  const even = evenly(random);
  const s = body.scale;
  const thick = even(5, 6.5) * s;
  const widthAt = (z: number): number => {
    const t = z / s;
    if (t > 84) return (20 + (t - 84) * 0.28) * s;
    return (t > -30 ? 16 + 3 * Math.cos(t / 14) : Math.max(3, 14 + (t + 30) * 0.3)) * s;
  };
  const field = smoothField(random);
  const plate = (byMm: number): Shape =>
    solid(
      (x, y, z) => {
        const a = Math.abs(x - body.midMm) - widthAt(z) + thick - byMm;
        const front = y - body.cageAt(z).front - thick - 1;
        const side = Math.hypot(Math.max(0, a), front) - thick - byMm;
        return Math.max(side, z - 116 * s - byMm, -62 * s - byMm - z);
      },
      [body.midMm, 35, 27],
      [32 * s, 55, 100 * s],
      1.6,
    );
  paintAll(scene, [rough(plate(0), field, 0.8, 9)], tissue.corticalBone * 0.5);
  scene.canvas.paint(scene.frame, rough(plate(-1.5), field, 0.8, 9), {
    hu: tissue.spongyBone * 0.8,
    label: 0,
    huAt: (x, y, z) => 50 * field(x / 4, y / 4, z / 4),
  });
}

function paintShoulders(scene: Scene): void {
  const { body, tissue } = scene;
  const s = body.scale;
  for (const side of [-1, 1]) {
    const at = (x: number, y: number, z: number): Vector3 => [
      body.midMm + side * x * s,
      y * s,
      z * s,
    ];
    const up = body.armsUp ? 22 : 0;
    const clavicle = smoothCourse(
      {
        points: [at(22, 20, 117), at(60, 30, 124 + up * 0.3), at(100, 2, 134 + up * 0.7), at(138, -34, 138 + up)],
        radiiMm: [8 * s, 6 * s, 5.5 * s, 6 * s],
      },
      5,
    ); // prettier-ignore
    const turn = side > 0 ? -0.95 : Math.PI + 0.95;
    const axes = axesAlong([Math.cos(turn), Math.sin(turn), 0.12]);
    const blade: Shape = blob(at(96, -110, 66), [2.6 * s, 44 * s, 72 * s], axes);
    const spineOf: Course = {
      points: [at(62, -118, 98), at(100, -116, 112), at(140, -62, 126 + up)],
      radiiMm: [3 * s, 6 * s, 6 * s],
    };
    const neck: Course = {
      points: [at(116, -92, 96), at(138, -52, 112 + up * 0.6)],
      radiiMm: [6 * s, 13 * s],
    };
    paintAll(scene, [blade], tissue.corticalBone * 0.75);
    for (const course of [clavicle, spineOf, neck]) {
      paintAll(scene, rodsAlong(course), tissue.corticalBone * 0.85);
    }
    for (const course of [clavicle, neck, spineOf]) {
      paintAll(scene, rodsAlong(course, -1.8), tissue.spongyBone);
    }
  }
}
