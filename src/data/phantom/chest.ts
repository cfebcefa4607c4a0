/**
 * Paints the chest around a phantom's heart: skin fat, muscle, ribs, lungs with vessels, liver, spine,
 * sternum, descending aorta. The chest's frame is RAS with the annulus near 0.
 */
import type { Random } from '../../base/index.ts';
import type { Vector3 } from '../volume/vector.ts';
import type { Canvas, Frame } from './canvas.ts';
import type { TissueHu } from './contrast.ts';
import { cutBy, ellipsoid, grown, rod, type Shape } from './shapes.ts';

/** Ribs are this far apart along the patient. */
const ribPitchMm = 30;
const vertebraPitchMm = 27;
/** Everything is longer than any field of view along the patient. */
const tallMm = 900;

/** Sizes of one chest. */
interface Chest {
  readonly middle: Vector3;
  readonly halfWidthMm: number;
  readonly halfDepthMm: number;
  readonly phaseMm: number;
}

/** Paints what lies behind and around the heart. */
export function paintChest(canvas: Canvas, frame: Frame, random: Random, tissue: TissueHu): void {
  const chest: Chest = {
    middle: [random.normal() * 4, -13 + random.normal() * 2, 0],
    halfWidthMm: 118 + 14 * random.uniform(),
    halfDepthMm: 80 + 8 * random.uniform(),
    phaseMm: random.uniform() * 100,
  };
  const around = (extraMm: number): Shape =>
    ellipsoid(chest.middle, [chest.halfWidthMm + extraMm, chest.halfDepthMm + extraMm, tallMm]);
  canvas.paint(frame, around(38), { hu: tissue.fat });
  canvas.paint(frame, around(20), { hu: tissue.muscle });
  canvas.paint(frame, cutBy(around(10), ribSlab(chest)), { hu: tissue.corticalBone });
  canvas.paint(frame, cutBy(around(7.5), grownSlab(chest, -2.5)), { hu: tissue.spongyBone });
  canvas.paint(frame, around(2), { hu: tissue.muscle });
  canvas.paint(frame, around(0), { hu: tissue.lung });
  paintLungVessels(canvas, frame, random, tissue);
  const low = -82 - 18 * random.uniform();
  canvas.paint(frame, ellipsoid([62, -12, low - 62], [92, 92, 78]), { hu: tissue.liver });
  canvas.paint(frame, ellipsoid([-62, -12, low - 74], [84, 84, 74]), { hu: tissue.muscle });
  // Mediastinum: fat in front of the spine and behind the sternum.
  canvas.paint(frame, ellipsoid([-2, -14, 30], [30, 62, tallMm]), { hu: tissue.fat });
}

/** Paints what must lie over the heart where the two touch: spine, descending aorta, sternum. */
export function paintSkeleton(
  canvas: Canvas,
  frame: Frame,
  random: Random,
  tissue: TissueHu,
): void {
  const back = -64 - 5 * random.uniform();
  const aorta: [Vector3, Vector3] = [
    [-25, back + 6, 92],
    [-21, back + 5, -300],
  ];
  const gullet = rod([-6, back + 8, 200], [-8, back + 9, -300], 5.5, 6.5);
  canvas.paint(frame, gullet, { hu: tissue.muscle });
  canvas.paint(frame, rod(...aorta, 14, 13.5), { hu: tissue.vesselWall });
  canvas.paint(frame, rod(...aorta, 12.3, 11.8), { hu: tissue.aorta, label: 6 });
  paintSpine(canvas, frame, random, tissue, back);
  const front = 66 + 5 * random.uniform();
  const sternum = ellipsoid([0, front, 20], [19, 7, 110]);
  canvas.paint(frame, grown(sternum, 0), { hu: tissue.corticalBone });
  canvas.paint(frame, grown(sternum, -2.2), { hu: tissue.spongyBone });
}

function paintSpine(
  canvas: Canvas,
  frame: Frame,
  random: Random,
  tissue: TissueHu,
  front: number,
): void {
  const muscleBed: Shape[] = [-1, 1].map((side) =>
    ellipsoid([side * 30, front - 42, 0], [26, 16, tallMm]),
  );
  for (const bed of muscleBed) canvas.paint(frame, bed, { hu: tissue.muscle });
  const middle: Vector3 = [0, front - 15, 0];
  const column = ellipsoid(middle, [19, 15, tallMm]);
  const phase = random.uniform() * vertebraPitchMm;
  const body = (disc: number) => (_x: number, _y: number, z: number) => {
    const inCycle = z + phase - vertebraPitchMm * Math.round((z + phase) / vertebraPitchMm);
    return Math.abs(inCycle) - (vertebraPitchMm - disc) / 2;
  };
  canvas.paint(frame, column, { hu: 85 });
  canvas.paint(frame, cutBy(column, body(6)), { hu: tissue.corticalBone * 0.85 });
  canvas.paint(frame, cutBy(grown(column, -2.2), body(9)), { hu: tissue.spongyBone });
  const arch = ellipsoid([0, front - 36, 0], [17, 12, tallMm]);
  canvas.paint(frame, cutBy(arch, body(9)), { hu: tissue.corticalBone * 0.8 });
  for (let n = -12; n <= 12; n++) {
    const z = n * vertebraPitchMm - phase;
    const spinous = rod([0, front - 44, z], [0, front - 66, z - 16], 4, 3);
    canvas.paint(frame, spinous, { hu: tissue.corticalBone * 0.75 });
    for (const side of [-1, 1]) {
      const across = rod([side * 12, front - 36, z], [side * 36, front - 46, z + 4], 5, 4);
      canvas.paint(frame, across, { hu: tissue.corticalBone * 0.7 });
    }
  }
  canvas.paint(frame, ellipsoid([0, front - 36, 0], [9, 7.5, tallMm]), { hu: 32 });
}

/** Signed distance to the slanted slabs in which the ribs lie; ribs fall towards the front. */
function ribSlab(chest: Chest): Shape['distance'] {
  return grownSlab(chest, 0);
}

function grownSlab({ phaseMm }: Chest, byMm: number): Shape['distance'] {
  return (x, y, z) => {
    const level = z + phaseMm + y * 0.42 + Math.abs(x) * 0.08;
    const inCycle = level - ribPitchMm * Math.round(level / ribPitchMm);
    return Math.abs(inCycle) - 6.5 - byMm;
  };
}

/** Twigs from the hila outwards, thinner the farther. */
function paintLungVessels(canvas: Canvas, frame: Frame, random: Random, tissue: TissueHu): void {
  for (const side of [-1, 1]) {
    const hilum: Vector3 = [side * 40, -30, 10];
    for (let n = 0; n < 16; n++) {
      const out: Vector3 = [
        side * (20 + 60 * random.uniform()),
        120 * (random.uniform() - 0.5),
        150 * (random.uniform() - 0.5),
      ];
      const tip: Vector3 = [hilum[0] + out[0], hilum[1] + out[1], hilum[2] + out[2]];
      const hu = n % 2 === 0 ? tissue.pulmonaryArtery : tissue.leftAtrium;
      canvas.paint(frame, rod(hilum, tip, 3.6, 0.9), { hu: hu * 0.9 });
    }
  }
}
