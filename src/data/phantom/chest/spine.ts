/** Paints the spine: bodies, discs, arches, processes and the canal with its cord. */
import type { Vector3 } from '../../volume/vector.ts';
import { rod, type Shape } from '../shapes.ts';
import { smoothField } from './noise.ts';
import { evenly } from './draws.ts';
import { paintAll, type Scene } from './scene.ts';
import { blob, rough, solid } from './solids.ts';

/** Vertebrae above the first and below the twelfth thoracic that a long field shows. */
const above = -5;
const below = 18;

/** Paints all vertebrae from the neck to the loins. */
export function paintSpine(scene: Scene): void {
  const { body, tissue } = scene;
  const random = scene.random.fork('spine');
  const field = smoothField(random);
  const even = evenly(random);
  const bony = even(0.75, 1.1);
  const discMm = even(3.5, 6.5) * body.scale;
  const spurMm = even(0, 4);
  const levels = Array.from({ length: below - above }, (_, n) => vertebra(scene, above + n));
  for (const { middle, halfWidth, halfDepth, pitch } of levels) {
    paintAll(scene, [drum(middle, halfWidth, halfDepth, pitch + 1)], tissue.disc);
  }
  const cortex: Shape[] = [];
  const marrow: Shape[] = [];
  for (const level of levels) {
    const { middle, halfWidth, halfDepth, pitch } = level;
    const high = pitch - discMm;
    cortex.push(drum(middle, halfWidth, halfDepth, high, spurMm));
    marrow.push(rough(drum(middle, halfWidth - 1.3, halfDepth - 1.3, high - 2), field, 0.6, 5));
    const { outer, inner } = arch(scene, level);
    cortex.push(...outer);
    marrow.push(...inner);
  }
  paintAll(scene, cortex, tissue.corticalBone * 0.62 * bony);
  for (const shape of marrow) {
    scene.canvas.paint(scene.frame, shape, {
      hu: tissue.spongyBone,
      label: 0,
      huAt: (x, y, z) => 45 * field(x / 3, y / 3, z / 5),
    });
  }
  for (const { middle, halfDepth, pitch } of levels) {
    const canal: Vector3 = [middle[0], middle[1] - halfDepth - 8.5 * body.scale, middle[2]];
    const half = pitch / 2 + 2;
    paintAll(scene, [tunnel(canal, 10.5 * body.scale, 8.2 * body.scale, half)], tissue.fat * 0.3);
    paintAll(scene, [tunnel(canal, 8 * body.scale, 6.6 * body.scale, half)], tissue.cord);
  }
}

interface Vertebra {
  readonly middle: Vector3;
  readonly halfWidth: number;
  readonly halfDepth: number;
  readonly pitch: number;
}

/** Sizes of a vertebra; bodies grow from the neck to the loins. */
export function vertebra({ body }: Pick<Scene, 'body'>, n: number): Vertebra {
  const z = body.vertebraAt(n);
  const pitch = body.vertebraAt(n) - body.vertebraAt(n + 1);
  const halfWidth = (13.2 + 0.32 * Math.max(0, n)) * body.scale;
  const halfDepth = (8.6 + 0.52 * Math.max(0, n)) * body.scale;
  return {
    middle: [body.midMm, body.spineFrontAt(z) - halfDepth, z],
    halfWidth,
    halfDepth: Math.min(halfDepth, 16.5 * body.scale),
    pitch: Math.min(pitch, 32 * body.scale),
  };
}

/** A body with a waist and a hollow back; `spurMm` widens its rims. */
function drum([cx, cy, cz]: Vector3, a: number, b: number, high: number, spurMm = 0): Shape {
  const half = high / 2;
  return solid(
    (x, y, z) => {
      const t = (z - cz) / half;
      const waist = 0.9 + 0.1 * t * t + (spurMm / a) * t ** 6;
      const [u, v] = [(x - cx) / (a * waist), (y - cy) / (b * waist)];
      const k =
        Math.sqrt(u * u + v * v) + (v < 0 ? 0.28 * (1 - Math.min(1, u * u * 2)) * v * v : 0);
      return Math.max((k - 1) * Math.min(a, b), Math.abs(z - cz) - half);
    },
    [cx, cy, cz],
    [a + spurMm + 1, b + spurMm + 1, half],
    1.5,
  );
}

function tunnel([cx, cy, cz]: Vector3, a: number, b: number, half: number): Shape {
  return solid(
    (x, y, z) => {
      const [u, v] = [(x - cx) / a, (y - cy) / b];
      return Math.max((Math.sqrt(u * u + v * v) - 1) * b, Math.abs(z - cz) - half);
    },
    [cx, cy, cz],
    [a, b, half],
  );
}

/** Pedicles, laminae, transverse and spinous process; each a rod with marrow in it where it is thick enough. */
function arch(
  { body }: Scene,
  { middle, halfWidth, halfDepth, pitch }: Vertebra,
): { outer: Shape[]; inner: Shape[] } {
  const s = body.scale;
  const [x, y, z] = middle;
  const back = y - halfDepth;
  const outer: Shape[] = [];
  const inner: Shape[] = [];
  const add = (from: Vector3, to: Vector3, r: number, q: number): void => {
    outer.push(rod(from, to, r * s, q * s));
    if (Math.min(r, q) > 2.6) inner.push(rod(from, to, (r - 1.5) * s, (q - 1.5) * s));
  };
  const roof: Vector3 = [x, back - 18 * s, z - pitch * 0.25];
  for (const side of [-1, 1]) {
    const pedicle: Vector3 = [x + side * (halfWidth - 3.5), back + 3, z + pitch * 0.12];
    const corner: Vector3 = [x + side * 13.5 * s, back - 11 * s, z + pitch * 0.05];
    const tip: Vector3 = [x + side * 31 * s, back - 23 * s, z + pitch * 0.08];
    add(pedicle, corner, 4, 4);
    add(corner, tip, 4.6, 4.2);
    add(corner, roof, 3.6, 3.4);
    outer.push(
      blob([x + side * 12.5 * s, back - 13 * s, z + pitch * 0.42], [5 * s, 4 * s, 8 * s]),
      blob([x + side * 12.5 * s, back - 14 * s, z - pitch * 0.36], [5 * s, 4 * s, 8 * s]),
    );
  }
  add(roof, [x, back - 36 * s, z - pitch * 0.85], 3.4, 2.8);
  add([x, back - 36 * s, z - pitch * 0.85], [x, back - 45 * s, z - pitch * 1.1], 2.9, 3.8);
  return { outer, inner };
}
