/**
 * A canvas for large grids: looks at blocks of 4 x 4 x 4 voxels first. A block that is far outside of a shape is
 * passed over and one deep inside is filled, so that only blocks at the surface are looked at voxel by voxel.
 */
import { Canvas, sheetShare, type Frame, type Paint } from '../canvas.ts';
import type { Shape } from '../shapes.ts';

const edgeVoxels = 4;
/** Distortion makes a block in the frame larger than in the picture; by a third at most. */
const strainMax = 1.35;

/** Paint that may differ from place to place. */
export interface Pigment extends Paint {
  /** Added to `hu` at a place of the frame. */
  readonly huAt?: Shape['distance'];
}

/** First and last voxel of a block along each axis. */
interface Block {
  iLow: number;
  iHigh: number;
  jLow: number;
  jHigh: number;
  kLow: number;
  kHigh: number;
}

/** As `Canvas`, for chests. */
export class BlockCanvas extends Canvas {
  readonly #block: Block = { iLow: 0, iHigh: 0, jLow: 0, jHigh: 0, kLow: 0, kHigh: 0 };

  override paint(frame: Frame, shape: Shape, paint: Pigment): void {
    const half = (paint.sheetMm ?? 0) / 2;
    const near = half + this.edgeMm / 2;
    const [depth, height, width] = this.shape;
    const ranges = this.ranges(frame, shape, near);
    const [[iFrom, iTo], [jFrom, jTo], [kFrom, kTo]] = ranges;
    if (iFrom > iTo || jFrom > jTo || kFrom > kTo) return;
    const block = this.#block;
    const first = (from: number): number => from - (from % edgeVoxels);
    for (let k = first(kFrom); k <= kTo; k += edgeVoxels) {
      block.kLow = k;
      block.kHigh = Math.min(depth, k + edgeVoxels) - 1;
      for (let j = first(jFrom); j <= jTo; j += edgeVoxels) {
        block.jLow = j;
        block.jHigh = Math.min(height, j + edgeVoxels) - 1;
        for (let i = first(iFrom); i <= iTo; i += edgeVoxels) {
          block.iLow = i;
          block.iHigh = Math.min(width, i + edgeVoxels) - 1;
          this.#paintBlock(frame, shape, paint, near);
        }
      }
    }
  }

  #paintBlock(frame: Frame, shape: Shape, paint: Pigment, near: number): void {
    const [, height, width] = this.shape;
    const { x, y, z } = frame;
    const { iLow, iHigh, jLow, jHigh, kLow, kHigh } = this.#block;
    const a = (kLow * height + jLow) * width + iLow;
    const b = (kHigh * height + jHigh) * width + iHigh;
    const [ax, ay, az] = [x[a] ?? 0, y[a] ?? 0, z[a] ?? 0];
    const [dx, dy, dz] = [(x[b] ?? 0) - ax, (y[b] ?? 0) - ay, (z[b] ?? 0) - az];
    const middle = shape.distance(ax + dx / 2, ay + dy / 2, az + dz / 2);
    const reach =
      (Math.sqrt(dx * dx + dy * dy + dz * dz) / 2) * strainMax * (shape.steepness ?? 1) + near;
    if (middle > reach) return;
    const isFilled = middle < -reach && paint.sheetMm === undefined && paint.huAt === undefined;
    for (let k = kLow; k <= kHigh; k++) {
      for (let j = jLow; j <= jHigh; j++) {
        const row = (k * height + j) * width;
        if (!isFilled) {
          this.#paintRow(frame, shape, paint, row + iLow, row + iHigh);
          continue;
        }
        this.hu.fill(paint.hu, row + iLow, row + iHigh + 1);
        if (paint.label !== undefined) this.labels.fill(paint.label, row + iLow, row + iHigh + 1);
      }
    }
  }

  #paintRow(frame: Frame, shape: Shape, paint: Pigment, from: number, to: number): void {
    const { hu, labels, edgeMm } = this;
    const { x, y, z } = frame;
    const { huAt, label } = paint;
    const half = (paint.sheetMm ?? 0) / 2;
    for (let index = from; index <= to; index++) {
      const [px, py, pz] = [x[index] ?? 0, y[index] ?? 0, z[index] ?? 0];
      const d = shape.distance(px, py, pz);
      const share = half > 0 ? sheetShare(d, half, edgeMm) : 0.5 - d / edgeMm;
      if (!(share > 0)) continue;
      const cover = share > 1 ? 1 : share;
      const value = huAt === undefined ? paint.hu : paint.hu + huAt(px, py, pz);
      hu[index] = (hu[index] ?? 0) * (1 - cover) + value * cover;
      if (label !== undefined && cover >= 0.5) labels[index] = label;
    }
  }
}
