/** Paints the pericardium with its fat and the four chambers with their walls, papillary muscles and trabeculae. */
import { addVectors, scaleVector, stepAlong, type Vector3 } from '../../volume/vector.ts';
import { outflowLumen, outflowWall } from '../heart.ts';
import { grown, rod, type Shape } from '../shapes.ts';
import type { Coat } from './block-canvas.ts';
import { evenly } from './draws.ts';
import { label } from '../heart-values.ts';
import { paintAll, type Scene } from './scene.ts';
import { between, common, rodsAlong } from './solids.ts';
import type { HeartPlan } from './heart-plan.ts';

/** The sac around the heart: a thin skin, fat within. */
export function sacCoat({ tissue }: Scene, heart: HeartPlan): Coat {
  const layers = [
    { outMm: 1.9, hu: tissue.fat, label: label.none },
    { outMm: 1, hu: tissue.pericardium, label: label.none },
    { outMm: 0, hu: tissue.fat, label: label.none },
  ];
  return { shape: heart.sac, layers };
}

/** Paints the right atrium and ventricle; unmixed blood of the two cavae makes streaks in them. */
export function paintRightHeart(scene: Scene, heart: HeartPlan): void {
  const { canvas, frame, tissue } = scene;
  const { field } = heart;
  const tract = rodsAlong(heart.outflowTract);
  const walls = [grown(heart.rightVentricle, 3.2), ...tract.map((shape) => grown(shape, 2.6))];
  paintAll(scene, walls, tissue.myocardium, label.none);
  paintAll(scene, [grown(heart.rightAtrium, 1.8)], tissue.myocardium, label.none);
  const jet = 0.32 * Math.max(0, tissue.cavaSuperior - tissue.cavaInferior);
  const mixing =
    (share: number): Shape['distance'] =>
    (x, y, z) =>
      jet * share * (field(x / 11, y / 11, z / 16) + 0.5 * field(x / 5, y / 5, z / 7) - 0.2);
  canvas.paint(frame, heart.rightAtrium, {
    hu: tissue.rightAtrium,
    label: label.rightAtrium,
    huAt: mixing(1),
  });
  for (const shape of [heart.rightVentricle, ...tract]) {
    canvas.paint(frame, shape, {
      hu: tissue.rightVentricle,
      label: label.rightVentricle,
      huAt: mixing(0.4),
    });
  }
  const even = evenly(scene.random.fork('right trabeculae'));
  for (let n = 0; n < 10; n++) {
    // Bands from the septum to the free wall, most of them near the apex.
    const along = even(-0.3, 0.9);
    const foot = septumPlace(heart, along, even(-0.8, 0.8), 8);
    const head = stepAlong(foot, heart.axes[1], even(8, 26));
    const band = rod(foot, addVectors(head, scaleVector(heart.axes[0], even(-6, 8))), even(1.2, 2.4), even(1, 1.8)); // prettier-ignore
    paintAll(scene, [common(band, heart.rightVentricle)], tissue.myocardium, label.none);
  }
}

/** A place on the septum's right side. */
function septumPlace(heart: HeartPlan, along: number, across: number, outMm: number): Vector3 {
  const [long, deep, wide] = heart.leftRadiiMm;
  const narrow = Math.sqrt(Math.max(0.05, 1 - along * along));
  const at = stepAlong(heart.middle, heart.axes[0], along * long);
  const aside = stepAlong(at, heart.axes[2], across * wide * narrow * 0.7);
  return stepAlong(aside, heart.axes[1], deep * narrow + heart.wallMm + outMm - 8);
}

/** Paints the left atrium with its auricle, the muscle and the left ventricle. */
export function paintLeftHeart(scene: Scene, heart: HeartPlan): void {
  const { tissue } = scene;
  const { root, leftAtrium, auricle } = heart;
  const slow = 1 - 0.25 * evenly(scene.random.fork('auricle'))(0, 1) ** 3;
  const walled = (shape: Shape, wallMm: number, hu: number): void => {
    const layers = [
      { outMm: wallMm, hu: tissue.vesselWall, label: label.none },
      { outMm: 0, hu, label: label.leftAtrium },
    ];
    scene.canvas.paintLayers(scene.frame, { shape, layers });
  };
  walled(auricle, 1.2, tissue.leftAtrium * slow);
  walled(leftAtrium, 1.7, tissue.leftAtrium);
  paintAll(scene, [heart.leftWall], tissue.myocardium, label.myocardium);
  paintAll(scene, [outflowWall(root)], tissue.myocardium, label.myocardium);
  paintAll(scene, [heart.leftVentricle], tissue.leftVentricle, label.leftVentricle);
  paintTrabeculae(scene, heart);
  const outflow = rod(
    scaleVector(root.w, -8),
    between(scaleVector(root.w, -8), heart.middle, 0.8),
    root.annulusRadiusMm,
    heart.leftRadiiMm[1] * 0.62,
  );
  paintAll(scene, [outflow, outflowLumen(root)], tissue.leftVentricle, label.leftVentricle);
}

/** Two papillary muscles with chordae, and ridges along the wall. */
function paintTrabeculae(scene: Scene, heart: HeartPlan): void {
  const { tissue } = scene;
  const even = evenly(scene.random.fork('left trabeculae'));
  const { middle, axes, leftRadiiMm, mitral } = heart;
  const [long, deep, wide] = leftRadiiMm;
  const wallPlace = (along: number, turn: number, share: number): Vector3 => {
    const narrow = Math.sqrt(Math.max(0.03, 1 - along * along)) * share;
    const at = stepAlong(middle, axes[0], along * long);
    return stepAlong(
      stepAlong(at, axes[1], Math.cos(turn) * deep * narrow),
      axes[2],
      Math.sin(turn) * wide * narrow,
    );
  };
  const muscles: Shape[] = [];
  // Seen from the apex, the papillary muscles stand on the free wall, 110 degrees apart.
  for (const turn of [Math.PI - 0.95, Math.PI + 0.95]) {
    const tip = wallPlace(even(-0.12, 0.05), turn, 0.55);
    for (const side of [-0.16, 0.16]) {
      muscles.push(rod(wallPlace(0.62, turn + side * 1.6, 0.9), tip, even(3.4, 4.6), even(2.2, 3)));
    }
    muscles.push(rod(tip, between(tip, mitral.centre, 0.75), 0.8, 0.5));
  }
  for (let n = 0; n < 22; n++) {
    const turn = even(0.35, 2 * Math.PI - 0.35);
    const from = even(0, 0.5);
    muscles.push(
      rod(
        wallPlace(from, turn, 0.97),
        wallPlace(Math.min(0.95, from + even(0.2, 0.5)), turn + even(-0.3, 0.3), even(0.75, 0.97)),
        even(1, 1.9),
        even(1.2, 2.4),
      ),
    );
  }
  paintAll(scene, muscles.map((shape) => common(shape, grown(heart.leftVentricle, 2))), tissue.myocardium, label.myocardium); // prettier-ignore
}
