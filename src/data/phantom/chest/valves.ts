/** Aortic leaflets closed, open or fused, and the mitral and tricuspid ones. */
import { scaleVector, stepAlong, type Vector3 } from '../../volume/vector.ts';
import {
  annulusRadiusAt,
  aroundAxis,
  leafletHeightAt,
  leaflets,
  nearestCusp,
  wallRadiusAt,
  wrapAngle,
  type Root,
} from '../root.ts';
import { axesAlong, type Shape } from '../shapes.ts';
import type { HeartPlan } from './heart-plan.ts';
import { evenly } from './draws.ts';
import { label } from '../heart-values.ts';
import { type Scene } from './scene.ts';
import { solid } from './solids.ts';

/** Paints the valves as they are at the moment of the scan. */
export function paintValves(scene: Scene, heart: HeartPlan, isBicuspid: boolean): void {
  const { canvas, frame, tissue } = scene;
  const random = scene.random.fork('valves');
  const even = evenly(random);
  const sheetMm = even(1.1, 2);
  const { root, isSystole } = heart;
  const aortic = isSystole
    ? openLeaflets(root, even(0.55, 0.9), isBicuspid)
    : isBicuspid
      ? fusedLeaflets(root)
      : leaflets(root);
  canvas.paint(frame, aortic, { hu: tissue.leaflet, sheetMm });
  const thin = { hu: tissue.leaflet * 0.6 + tissue.leftVentricle * 0.4, sheetMm: even(1, 1.6) };
  const { centre, radiusMm } = heart.mitral;
  const mitral = funnel(centre, heart.axes[0], radiusMm, isSystole ? 3 : 15, isSystole ? 0 : 6.5);
  canvas.paint(frame, mitral, thin);
  const tricuspid = funnel(
    heart.place(29, 6, -24),
    heart.way([-0.55, 0.7, -0.3]),
    17 * heart.scale,
    isSystole ? 3 : 14,
    isSystole ? 0 : 8,
  );
  canvas.paint(frame, tricuspid, {
    hu: tissue.myocardium * 0.7 + tissue.rightVentricle * 0.3,
    sheetMm: 1,
    label: label.none,
  });
}

/**
 * Open leaflets: from the crown of hinge lines inwards to an opening of `share` of the annulus, wide at the commissures. The
 * sheet runs up to the height of the free edge.
 */
function openLeaflets(root: Root, share: number, isBicuspid: boolean): Shape {
  const free = root.coaptationHeightMm + 5;
  return {
    ...leaflets(root),
    distance: (x, y, z) => {
      const height = x * root.w[0] + y * root.w[1] + z * root.w[2];
      if (height < -1 || height > root.junctionHeightMm * 0.9) return 99;
      const { angle, radius } = aroundAxis(root, x, y, z);
      const offset = Math.min(1, Math.abs(nearestCusp(root, angle).offset));
      const raphe = isBicuspid && isBetweenRightAndLeft(root, angle);
      const hinge = root.junctionHeightMm * 0.85 * (raphe ? 0.4 * offset ** 2 : offset ** 2);
      const t = (height - hinge) / Math.max(3, free - hinge);
      if (t < 0 || t > 1.05) return 99;
      const wall = wallRadiusAt(root, angle, height);
      const opening = annulusRadiusAt(root, angle) * share * (raphe ? 0.55 : 0.75 + 0.25 * offset);
      return (radius - (wall + (Math.min(wall, opening) - wall) * Math.sqrt(t))) * 0.75;
    },
  };
}

/** Closed leaflets of a valve whose right and left cusp have grown together: one line of closure, a low raphe. */
function fusedLeaflets(root: Root): Shape {
  return {
    ...leaflets(root),
    distance: (x, y, z) => {
      const height = x * root.w[0] + y * root.w[1] + z * root.w[2];
      if (height < -4 || height > root.junctionHeightMm) return 99;
      const { angle, radius } = aroundAxis(root, x, y, z);
      if (radius > wallRadiusAt(root, angle, height) + 0.5) return 99;
      if (!isBetweenRightAndLeft(root, angle)) {
        return (height - leafletHeightAt(root, angle, radius)) * 0.85;
      }
      const offset = Math.min(1, Math.abs(nearestCusp(root, angle).offset));
      const hinge = root.junctionHeightMm * 0.3 * offset ** 2;
      const inward = 1 - Math.min(1, radius / wallRadiusAt(root, angle, hinge));
      const belly = hinge + (root.coaptationHeightMm - hinge) * inward ** 1.4;
      return (height - belly) * 0.85;
    },
  };
}

/** Whether a direction lies between the middles of the right and the left cusp. */
function isBetweenRightAndLeft({ cusps: [right, left] }: Root, angle: number): boolean {
  const whole = wrapAngle(left.angle - right.angle);
  const part = wrapAngle(angle - right.angle);
  return part * whole > 0 && Math.abs(part) < Math.abs(whole);
}

/** The middle of a leaflet pair: a cone of `depthMm` from a ring to an opening of `endMm`, or a shallow bowl when it is 0. */
function funnel(
  centre: Vector3,
  direction: Vector3,
  radiusMm: number,
  depthMm: number,
  endMm: number,
): Shape {
  const [way, across, up] = axesAlong(direction);
  const middle = stepAlong(centre, way, depthMm / 2);
  const half = radiusMm + depthMm / 2 + 2;
  return solid(
    (x, y, z) => {
      const [dx, dy, dz] = [x - centre[0], y - centre[1], z - centre[2]];
      const height = dx * way[0] + dy * way[1] + dz * way[2];
      const a = dx * across[0] + dy * across[1] + dz * across[2];
      // The opening is a slit: wider along one direction than the other.
      const b = (dx * up[0] + dy * up[1] + dz * up[2]) * (endMm > 0 ? 1 + (0.6 * Math.max(0, height)) / depthMm : 1); // prettier-ignore
      const radius = Math.sqrt(a * a + b * b);
      if (radius > radiusMm + 1 || height < -2 || height > depthMm + 1) return 99;
      if (endMm === 0) return height - depthMm * (1 - (radius / radiusMm) ** 2);
      const t = height / depthMm;
      return t < 0 || t > 1 ? 99 : (radius - (radiusMm + (endMm - radiusMm) * t)) * 0.7;
    },
    middle,
    [half, half, half],
    1.5,
  );
}

/** Where the commissure of right and left cusp would be; calcium gathers on the raphe. */
export function raphePlace(root: Root, share: number): Vector3 {
  const [right, left] = root.cusps;
  const angle = right.angle + wrapAngle(left.angle - right.angle) / 2;
  const radius = share * annulusRadiusAt(root, angle);
  const across = scaleVector(root.u, radius * Math.cos(angle));
  return stepAlong(
    stepAlong(across, root.v, radius * Math.sin(angle)),
    root.w,
    root.coaptationHeightMm * (1 - share * 0.6),
  );
}
