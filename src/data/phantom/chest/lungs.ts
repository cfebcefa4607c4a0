/** Paints the lungs: air, fissures, trees of arteries, veins and airways. */
import type { Random } from '../../../base/index.ts';
import { stepAlong, type Vector3 } from '../../volume/vector.ts';
import type { Shape } from '../shapes.ts';
import { abdomenShape } from './abdomen.ts';
import type { Coat } from './block-canvas.ts';
import { cageShape } from './body.ts';
import { growTree, twigRods, type Twig } from './branching.ts';
import { smoothField } from './noise.ts';
import { evenly } from './draws.ts';
import { paintAll, type Scene } from './scene.ts';
import { common, solid, without } from './solids.ts';

/** Places of the lung's gates. */
export interface Hila {
  readonly arteries: readonly [Vector3, Vector3];
  readonly veins: readonly [readonly Vector3[], readonly Vector3[]];
  readonly bronchi: readonly [Vector3, Vector3];
}

/** The cage with lung in it. */
export function lungCoat({ body, tissue }: Scene): Coat {
  const layers = [
    { outMm: 1.2, hu: tissue.muscle },
    { outMm: 0, hu: tissue.lung },
  ];
  return { shape: cageShape(body, 0, -230, 182 * body.scale), layers };
}

/** Fills the cage with lung. The mediastinum is painted over its middle afterwards. */
export function paintLungs(scene: Scene): void {
  const { tissue, canvas, frame } = scene;
  const random = scene.random.fork('lungs');
  const even = evenly(random);
  const coat = lungCoat(scene);
  canvas.paintLayers(frame, coat);
  for (const side of [-1, 1]) {
    const oblique = fissure(scene, side, even(-8, 8));
    canvas.paint(frame, oblique, { hu: tissue.lung + 190, sheetMm: 0.9 });
  }
  paintAll(scene, [common(emptyMiddle(scene), coat.shape)], tissue.fat);
}

/** The oblique fissure: from high in the back to low in the front, a little wavy. */
function fissure({ body, random }: Scene, side: number, liftMm: number): Shape {
  const field = smoothField(random.fork(`fissure${side}`));
  const cage = cageShape(body, -1);
  return solid(
    (x, y, z) => {
      if (cage.distance(x, y, z) > 0) return 99;
      return (z - liftMm - 10 + 0.95 * (y + 30) - 6 * field(x / 45, y / 45, z / 45)) * 0.7;
    },
    [body.midMm + side * 80, -30, 0],
    [66, 85, 110],
    2,
  );
}

/** Fat of the mediastinum that is there whatever the heart's size: before the spine, behind the sternum, above the arch. */
function emptyMiddle({ body, random }: Scene): Shape {
  const even = evenly(random.fork('mediastinum'));
  const { midMm, scale: s } = body;
  const [thymus, back] = [even(5, 16), even(17, 21)];
  return solid(
    (x, y, z) => {
      const t = z / s;
      const front = body.frontAt(z);
      const spine = body.spineFrontAt(z);
      const depth = (y - spine) / Math.max(20, front - spine);
      const tall = Math.max(0, Math.min(1, (t - 20) / 60));
      const neck = Math.max(0, t - 110);
      const behind = back + tall * 12 - neck * 0.1;
      const middle = 8 + tall * 30 - neck * 0.12;
      const before = thymus + tall * 5;
      const half =
        depth < 0.35
          ? behind + ((middle - behind) * Math.max(0, depth)) / 0.35
          : middle + (before - middle) * Math.min(1, (depth - 0.35) / 0.5);
      return (Math.abs(x - midMm + (1 - tall) * 3) - half * s) * 0.8;
    },
    [midMm, -30, -10],
    [60, 110, 230],
    1.5,
  );
}

/** Paints vessels and airways of both lungs; `heart` is where none may end. */
export function paintLungTrees(scene: Scene, hila: Hila, heart: Shape): void {
  const { body, tissue } = scene;
  const room = without(cageShape(body, -3), abdomenShape(body));
  const edge = scene.canvas.edgeMm;
  [1, -1].forEach((side, n) => {
    const random = scene.random.fork(`tree${side}`);
    const even = evenly(random);
    const targets = (count: number): Vector3[] =>
      targetsIn(scene, random, room, heart, side, count);
    const gate = n === 0 ? 0 : 1;
    const hilum = hila.arteries[gate];
    const crown: Vector3 = stepAlong(hilum, [side * 8, -6, -16], 1);
    const arteries = growTree(random, [hilum, crown], targets(600), even(0.7, 0.95), 7.5);
    const veins = hila.veins[gate].flatMap((from, v) =>
      growTree(
        random,
        [from],
        targets(230).filter(([, , z]) => (v === 0 ? z > -12 : z < 12)),
        even(0.65, 0.85),
        6,
      ),
    );
    const bronchi = growTree(random, [hila.bronchi[gate]], targets(12), 1.3, 4.4);
    const least = edge * 0.15;
    paintAll(scene, twigRods(veins, least), tissue.leftAtrium * 0.96);
    paintAll(scene, twigRods(arteries, least), tissue.pulmonaryArtery * 0.96);
    paintAirways(scene, bronchi, arteries);
  });
}

function paintAirways(scene: Scene, bronchi: readonly Twig[], arteries: readonly Twig[]): void {
  const { tissue, canvas } = scene;
  // Smaller airways run beside their artery.
  const beside = arteries
    .filter(({ radiusMm }) => radiusMm > 2.1 && radiusMm < 4.5)
    .map(({ from, to, radiusMm }): Twig => {
      const way: Vector3 = [0.3 * radiusMm, 1.2 * radiusMm, 1.7 * radiusMm];
      return { from: stepAlong(from, way, 1), to: stepAlong(to, way, 1), radiusMm: radiusMm * 0.8 };
    });
  const all = [...bronchi, ...beside];
  const least = Math.max(1.2, canvas.edgeMm * 0.6);
  paintAll(scene, twigRods(all, least, 0.5), tissue.vesselWall - 350);
  paintAll(scene, twigRods(all, least, 0), tissue.airway + 40);
}

function targetsIn(
  { body }: Scene,
  random: Random,
  room: Shape,
  heart: Shape,
  side: number,
  count: number,
): Vector3[] {
  const found: Vector3[] = [];
  for (let tries = 0; found.length < count && tries < count * 12; tries++) {
    const at: Vector3 = [
      body.midMm + side * (18 + 118 * random.uniform()) * body.scale,
      -28 + 170 * (random.uniform() - 0.5) * body.scale,
      (10 + 320 * (random.uniform() - 0.5)) * body.scale,
    ];
    if (room.distance(...at) > 0 || heart.distance(...at) < 6) continue;
    found.push(at);
  }
  return found;
}
