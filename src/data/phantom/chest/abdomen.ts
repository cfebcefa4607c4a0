/** Paints what lies under the diaphragm: its domes, liver, stomach with gas, spleen, bowel. */
import type { Vector3 } from '../../volume/vector.ts';
import { grown, type Shape } from '../shapes.ts';
import type { Coat } from './block-canvas.ts';
import { cageShape, type Body } from './body.ts';
import { smoothField } from './noise.ts';
import { evenly } from './draws.ts';
import { label } from '../heart-values.ts';
import { paintAll, type Scene } from './scene.ts';
import { blend, blob, common, rough, solid } from './solids.ts';

/** Everything under the diaphragm: two domes on a floor that falls to the back. */
export function abdomenShape(body: Body): Shape {
  const { midMm, scale: s, domesMm } = body;
  const [right, middle, left] = domesMm;
  const dome = (x: number, y: number, top: number, wide: number, deep: number): Shape => {
    const high = 92 * s;
    const cap = blob([midMm + x * s, y * s, top - high], [wide * s, deep * s, high]);
    return solid(
      (px, py, pz) => cap.distance(px, py, Math.max(pz, top - high)),
      [midMm + x * s, y * s, top - 210],
      [wide * s, deep * s, 210],
      1.5,
    );
  };
  const floor = solid(
    (_x, y, z) => (z + 132 * s - y * 0.5) * 0.9,
    [midMm, -20, -290],
    [190, 140, 220],
  );
  const shapes = [
    dome(66, -22, right, 80, 92),
    dome(-66, -26, left, 76, 90),
    dome(-10, 8, middle, 62, 58),
    floor,
  ];
  return common(blend(22 * s, shapes), cageShape(body, 1));
}

/** The belly with fat in it, under the muscle of the diaphragm. */
export function bellyCoat({ body, tissue }: Scene): Coat {
  const layers = [
    { outMm: 0, hu: tissue.muscle, label: label.none },
    { outMm: -3.2, hu: tissue.fat, label: label.none },
  ];
  return { shape: abdomenShape(body), layers };
}

/** Paints the belly into a chest whose cage is full of lung. */
export function paintAbdomen(scene: Scene): void {
  const { body, tissue, canvas, frame } = scene;
  const random = scene.random.fork('abdomen');
  const even = evenly(random);
  const field = smoothField(random);
  const s = body.scale;
  const coat = bellyCoat(scene);
  const inner = grown(coat.shape, -3.2);
  canvas.paintLayers(frame, coat);
  const [right, , left] = body.domesMm;
  const at = (x: number, y: number, z: number): Vector3 => [body.midMm + x * s, y * s, z];
  const liver = blend(20, [
    blob(at(70, -20, right - 92 * s), [84 * s, 92 * s, 100 * s]),
    blob(at(4, 16, right - 62 * s), [78 * s, 46 * s, 46 * s]),
  ]);
  canvas.paint(frame, common(liver, inner), { hu: tissue.liver, label: label.none });
  for (let n = 0; n < 9; n++) {
    // Hepatic veins towards the cava, and portal branches.
    const from: Vector3 = [body.midMm + even(10, 30) * s, -34 * s, right - even(15, 60) * s];
    const to: Vector3 = [
      body.midMm + even(10, 120) * s,
      even(-85, 40) * s,
      right - even(25, 120) * s,
    ];
    const vessel = vesselBetween(from, to, even(2.5, 4.5));
    paintAll(scene, [common(vessel, liver, inner)], tissue.liver + even(-5, 35));
  }
  paintStomach(scene, inner, field);
  const spleen = blob(at(-100, -66, left - 46 * s), [30 * s, 46 * s, 44 * s]);
  canvas.paint(frame, common(spleen, grown(inner, -2)), {
    hu: tissue.spleen,
    label: label.none,
    huAt: (x, y, z) => Math.max(0, tissue.spleen - 100) * 0.5 * field(x / 11, y / 11, z / 11),
  });
}

function vesselBetween(from: Vector3, to: Vector3, radiusMm: number): Shape {
  const [dx, dy, dz] = [to[0] - from[0], to[1] - from[1], to[2] - from[2]];
  const long = dx * dx + dy * dy + dz * dz + 1e-9;
  return solid(
    (x, y, z) => {
      const t = Math.min(1, Math.max(0, ((x - from[0]) * dx + (y - from[1]) * dy + (z - from[2]) * dz) / long)); // prettier-ignore
      const [ex, ey, ez] = [x - from[0] - dx * t, y - from[1] - dy * t, z - from[2] - dz * t];
      return Math.sqrt(ex * ex + ey * ey + ez * ez) - radiusMm * (1 - 0.6 * t);
    },
    [from[0] + dx / 2, from[1] + dy / 2, from[2] + dz / 2],
    [Math.abs(dx) / 2 + radiusMm, Math.abs(dy) / 2 + radiusMm, Math.abs(dz) / 2 + radiusMm],
  );
}

function paintStomach(scene: Scene, inner: Shape, field: Shape['distance']): void {
  const { body, tissue } = scene;
  const random = scene.random.fork('stomach');
  const even = evenly(random);
  const s = body.scale;
  const left = body.domesMm[2];
  const size = even(0.65, 1.15) * s;
  const middle: Vector3 = [
    body.midMm - even(46, 66) * s,
    even(-20, 6) * s,
    left - (10 + 44 * size),
  ];
  const bag = rough(
    blend(20, [
      blob(middle, [40 * size, 42 * size, 46 * size]),
      blob([middle[0] + 26 * size, middle[1] + 24 * size, middle[2] - 46 * size], [36 * size, 26 * size, 28 * size]),
    ]),
    field,
    3,
    15,
  ); // prettier-ignore
  const wall = common(bag, grown(inner, -1.5));
  const level = middle[1] + even(-25, 35) * size;
  const content = grown(wall, -even(3, 5.5));
  paintAll(scene, [wall], tissue.stomach);
  scene.canvas.paint(scene.frame, content, {
    hu: tissue.fluid + 18,
    label: label.none,
    huAt: (x, y, z) => 30 * field(x / 7, y / 7, z / 7),
  });
  const gas: Shape = {
    ...content,
    distance: (x, y, z) => Math.max(content.distance(x, y, z), level - y),
  };
  paintAll(scene, [gas], tissue.gas);
  // Bowel: some loops of colon with gas and stool under the left dome and in front of the liver.
  const loops = random.integer(4);
  for (let n = 0; n < loops; n++) {
    const at: Vector3 = [body.midMm - even(40, 120) * s, even(0, 42) * s, left - even(30, 90) * s];
    const loop = rough(blob(at, [even(14, 24), even(14, 22), even(14, 26)]), field, 4, 12);
    const inside = common(loop, grown(inner, -1));
    paintAll(scene, [inside], tissue.stomach);
    paintAll(scene, [grown(inside, -2.5)], random.uniform() < 0.65 ? tissue.gas : tissue.fluid);
  }
}
