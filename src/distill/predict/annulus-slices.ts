/**
 * The root as planners look at it: cut along its own annulus, and along its axis through each coronary ostium. Slices are
 * reformatted from the volume; lines show the annulus, and how high the ostia stand.
 */
import {
  heightMm,
  stepAlong,
  withinPlane,
  crossProduct,
  subtractVectors,
  worldToVoxel,
  type AnnulusPlane,
  type PointName,
  type Vector3,
} from '../../data/index.ts';
import {
  sliceAt,
  sliceGeometry,
  type Cut,
  type Scene,
  type Slice,
  type SliceLine,
} from './slice-planes.ts';

/** A slice with what it shows. */
export interface AnnulusSlice {
  readonly title: string;
  readonly caption: string;
  readonly slice: Slice;
}

/** Side of a picture, and of a pixel, mm: a root with its ostia and the beginning of the aorta. */
const fieldMm = 90;
const pixelMm = 0.45;
/** How far the middle of a long axis lies above the annulus, mm: more of the aorta is shown than of the ventricle. */
const aboveMm = 12;
/** Points further off are not on the slice, mm. */
const offSliceMmMax = 5;
/** Corners of a drawn circle. */
const corners = 72;

/** Slices of a root: the annulus, and two along its axis. */
export function annulusSlices(
  scene: Scene,
  plane: AnnulusPlane,
  points: Readonly<Partial<Record<PointName, Vector3>>>,
): AnnulusSlice[] {
  return [
    annulusSlice(scene, plane),
    longAxis(scene, plane, { ostium: points.LCA, name: 'LCA', cusp: plane.hinges.LCC }),
    longAxis(scene, plane, { ostium: points.RCA, name: 'RCA', cusp: plane.hinges.RCC }),
  ];
}

/** Seen from the feet, as axial slices are: the front at the top, the patient's right on the left. */
function annulusSlice(scene: Scene, plane: AnnulusPlane): AnnulusSlice {
  const { centre, normal, radiusMm } = plane;
  // Of an annulus that faces the front its upper edge is at the top.
  const down =
    withinPlane(plane, Math.abs(normal[1]) < 0.95 ? [0, -1, 0] : [0, 0, -1]) ?? plane.normal;
  const right = crossProduct(down, normal);
  const cut = cutAround('annulus', centre, right, down, normal);
  const circle = Array.from({ length: corners + 1 }, (_, n): Vector3 => {
    const angle = (n * 2 * Math.PI) / corners;
    const along = stepAlong(centre, right, radiusMm * Math.cos(angle));
    return stepAlong(along, down, radiusMm * Math.sin(angle));
  });
  return {
    title: 'Annulus',
    caption: `along the plane of the hinge points, seen from below; their circle is ${(2 * radiusMm).toFixed(1)} mm wide`,
    slice: { ...nearSlice(scene, cut), lines: [lineOn(cut, 'annulus', circle)] },
  };
}

/** Along the axis, the aorta at the top: through an ostium, or through its cusp where it was not found. */
function longAxis(
  scene: Scene,
  plane: AnnulusPlane,
  {
    ostium,
    name,
    cusp,
  }: { readonly ostium: Vector3 | undefined; readonly name: 'LCA' | 'RCA'; readonly cusp: Vector3 },
): AnnulusSlice {
  const { centre, normal, radiusMm } = plane;
  const aim = ostium ?? cusp;
  const towards =
    withinPlane(plane, subtractVectors(aim, centre)) ??
    withinPlane(plane, subtractVectors(cusp, centre)) ??
    normal;
  // As a coronal slice lies, the patient's right on the left; or as a sagittal one, the front on the left.
  const leading = Math.abs(towards[0]) >= Math.abs(towards[1]) ? towards[0] : towards[1];
  const sign = leading > 0 ? -1 : 1;
  const right: Vector3 = [sign * towards[0], sign * towards[1], sign * towards[2]];
  const down: Vector3 = [-normal[0], -normal[1], -normal[2]];
  const middle = stepAlong(centre, normal, aboveMm);
  const cut = cutAround('long axis', middle, right, down, crossProduct(right, down));
  const side = radiusMm + 8;
  const lines = [
    lineOn(cut, 'annulus', [stepAlong(centre, right, -side), stepAlong(centre, right, side)]),
  ];
  const height = ostium === undefined ? null : heightMm(plane, ostium);
  if (ostium !== undefined && height !== null) {
    lines.push(lineOn(cut, name, [stepAlong(ostium, normal, -height), ostium]));
  }
  return {
    title: `Long axis, ${name === 'LCA' ? 'left' : 'right'} ostium`,
    caption:
      height === null
        ? `along the axis, through the hinge point of the ${name === 'LCA' ? 'left' : 'right'} cusp; ${name} was not found`
        : `along the axis, through ${name}: ${height.toFixed(1)} mm over the annulus`,
    slice: { ...nearSlice(scene, cut), lines },
  };
}

/** The slice with the points that lie on it or next to it. */
function nearSlice(scene: Scene, cut: Cut): Slice {
  const slice = sliceAt(scene, cut);
  return { ...slice, points: slice.points.filter((at) => at.offSliceMm <= offSliceMmMax) };
}

/** A square around `middle`. @param right to the right of the picture, one long, as are the others */
function cutAround(
  plane: Cut['plane'],
  middle: Vector3,
  right: Vector3,
  down: Vector3,
  away: Vector3,
): Cut {
  const count = Math.round(fieldMm / pixelMm);
  const half = ((count - 1) / 2) * pixelMm;
  const corner = stepAlong(stepAlong(middle, right, -half), down, -half);
  const step = (along: Vector3): Vector3 => [
    along[0] * pixelMm,
    along[1] * pixelMm,
    along[2] * pixelMm,
  ];
  return { plane, geometry: sliceGeometry([count, count], corner, step(right), step(down), away) };
}

function lineOn({ geometry }: Cut, label: string, places: readonly Vector3[]): SliceLine {
  const path = places.map((at): [number, number] => {
    const [x, y] = worldToVoxel(geometry.affine, at);
    return [x + 0.5, y + 0.5];
  });
  return { label, path };
}
