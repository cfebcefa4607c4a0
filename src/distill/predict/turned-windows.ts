/**
 * A root that was found is looked at once more, in windows that lie around its middle and are turned against each other.
 * What most of them see lies where they see it in the mean.
 */
import {
  addVectors,
  pointNames,
  rotateAbout,
  rotated,
  scaleVector,
  type Geometry,
  type Rotation,
  type Shape3,
  type Vector3,
} from '../../data/index.ts';
import { turnOfRoot, type FoundPoint } from './mean-root.ts';

/** Degrees that a window is turned by, about one axis: within what training turns its patches by. */
const turnDegrees = 12;
const straight: Rotation = [
  [1, 0, 0],
  [0, 1, 0],
  [0, 0, 1],
];

/** The middle of a root's points, at least one. */
export function middleOf(root: readonly FoundPoint[]): Vector3 {
  return scaleVector(root.map(({ position }) => position).reduce(addVectors), 1 / root.length);
}

/**
 * Windows around a root: one in which it stands as the mean root does, however the patient lay, and two for each axis, turned there and
 * back. A root of fewer than four points is seen as the patient lay.
 *
 * @param root at least one point
 */
export function turnedWindows(
  root: readonly FoundPoint[],
  window: Shape3,
  [depthMm, heightMm, widthMm]: Vector3,
): Geometry[] {
  const middle = middleOf(root);
  const upright = turnOfRoot(root) ?? straight;
  const angle = (turnDegrees * Math.PI) / 180;
  const turns = [
    (v: Vector3): Vector3 => v,
    ...straight.flatMap((axis) =>
      [-angle, angle].map(
        (by) =>
          (v: Vector3): Vector3 =>
            rotateAbout(v, axis, by),
      ),
    ),
  ];
  const [depth, height, width] = window;
  return turns.map((turn) => {
    const i = rotated(upright, turn([widthMm, 0, 0]));
    const j = rotated(upright, turn([0, heightMm, 0]));
    const k = rotated(upright, turn([0, 0, depthMm]));
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
