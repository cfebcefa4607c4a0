/**
 * A root that was found is looked at once more, in windows that lie around its middle and are turned against each other.
 * What most of them see lies where they see it in the mean.
 */
import {
  addVectors,
  pointNames,
  rotateAbout,
  scaleVector,
  type Geometry,
  type Shape3,
  type Vector3,
} from '../../data/index.ts';
import type { FoundPoint } from './root-size.ts';

/** Degrees that a window is turned by, about one axis: within what training turns its patches by. */
const turnDegrees = 12;

/** The middle of a root's points, at least one. */
export function middleOf(root: readonly FoundPoint[]): Vector3 {
  return scaleVector(root.map(({ position }) => position).reduce(addVectors), 1 / root.length);
}

/** Windows around a place: one that is straight, and two for each axis, turned there and back. */
export function turnedWindows(
  middle: Vector3,
  window: Shape3,
  [depthMm, heightMm, widthMm]: Vector3,
): Geometry[] {
  const axes: readonly Vector3[] = [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ];
  const angle = (turnDegrees * Math.PI) / 180;
  const turns = [
    (v: Vector3): Vector3 => v,
    ...axes.flatMap((axis) =>
      [-angle, angle].map(
        (by) =>
          (v: Vector3): Vector3 =>
            rotateAbout(v, axis, by),
      ),
    ),
  ];
  const [depth, height, width] = window;
  return turns.map((turn) => {
    const i = turn([widthMm, 0, 0]);
    const j = turn([0, heightMm, 0]);
    const k = turn([0, 0, depthMm]);
    const corner = (n: 0 | 1 | 2): number =>
      middle[n] - (i[n] * (width - 1) + j[n] * (height - 1) + k[n] * (depth - 1)) / 2;
    const row = (n: 0 | 1 | 2): number[] => [i[n], j[n], k[n], corner(n)];
    return {
      shape: window,
      affine: Float64Array.of(...row(0), ...row(1), ...row(2), 0, 0, 0, 1),
    };
  });
}

/** What the windows agree on: points that more than half of them found, in the order of `pointNames`. */
export function agreedRoot(views: readonly (readonly FoundPoint[])[]): FoundPoint[] {
  return pointNames.flatMap((name) => {
    const seen = views.flatMap((view) => view.filter((point) => point.name === name));
    if (2 * seen.length <= views.length) return [];
    const sum = seen.reduce((total, { probability }) => total + probability, 0);
    // A window that does not see the point speaks against it.
    return [{ name, position: middleOf(seen), probability: sum / views.length }];
  });
}
