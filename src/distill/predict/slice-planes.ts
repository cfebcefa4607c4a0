/** A slice of a volume for people to look at: where it is cut, which way round it lies, what is marked on it. */
import { spacingOf, worldToVoxel, type Vector3, type Volume } from '../../data/index.ts';

/** The plane of a slice: the axis that is held, and the axes that run down and to the right. */
export type SlicePlane = 'axial' | 'coronal';

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
}

/** Gray window of the pictures, HU: contrast, myocardium and calcium all show. */
const window = { lowHu: -200, highHu: 700 } as const;

/** The axial and the coronal slice through the middle of the marks. */
export function slicesOf(scene: Scene): Slice[] {
  return [cut(scene, 'axial'), cut(scene, 'coronal')];
}

/** The slice through the middle of the marks, patient's right on the left, head or front at the top. */
function cut({ image, marks, areas }: Scene, plane: SlicePlane): Slice {
  const { shape, affine, data } = image;
  const [depth, height, width] = shape;
  const spacing = spacingOf(affine);
  const places = marks.map((mark) => ({ mark, ijk: worldToVoxel(affine, mark.at) }));
  const axis = plane === 'axial' ? 2 : 1;
  // What was found may lie anywhere: where it is known better, that says where to cut.
  const known = places.filter(({ mark }) => mark.kind !== 'predicted');
  const aims = known.length > 0 ? known : places;
  const middle =
    aims.length === 0 ? null : aims.reduce((sum, { ijk }) => sum + ijk[axis], 0) / aims.length;
  const count = plane === 'axial' ? depth : height;
  const at = Math.min(count - 1, Math.max(0, Math.round(middle ?? count / 2)));
  const rows = plane === 'axial' ? height : depth;
  const sliceMm = plane === 'axial' ? spacing[0] : spacing[1];
  const rowMm = plane === 'axial' ? spacing[1] : spacing[0];
  // RAS voxels run to the right, forward and up; pictures run to the patient's left and down.
  const voxel = (row: number, column: number): number => {
    const i = width - 1 - column;
    const other = rows - 1 - row;
    return plane === 'axial'
      ? (at * height + other) * width + i
      : (other * height + at) * width + i;
  };
  const pixels = (value: (index: number) => number): Uint8Array =>
    Uint8Array.from({ length: rows * width }, (_, p) =>
      value(voxel(Math.floor(p / width), p % width)),
    );
  return {
    ...{ plane, width, height: rows, pixelAspect: spacing[2] / rowMm, pixelMm: rowMm },
    sides:
      plane === 'axial'
        ? { left: 'R', right: 'L', top: 'A', bottom: 'P' }
        : { left: 'R', right: 'L', top: 'S', bottom: 'I' },
    gray: pixels((index) => {
      const share = ((data[index] ?? 0) - window.lowHu) / (window.highHu - window.lowHu);
      return Math.round(255 * Math.min(1, Math.max(0, share)));
    }),
    points: places.map(({ mark, ijk }) => ({
      x: width - 1 - ijk[0] + 0.5,
      y: rows - 1 - ijk[plane === 'axial' ? 1 : 2] + 0.5,
      label: mark.label,
      kind: mark.kind,
      offSliceMm: Math.abs(ijk[axis] - at) * sliceMm,
    })),
    areas: areas.map(({ kind, mask }) => ({ kind, mask: pixels((index) => mask[index] ?? 0) })),
  };
}
