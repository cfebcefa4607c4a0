/** Paints dissection, effusion and emphysema. */
import { crossProduct, subtractVectors, unitVector, type Vector3 } from '../../volume/vector.ts';
import { cutBy, type Shape } from '../shapes.ts';
import { cageShape } from './body.ts';
import type { GreatVessels } from './vessel-plan.ts';
import { smoothField } from './noise.ts';
import { evenly } from './draws.ts';
import { label } from '../heart-values.ts';
import { paintAll, type Scene } from './scene.ts';
import { blob, common, rodsAlong, rough } from './solids.ts';

/** A false lumen and the flap before it, winding along the descending aorta or the whole of it (Stanford B or A). */
export function paintDissection(scene: Scene, { aorta }: GreatVessels): void {
  const { canvas, frame, tissue } = scene;
  const random = scene.random.fork('dissection');
  const even = evenly(random);
  const rods = rodsAlong(aorta);
  const first = random.uniform() < 0.6 ? 2 : Math.floor(rods.length * 0.45);
  const falseHu = tissue.aorta * even(0.45, 0.95);
  const [start, wind] = [even(0, 6), even(0.01, 0.05)];
  rods.forEach((rodOf, n) => {
    const [from, to] = [aorta.points[n], aorta.points[n + 1]];
    if (n < first || from === undefined || to === undefined) return;
    const way = unitVector(subtractVectors(to, from));
    const across = unitVector(crossProduct(way, [0.3, 0.2, 0.93]));
    const up = crossProduct(way, across);
    const turn = start + wind * n;
    const [c, s] = [Math.cos(turn), Math.sin(turn)];
    const normal: Vector3 = [0, 1, 2].map(
      (axis) => c * (across[axis] ?? 0) + s * (up[axis] ?? 0),
    ) as unknown as Vector3;
    const off = 0.1 * (aorta.radiiMm[n] ?? 10);
    const beyond: Shape['distance'] = (x, y, z) =>
      off - ((x - from[0]) * normal[0] + (y - from[1]) * normal[1] + (z - from[2]) * normal[2]);
    const half = cutBy(rodOf, beyond);
    canvas.paint(frame, half, { hu: falseHu, label: label.aorta });
    const flap: Shape = {
      ...rodOf,
      distance: (x, y, z) =>
        Math.max(rodOf.distance(x, y, z) - 0.5, Math.abs(beyond(x, y, z)) - 0.9),
    };
    canvas.paint(frame, flap, { hu: tissue.vesselWall });
  });
}

/** Fluid that lies in the back of the cage: before the lungs' middle is painted over. */
export function paintEffusion(scene: Scene): void {
  const { body, tissue } = scene;
  const random = scene.random.fork('effusion');
  const even = evenly(random);
  const cage = cageShape(body, 0, -230, 150 * body.scale);
  const sides = random.uniform() < 0.5 ? [1, -1] : [random.uniform() < 0.6 ? 1 : -1];
  for (const side of sides) {
    const level = body.cageAt(0).back + even(16, 58);
    const fluid: Shape = {
      ...cage,
      distance: (x, y, z) => {
        const d = cage.distance(x, y, z);
        // It creeps up at the wall, and reaches less high towards the apex.
        const surface = level + 7 * Math.exp(Math.min(0, d) / 9) - 0.12 * Math.max(0, z);
        return Math.max(d, y - surface, -side * (x - body.midMm));
      },
    };
    const collapsed: Shape = { ...fluid, distance: (x, y, z) => fluid.distance(x, y - 7, z) };
    paintAll(scene, [collapsed], tissue.muscle - 10);
    paintAll(scene, [fluid], tissue.fluid);
  }
}

/** Holes in the lung, most of them in its upper part. */
export function paintEmphysema(scene: Scene): void {
  const { body } = scene;
  const random = scene.random.fork('emphysema');
  const even = evenly(random);
  const field = smoothField(random);
  const cage = cageShape(body, -2);
  const count = 60 + random.integer(160);
  for (let n = 0; n < count; n++) {
    const side = n % 2 === 0 ? 1 : -1;
    const at: Vector3 = [
      body.midMm + side * even(30, 120) * body.scale,
      even(-105, 40),
      even(-40, 165) * body.scale,
    ];
    if (cage.distance(...at) > -1) continue;
    const size = 2.5 + 9 * random.uniform() ** 2.5;
    const hole = rough(blob(at, [size, size * even(0.7, 1.2), size]), field, 1.2, 4);
    paintAll(scene, [common(hole, cage)], even(-985, -945));
  }
}
