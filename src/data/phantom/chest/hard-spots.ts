/** Calcium that no task asks for: on the mitral ring, in coronary arteries and in the aorta's wall. */
import type { Random } from '../../../base/index.ts';
import { stepAlong, subtractVectors, type Vector3 } from '../../volume/vector.ts';
import type { Deposit } from '../calcium.ts';
import { axesAlong, ellipsoid } from '../shapes.ts';
import type { CoronaryTree } from './coronaries.ts';
import type { GreatVessels } from './vessel-plan.ts';
import type { HeartPlan } from './heart-plan.ts';
import { evenly } from './draws.ts';
import type { Course } from './solids.ts';

/** Draws the spots of a patient; the old have most. */
export function drawHardSpots(
  random: Random,
  heart: HeartPlan,
  vessels: GreatVessels,
  tree: CoronaryTree,
  boneFactor: number,
): Deposit[] {
  const age = random.uniform();
  const even = evenly(random);
  const hu = (): number => even(350, 1300) * boneFactor;
  const spots: Deposit[] = [];
  for (const course of [tree.right, tree.descending, tree.circumflex, tree.main]) {
    const count = random.integer(1 + Math.round(age * 6));
    for (let n = 0; n < count; n++) {
      spots.push(onWall(random, course, even(0.05, 0.6), even(1.2, 3.6), 0.9, hu()));
    }
  }
  const plaques = random.integer(1 + Math.round(age * age * 14));
  for (let n = 0; n < plaques; n++) {
    spots.push(onWall(random, vessels.aorta, even(0.18, 0.95), even(2, 8), 1, hu()));
  }
  if (random.uniform() < 0.25 * age + 0.05) {
    // Mitral ring: an arc on its back.
    const { centre, radiusMm } = heart.mitral;
    const [, across, up] = axesAlong(heart.axes[0]);
    const [start, long] = [even(0, 6), even(0.4, 2.4)];
    for (let turn = start; turn < start + long; turn += 0.28) {
      const at = stepAlong(
        stepAlong(centre, across, radiusMm * Math.cos(turn)),
        up,
        radiusMm * Math.sin(turn),
      );
      const size = even(2, 5.5);
      spots.push({
        shape: ellipsoid(at, [size / 2, size / 2, size / 2]),
        hu: hu(),
        diameterMm: size,
      });
    }
  }
  return spots;
}

/** A flat lump on the wall of a tube. */
function onWall(
  random: Random,
  { points, radiiMm }: Course,
  share: number,
  lengthMm: number,
  outwards: number,
  hu: number,
): Deposit {
  const n = Math.min(points.length - 2, Math.floor(share * (points.length - 1)));
  const [from, to] = [points[n] ?? ([0, 0, 0] as Vector3), points[n + 1] ?? ([0, 0, 1] as Vector3)];
  const [, across, up] = axesAlong(subtractVectors(to, from));
  const turn = 2 * Math.PI * random.uniform();
  const radius = (radiiMm[n] ?? 1) * outwards;
  const side = stepAlong(stepAlong([0, 0, 0], across, Math.cos(turn)), up, Math.sin(turn));
  const at = stepAlong(from, side, radius);
  const thick = Math.min(lengthMm, 1 + 0.25 * lengthMm);
  const shape = ellipsoid(at, [thick / 2, lengthMm / 2, lengthMm / 2], axesAlong(side));
  return { shape, hu, diameterMm: Math.sqrt(thick * lengthMm) };
}
