/** Paints what lies outside of the ribs: table, arms, skin, fat, breasts and the muscles of the chest wall. */
import type { Vector3 } from '../../volume/vector.ts';
import { rod, type Shape } from '../shapes.ts';
import { cageShape, ovalDistance } from './body.ts';
import { smoothField } from './noise.ts';
import { evenly } from './draws.ts';
import { paintAll, type Scene } from './scene.ts';
import {
  blend,
  blob,
  common,
  rodsAlong,
  rough,
  smoothCourse,
  solid,
  type Course,
} from './solids.ts';

/** Paints the patient's outside. */
export function paintTorso(scene: Scene): void {
  const { body, tissue } = scene;
  const random = scene.random.fork('torso');
  const field = smoothField(random);
  paintCouch(scene);
  const arms = body.armsUp ? raisedArms(scene) : loweredArms(scene);
  const skin = outline(scene, arms);
  const layers = [
    { outMm: 0, hu: tissue.skin },
    { outMm: -2, hu: tissue.fat },
  ];
  scene.canvas.paintLayers(scene.frame, { shape: skin, layers });
  for (const { flesh, bone } of arms) {
    paintAll(scene, rodsAlong(flesh, -2 - body.fatMm * 0.35), tissue.muscle);
    paintAll(scene, rodsAlong(bone), tissue.corticalBone);
    paintAll(scene, rodsAlong(bone, -3), tissue.spongyBone * 0.5);
  }
  paintGlands(scene, field);
  const under = {
    ...skin,
    distance: (x: number, y: number, z: number) => skin.distance(x, y, z) + 4,
  };
  for (const muscle of [muscleCoat(scene), ...muscles(scene)]) {
    scene.canvas.paint(scene.frame, common(rough(muscle, field, 2, 15), under), {
      hu: tissue.muscle,
      // Strands of fat run through it.
      huAt: (x, y, z) => -120 * Math.max(0, field(x / 13, y / 13, z / 30) - 0.42),
    });
  }
}

/** A curved carbon shell with foam, under the back. */
function paintCouch(scene: Scene): void {
  const { body, tissue } = scene;
  const even = evenly(scene.random.fork('couch'));
  const back = backOf(scene);
  const [wide, curve] = [even(205, 245), even(0.0007, 0.0022)];
  const under = (x: number): number => back - 8 - 26 + curve * (x - body.midMm) ** 2;
  const slab = (thick: number, below: number): Shape =>
    solid(
      (x, y) =>
        Math.max(
          Math.abs(y - under(x) + below) - thick / 2,
          Math.abs(x - body.midMm) - wide + below * 0.5,
        ),
      [body.midMm, back - 20, 0],
      [wide, 110, 600],
      1.4,
    );
  paintAll(scene, [slab(20, 10)], tissue.couchFoam);
  paintAll(scene, [slab(2.5, 0), slab(2, 21)], tissue.couchShell);
}

/** y of the skin of the back at the annulus. */
function backOf({ body }: Scene): number {
  return body.cageAt(0).back - 35 * body.scale - body.fatMm * 0.75;
}

interface Arm {
  readonly flesh: Course;
  readonly bone: Course;
}

function raisedArms({ body, random }: Scene): Arm[] {
  const even = evenly(random.fork('arms'));
  const out = even(0.85, 1.1);
  return [-1, 1].map((side) => {
    const at = (x: number, y: number, z: number): Vector3 => [
      body.midMm + side * x * body.scale * out,
      y * body.scale,
      z * body.scale,
    ];
    const points = [at(118, -50, 92), at(142, -42, 146), at(146, -12, 240), at(120, 20, 400)];
    const thick = body.fatMm * 0.4;
    return {
      flesh: { points, radiiMm: [44 + thick, 50 + thick, 44 + thick, 36 + thick] },
      bone: smoothCourse({ points: points.slice(1), radiiMm: [22, 12, 11] }, 2),
    };
  });
}

function loweredArms({ body, random }: Scene): Arm[] {
  const even = evenly(random.fork('arms'));
  const aside = even(0, 14);
  return [-1, 1].map((side) => {
    const wall = body.cageAt(-60).halfWidth + body.fatMm + body.muscleMm;
    const at = (x: number, y: number, z: number): Vector3 => [
      body.midMm + side * x,
      y * body.scale,
      z * body.scale,
    ];
    const thick = body.fatMm * 0.35;
    const points = [
      at(142 * body.scale, -38, 118),
      at(wall + 32 + aside, -48, 40),
      at(wall + 46 + aside, -52, -80),
      at(wall + 50 + aside, -30, -400),
    ];
    return {
      flesh: { points, radiiMm: [46 + thick, 40 + thick, 38 + thick, 32 + thick] },
      bone: smoothCourse({ points, radiiMm: [22, 12, 11, 12] }, 2),
    };
  });
}

/** The skin's surface: trunk, shoulders, neck, arms and breasts in one. */
function outline(scene: Scene, arms: readonly Arm[]): Shape {
  const { body } = scene;
  const { midMm, fatMm, muscleMm, scale } = body;
  const grow = 12 + fatMm;
  const trunk = solid(
    (x, y, z) => {
      const level = Math.min(z, 96 * scale);
      const lats = muscleMm * (0.6 + 0.9 * Math.max(0, 1 - Math.abs(z - 50) / 140));
      const yFront = body.frontAt(level) + grow + muscleMm * 0.7;
      const furrow = 9 * Math.max(0, 1 - Math.abs(x - midMm) / 22);
      const yBack = body.backAt(level) - 34 * scale - fatMm * 0.75 + furrow;
      const a = body.halfWidthAt(level) + grow + lats;
      const d = ovalDistance(x - midMm, y - (yFront + yBack) / 2, a, (yFront - yBack) / 2);
      return Math.max(d * 0.95, z - 128 * scale);
    },
    [midMm, -35, -140],
    [230, 175, 280],
    1.6,
  );
  const neck = rod([midMm, -42 * scale, 100 * scale], [midMm, -25 * scale, 330], 74 + fatMm, 58 + fatMm * 0.5); // prettier-ignore
  const shapes = [trunk, neck, ...arms.flatMap(({ flesh }) => rodsAlong(flesh))];
  return blend(34, [...shapes, ...breasts(scene, 0)]);
}

function breasts({ body, random }: Scene, shrinkMm: number): Shape[] {
  const even = evenly(random.fork('breasts'));
  const size = body.isMale ? even(0.2, 0.5) : even(0.65, 1.25);
  const [low, out, flat] = [even(-30, 15), even(72, 95), even(0.5, 0.9)];
  const front = body.cageAt(low).front + 12 + body.muscleMm * 0.7 + body.fatMm * 0.7;
  return [-1, 1].map((side) =>
    blob(
      [body.midMm + side * out * body.scale, front - 12 - shrinkMm * 0.5, low],
      [
        Math.max(8, 62 * size - shrinkMm),
        Math.max(6, 44 * size * flat + 8 - shrinkMm),
        Math.max(8, 60 * size - shrinkMm),
      ],
    ),
  );
}

function paintGlands(scene: Scene, field: Shape['distance']): void {
  const random = scene.random.fork('glands');
  if (scene.body.isMale) return;
  const density = random.uniform();
  const gland = breasts(scene, 12 + 18 * (1 - density)).map((shape) => rough(shape, field, 11, 12));
  for (const shape of gland) {
    scene.canvas.paint(scene.frame, shape, {
      hu: scene.tissue.fat + (scene.tissue.gland - scene.tissue.fat) * (0.35 + 0.5 * density),
      huAt: (x, y, z) => 60 * field(x / 6 + 3, y / 5, z / 6),
    });
  }
}

/** A bump of height 1 about a middle, gone `half` away from it. */
function bump(value: number, middle: number, half: number): number {
  const t = (value - middle) / half;
  return Math.max(0, 1 - t * t);
}

/**
 * The coat of muscle on the cage: thin between the ribs, thick where pectoral muscles, serratus and latissimus, and the
 * muscles around the shoulder blade lie. Angles are from the side, to the front positive.
 */
function muscleCoat({ body }: Scene): Shape {
  const { muscleMm: m, scale: s, midMm } = body;
  const cage = cageShape(body, 0, -260, 172 * s);
  return solid(
    (x, y, z) => {
      const d = cage.distance(x, y, z);
      if (d < 8 || d > 75) return d - 10;
      const turn = Math.atan2(y + 28, Math.abs(x - midMm)) / 0.01745;
      const t = z / s;
      const pectoral = 1.25 * bump(turn, 52, 34) * bump(t, 66, 66);
      const side = 0.95 * bump(turn, -18, 52) * bump(t, -10, 150);
      const blade = 2.1 * bump(turn, -50, 38) * bump(t, 78, 78);
      const flat = 0.55 * bump(turn, 20, 60) * bump(t, -80, 70);
      return d - 9.5 - m * (pectoral + side + blade + flat);
    },
    cage.centre,
    [cage.halfMm[0] + 60, cage.halfMm[1] + 60, cage.halfMm[2]],
    2.2,
  );
}

/** Muscles that stand on their own: along the spine, to the neck, over the shoulders. */
function muscles({ body }: Scene): Shape[] {
  const { midMm, scale } = body;
  const out: Shape[] = [];
  const spine = body.spineFrontAt(0);
  for (const side of [-1, 1]) {
    const at = (x: number, y: number, z: number): Vector3 => [
      midMm + side * x * scale,
      y,
      z * scale,
    ];
    out.push(
      blob(at(27, spine - 56 * scale, 0), [21 * scale, 19 * scale, 420]),
      blob(at(48, spine - 54 * scale, -40), [20 * scale, 13 * scale, 300]),
      blob(at(44, spine - 70 * scale, 92), [50 * scale, 9 * scale, 95 * scale]),
      blob(at(124, -36, 116), [28 * scale, 36 * scale, 30 * scale]),
      rod(at(30, -52, 130), at(40, -40, 320), 24 * scale, 20 * scale),
    );
  }
  return out;
}
