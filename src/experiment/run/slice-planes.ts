/** A slice of a volume as a picture for people: where it is cut, which way round it lies, what is marked on it. */
import { base64 } from '../../base/index.ts';
import type { SlicePicture, SlicePoint } from '../../report/index.ts';
import { spacingOf, worldToVoxel, type Vector3, type Volume } from '../../data/index.ts';

/** The plane of a picture: the axis that is held, and the axes that run down and to the right. */
type Plane = 'axial' | 'coronal';

/** A point to show, RAS mm. */
export interface Mark {
  readonly label: string;
  readonly at: Vector3;
  readonly kind: 'truth' | 'predicted' | 'reference';
}

/** A volume, and what lies on it. */
export interface Scene {
  readonly title: string;
  readonly caption: string;
  /** RAS orientation. */
  readonly image: Volume;
  readonly marks: readonly Mark[];
  /** On the image's grid. */
  readonly areas: readonly { readonly kind: 'truth' | 'predicted'; readonly mask: Uint8Array }[];
}

/** Gray window of the pictures, HU: contrast, myocardium and calcium all show. */
const window = { lowHu: -200, highHu: 700 } as const;

/** The axial and the coronal slice through the middle of the marks. */
export function picturesOfScene(scene: Scene): SlicePicture[] {
  return [drawPlane(scene, 'axial'), drawPlane(scene, 'coronal')];
}

/** The slice through the middle of the marks, patient's right on the left, head or front at the top. */
function drawPlane({ title, caption, image, marks, areas }: Scene, plane: Plane): SlicePicture {
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
  const pixels = (value: (index: number) => number): string =>
    base64(
      Uint8Array.from({ length: rows * width }, (_, p) =>
        value(voxel(Math.floor(p / width), p % width)),
      ),
    );
  const points = places.map(({ mark, ijk }): SlicePoint => ({
    x: width - 1 - ijk[0] + 0.5,
    y: rows - 1 - ijk[plane === 'axial' ? 1 : 2] + 0.5,
    label: mark.label,
    kind: mark.kind,
    offSliceMm: Math.abs(ijk[axis] - at) * sliceMm,
  }));
  return {
    title: `${title}, ${plane}`,
    caption,
    width,
    height: rows,
    pixelAspect: spacing[2] / rowMm,
    pixelMm: rowMm,
    sides:
      plane === 'axial'
        ? { left: 'R', right: 'L', top: 'A', bottom: 'P' }
        : { left: 'R', right: 'L', top: 'S', bottom: 'I' },
    gray: pixels((index) => {
      const share = ((data[index] ?? 0) - window.lowHu) / (window.highHu - window.lowHu);
      return Math.round(255 * Math.min(1, Math.max(0, share)));
    }),
    points,
    areas: areas.map(({ kind, mask }) => ({ kind, mask: pixels((index) => mask[index] ?? 0) })),
  };
}
