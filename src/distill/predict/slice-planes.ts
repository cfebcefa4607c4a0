/** A slice of a volume for people to look at: where it is cut, which way round it lies, what is marked on it. */
import {
  resampleLabelsOnto,
  resampleOnto,
  scaleVector,
  spacingOf,
  voxelToWorld,
  worldToVoxel,
  type Geometry,
  type Vector3,
  type Volume,
} from '../../data/index.ts';

/** Which slice it is: of the image's own planes, or of the annulus. */
export type SlicePlane = 'axial' | 'coronal' | 'annulus' | 'long axis';

/** Where a volume is cut. */
export interface Cut {
  readonly plane: SlicePlane;
  /** One voxel deep: i runs to the right of the picture, j down, k away from it. */
  readonly geometry: Geometry;
}

/** A point to show, RAS mm. */
export interface Mark {
  readonly label: string;
  readonly at: Vector3;
  /** `reference`: where another program found it; not an expert's truth. */
  readonly kind: 'truth' | 'predicted' | 'reference';
}

/** A volume, and what lies on it. */
export interface Scene {
  /** RAS orientation. */
  readonly image: Volume;
  readonly marks: readonly Mark[];
  /** On the image's grid. */
  readonly areas: readonly { readonly kind: 'truth' | 'predicted'; readonly mask: Uint8Array }[];
}

/** A mark on a slice. */
export interface MarkOnSlice extends Pick<Mark, 'label' | 'kind'> {
  /** Pixels from the left edge and from the top; the centre of the first pixel is 0.5. */
  readonly x: number;
  readonly y: number;
  /** Distance from the slice in mm. */
  readonly offSliceMm: number;
}

/** One slice: gray values and masks have one byte a pixel, rows from the top. */
export interface Slice {
  readonly plane: SlicePlane;
  readonly width: number;
  readonly height: number;
  /** Width of a pixel over its height. */
  readonly pixelAspect: number;
  /** Height of a pixel. */
  readonly pixelMm: number;
  /** What lies beyond the edges. */
  readonly sides: {
    readonly left: string;
    readonly right: string;
    readonly top: string;
    readonly bottom: string;
  };
  readonly gray: Uint8Array;
  readonly points: readonly MarkOnSlice[];
  readonly areas: readonly { readonly kind: 'truth' | 'predicted'; readonly mask: Uint8Array }[];
  /** Drawn over it; absent where there are none. */
  readonly lines?: readonly SliceLine[];
}

/** A line on a slice: where another plane crosses it, a circle, a height. */
export interface SliceLine {
  readonly label: string;
  /** Corners in pixels, as of `MarkOnSlice`. */
  readonly path: readonly (readonly [x: number, y: number])[];
}

/** Gray window of the pictures, HU: contrast, myocardium and calcium all show. */
const window = { lowHu: -200, highHu: 700 } as const;

/** The axial and the coronal slice through the middle of the marks, patient's right on the left, head or front at the top. */
export function slicesOf(scene: Scene): Slice[] {
  return [sliceAt(scene, gridCut(scene, 'axial')), sliceAt(scene, gridCut(scene, 'coronal'))];
}

/** A plane of the image's own grid, through the middle of the marks. */
function gridCut({ image, marks }: Scene, plane: 'axial' | 'coronal'): Cut {
  const { shape, affine } = image;
  const [depth, height, width] = shape;
  const axis = plane === 'axial' ? 2 : 1;
  // What was found may lie anywhere: where it is known better, that says where to cut.
  const known = marks.filter(({ kind }) => kind !== 'predicted');
  const aims = known.length > 0 ? known : marks;
  const middle =
    aims.length === 0
      ? null
      : aims.reduce((sum, { at }) => sum + worldToVoxel(affine, at)[axis], 0) / aims.length;
  const count = plane === 'axial' ? depth : height;
  const at = Math.min(count - 1, Math.max(0, Math.round(middle ?? count / 2)));
  const rows = plane === 'axial' ? height : depth;
  const column = (n: number): Vector3 => [affine[n] ?? 0, affine[n + 4] ?? 0, affine[n + 8] ?? 0];
  // RAS voxels run to the right, forward and up; pictures run to the patient's left and down.
  const right = scaleVector(column(0), -1);
  const down = scaleVector(column(3 - axis), -1);
  const first: Vector3 = plane === 'axial' ? [width - 1, rows - 1, at] : [width - 1, at, rows - 1];
  const corner = voxelToWorld(affine, first);
  return { plane, geometry: sliceGeometry([rows, width], corner, right, down, column(axis)) };
}

/** A grid of one slice. @param steps from one voxel to the next along i, j and k */
export function sliceGeometry(
  [rows, columns]: readonly [rows: number, columns: number],
  corner: Vector3,
  ...[i, j, k]: readonly [i: Vector3, j: Vector3, k: Vector3]
): Geometry {
  const row = (n: 0 | 1 | 2): number[] => [i[n], j[n], k[n], corner[n]];
  return {
    shape: [1, rows, columns],
    affine: Float64Array.of(...row(0), ...row(1), ...row(2), 0, 0, 0, 1),
  };
}

/** The image along a cut, between voxels by their distances; black outside of it. Areas take the nearest voxel. */
export function sliceAt({ image, marks, areas }: Scene, { plane, geometry }: Cut): Slice {
  const { shape, affine } = geometry;
  const [, height, width] = shape;
  const [sliceMm, rowMm, columnMm] = spacingOf(affine);
  const data = resampleOnto(image, geometry, 'linear').data;
  const column = (n: number, sign: 1 | -1): string =>
    sideOf([sign * (affine[n] ?? 0), sign * (affine[n + 4] ?? 0), sign * (affine[n + 8] ?? 0)]);
  return {
    ...{ plane, width, height, pixelAspect: columnMm / rowMm, pixelMm: rowMm },
    sides: {
      ...{ left: column(0, -1), right: column(0, 1) },
      ...{ top: column(1, -1), bottom: column(1, 1) },
    },
    gray: Uint8Array.from(data, (hu) => {
      const share = (hu - window.lowHu) / (window.highHu - window.lowHu);
      return Math.round(255 * Math.min(1, Math.max(0, share)));
    }),
    points: marks.map(({ label, kind, at }) => {
      const [x, y, k] = worldToVoxel(affine, at);
      return { x: x + 0.5, y: y + 0.5, label, kind, offSliceMm: Math.abs(k) * sliceMm };
    }),
    areas: areas.map(({ kind, mask }) => ({
      kind,
      mask: resampleLabelsOnto(mask, image, geometry),
    })),
  };
}

/** Letters of a direction's side of the patient, the foremost first; a second one where it leans that way half as much. */
export function sideOf(direction: Vector3): string {
  const letters = ['RL', 'AP', 'SI'] as const;
  const parts = letters
    .map((pair, axis) => ({ part: direction[axis as 0 | 1 | 2], pair }))
    .sort((a, b) => Math.abs(b.part) - Math.abs(a.part));
  const most = Math.abs(parts[0]?.part ?? 0);
  return parts
    .slice(0, 2)
    .filter(({ part }) => Math.abs(part) >= most / 2)
    .map(({ part, pair }) => (part > 0 ? pair[0] : pair[1]))
    .join('');
}
