/** Where a phantom is painted: shape over shape, each with soft edges one voxel wide. */
import type { Vector3 } from '../volume/vector.ts';
import { voxelCount, type Shape3 } from '../volume/volume.ts';
import type { Shape } from './shapes.ts';

/** Coordinates in mm of every voxel in the frame of the heart or of the chest. */
export interface Frame {
  readonly x: Float32Array;
  readonly y: Float32Array;
  readonly z: Float32Array;
  /** Voxel index (i, j, k) near a point of the frame, to within `marginMm`. */
  readonly toVoxel: (point: Vector3) => Vector3;
  readonly marginMm: number;
  /** Steps in the frame per voxel along i, j, k (distortion left out). */
  readonly steps: VoxelSteps;
}

/** Steps in a frame from one voxel to the next along i, j and k. */
export type VoxelSteps = readonly [Vector3, Vector3, Vector3];

/** First and last voxel along an axis. */
export type VoxelRange = readonly [number, number];

/** What a stroke leaves behind. */
export interface Paint {
  readonly hu: number;
  /** Value for the heart label map; left as it was when absent. */
  readonly label?: number;
  /** Thickness of a sheet in mm: the shape's distance is then to the sheet's middle. */
  readonly sheetMm?: number;
}

/** Intensities and heart labels on one grid. */
export class Canvas {
  readonly shape: Shape3;
  readonly spacingMm: Vector3;
  readonly hu: Float32Array;
  readonly labels: Uint8Array;
  /** Edge of a cube of a voxel's volume. */
  readonly edgeMm: number;

  constructor(shape: Shape3, spacingMm: Vector3, backgroundHu: number) {
    this.shape = shape;
    this.spacingMm = spacingMm;
    this.hu = new Float32Array(voxelCount(shape)).fill(backgroundHu);
    this.labels = new Uint8Array(voxelCount(shape));
    this.edgeMm = Math.cbrt(spacingMm[0] * spacingMm[1] * spacingMm[2]);
  }

  /** Paints over what is there: each voxel takes the share of `paint` that the shape covers. */
  paint(frame: Frame, shape: Shape, paint: Paint): void {
    const { hu, labels, edgeMm } = this;
    const { x, y, z } = frame;
    const half = (paint.sheetMm ?? 0) / 2;
    const perEdge = 1 / edgeMm;
    this.visit(frame, shape, half + edgeMm, (index) => {
      const d = shape.distance(x[index] ?? 0, y[index] ?? 0, z[index] ?? 0);
      const share = half > 0 ? sheetShare(d, half, edgeMm) : 0.5 - d * perEdge;
      if (share <= 0) return;
      const cover = share > 1 ? 1 : share;
      hu[index] = (hu[index] ?? 0) * (1 - cover) + paint.hu * cover;
      if (paint.label !== undefined && cover >= 0.5) labels[index] = paint.label;
    });
  }

  /** Calls `see` for the voxels in and near the shape's box. */
  visit(frame: Frame, shape: Shape, extraMm: number, see: (index: number) => void): void {
    const [, height, width] = this.shape;
    const [[iLow, iHigh], [jLow, jHigh], [kLow, kHigh]] = this.ranges(frame, shape, extraMm);
    for (let k = kLow; k <= kHigh; k++) {
      for (let j = jLow; j <= jHigh; j++) {
        const row = (k * height + j) * width;
        for (let i = iLow; i <= iHigh; i++) see(row + i);
      }
    }
  }

  /** First and last voxel along i, j and k of the shape's box and `extraMm` around it. */
  protected ranges(
    frame: Frame,
    shape: Shape,
    extraMm: number,
  ): readonly [VoxelRange, VoxelRange, VoxelRange] {
    const [depth, height, width] = this.shape;
    const centre = frame.toVoxel(shape.centre);
    const [hx, hy, hz] = shape.halfMm;
    const range = (axis: 0 | 1 | 2, count: number): VoxelRange => {
      const [x, y, z] = frame.steps[axis];
      const spacing = Math.hypot(x, y, z);
      // Half the box as seen along this voxel axis.
      const half = (Math.abs(x) * hx + Math.abs(y) * hy + Math.abs(z) * hz) / spacing;
      const reach = (half + extraMm + frame.marginMm) / spacing;
      const low = Math.max(0, Math.ceil(centre[axis] - reach));
      return [low, Math.min(count - 1, Math.floor(centre[axis] + reach))];
    };
    return [range(0, width), range(1, height), range(2, depth)];
  }
}

/** Overlap of a sheet `2 half` thick with a voxel `edge` wide whose centre is `d` from its middle. */
export function sheetShare(d: number, half: number, edge: number): number {
  const from = Math.max(d - edge / 2, -half);
  const to = Math.min(d + edge / 2, half);
  return (to - from) / edge;
}
