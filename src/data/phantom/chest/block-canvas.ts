/**
 * A canvas for large grids: looks at blocks of 16 and then of 4 voxels an edge first. A block that is far outside of a shape is
 * passed over and one deep inside is filled, so that only blocks at the surface are looked at voxel by voxel.
 */
import { Canvas, sheetShare, type Frame, type Paint } from '../canvas.ts';
import { distancesAt, placesAtOnce, roomForPlaces } from '../places.ts';
import type { Shape } from '../shapes.ts';
import { Covers } from './covers.ts';

/** Large blocks are looked at first, then the small ones in them. */
const largeVoxels = 16;
const smallVoxels = 4;
/** Distortion makes a block in the frame larger than in the picture; by a third at most. */
const strainMax = 1.35;

/** Paint that may differ from place to place. */
export interface Pigment extends Paint {
  /** Added to `hu` at a place of the frame. */
  readonly huAt?: Shape['distance'];
}

/** One of several skins around the same shape, from the outside in. */
export interface Layer extends Paint {
  /** How far outside of the shape's surface this layer begins. */
  readonly outMm: number;
}

/** A shape with the layers around it. */
export interface Coat {
  readonly shape: Shape;
  readonly layers: readonly Layer[];
}

/** Paints a row of voxels with a shape. */
type PaintRow = (from: number, to: number) => void;

/** What to do with blocks and rows of one shape. */
interface Stroke {
  readonly frame: Frame;
  readonly shape: Shape;
  /** Nothing changes farther outside than this. */
  readonly outsideMm: number;
  /** All voxels are filled deeper inside than this; -Infinity: never. */
  readonly insideMm: number;
  readonly fill: PaintRow;
  /** Paints the voxels of `#voxels` at their `#distances`; null: nothing is painted but whole blocks. */
  readonly look: ((count: number) => void) | null;
}

/** As `Canvas`, for chests. */
export class BlockCanvas extends Canvas {
  readonly #covers: Covers;
  /** The voxels of the block that is looked at: index, place, distance. */
  readonly #voxels = new Uint32Array(placesAtOnce);
  readonly #places = roomForPlaces();
  readonly #distances = new Float64Array(placesAtOnce);
  /** Small blocks that are asked for: their middles, how far their corners are, their first voxels. */
  readonly #middles = roomForPlaces();
  readonly #middleDistances = new Float64Array(placesAtOnce);
  readonly #reaches = new Float64Array(placesAtOnce);
  readonly #firsts = new Uint32Array(3 * placesAtOnce);

  constructor(...given: ConstructorParameters<typeof Canvas>) {
    super(...given);
    this.#covers = new Covers(this.shape, smallVoxels);
  }

  /**
   * Notes which blocks a coat will fill at a later stage, by the very test that it will fill them with: what is painted there
   * before would not be seen, and is passed over. Labels must be 0 until then where the coat has none.
   */
  coverLater(stage: number, frame: Frame, coat: Coat): void {
    const fill: PaintRow = (from, to) => {
      this.#covers.markRow(stage, from, to);
    };
    this.#strokeCoat(frame, coat, fill, null);
  }

  /** Begins a stage: blocks that are covered at it or before are painted from now on. */
  beginStage(stage: number): void {
    this.#covers.stage = stage;
  }

  override paint(frame: Frame, shape: Shape, paint: Pigment): void {
    const half = (paint.sheetMm ?? 0) / 2;
    const opacity = sectionShare(shape.thinMm, this.edgeMm);
    const isEven = paint.sheetMm === undefined && paint.huAt === undefined && opacity === 1;
    this.#stroke({
      ...{ frame, shape },
      outsideMm: half + this.edgeMm / 2,
      insideMm: isEven ? -this.edgeMm / 2 : -Infinity,
      fill: (from, to) => {
        this.hu.fill(paint.hu, from, to + 1);
        if (paint.label !== undefined) this.labels.fill(paint.label, from, to + 1);
      },
      look: (count) => {
        this.#paintVoxels(paint, count, opacity);
      },
    });
  }

  /** Paints layers around one shape, outermost first; its distance is taken once for all. */
  paintLayers(frame: Frame, coat: Coat): void {
    const inmost = coat.layers.at(-1);
    if (inmost === undefined) return;
    const fill: PaintRow = (from, to) => {
      this.hu.fill(inmost.hu, from, to + 1);
      if (inmost.label !== undefined) this.labels.fill(inmost.label, from, to + 1);
    };
    this.#strokeCoat(frame, coat, fill, (count) => {
      const { hu, labels, edgeMm } = this;
      for (let n = 0; n < count; n++) {
        const index = this.#voxels[n] ?? 0;
        const d = this.#distances[n] ?? 0;
        for (const layer of coat.layers) {
          const share = 0.5 - (d - layer.outMm) / edgeMm;
          if (!(share > 0)) break;
          const cover = share > 1 ? 1 : share;
          hu[index] = (hu[index] ?? 0) * (1 - cover) + layer.hu * cover;
          if (layer.label !== undefined && cover >= 0.5) labels[index] = layer.label;
        }
      }
    });
  }

  #strokeCoat(frame: Frame, { shape, layers }: Coat, fill: PaintRow, look: Stroke['look']): void {
    const outermost = layers[0];
    const inmost = layers.at(-1);
    if (outermost === undefined || inmost === undefined) return;
    const outsideMm = outermost.outMm + this.edgeMm / 2;
    const insideMm = inmost.outMm - this.edgeMm / 2;
    this.#stroke({ frame, shape, outsideMm, insideMm, fill, look });
  }

  #stroke(stroke: Stroke): void {
    const { frame, shape, outsideMm } = stroke;
    // Waves move the far ends of a large box by more than its middle.
    const bentMm = Math.min(16, 0.2 * Math.max(...shape.halfMm));
    const ranges = this.ranges(frame, shape, outsideMm + bentMm);
    const [[iFrom, iTo], [jFrom, jTo], [kFrom, kTo]] = ranges;
    if (iFrom > iTo || jFrom > jTo || kFrom > kTo) return;
    const size = Math.max(iTo - iFrom, jTo - jFrom, kTo - kFrom);
    const edge = size >= 2 * largeVoxels ? largeVoxels : smallVoxels;
    const first = (from: number): number => from - (from % edge);
    for (let k = first(kFrom); k <= kTo; k += edge) {
      for (let j = first(jFrom); j <= jTo; j += edge) {
        for (let i = first(iFrom); i <= iTo; i += edge) this.#ask(stroke, i, j, k, edge);
      }
    }
    this.#answer(stroke);
  }

  /** Asks for the distance of the middle of the block of `edge` voxels whose first is (i, j, k): many are answered together. */
  #ask(stroke: Stroke, i: number, j: number, k: number, edge: number): void {
    const { frame, shape } = stroke;
    const [depth, height, width] = this.shape;
    if (i >= width || j >= height || k >= depth) return;
    if (edge === smallVoxels && this.#covers.hides(i, j, k)) return;
    const { x, y, z } = frame;
    const iHigh = Math.min(width, i + edge) - 1;
    const jHigh = Math.min(height, j + edge) - 1;
    const kHigh = Math.min(depth, k + edge) - 1;
    const a = (k * height + j) * width + i;
    const b = (kHigh * height + jHigh) * width + iHigh;
    const ax = x[a] ?? 0;
    const ay = y[a] ?? 0;
    const az = z[a] ?? 0;
    const dx = (x[b] ?? 0) - ax;
    const dy = (y[b] ?? 0) - ay;
    const dz = (z[b] ?? 0) - az;
    const half = Math.sqrt(dx * dx + dy * dy + dz * dz) / 2;
    const reach = half * strainMax * (shape.steepness ?? 1);
    if (edge === largeVoxels) {
      const middle = shape.distance(ax + dx / 2, ay + dy / 2, az + dz / 2);
      if (middle - reach > stroke.outsideMm) return;
      if (middle + reach < stroke.insideMm) this.#fill(stroke, i, j, k, edge);
      else this.#askWithin(stroke, i, j, k);
      return;
    }
    const middles = this.#middles;
    const n = middles.count++;
    middles.x[n] = ax + dx / 2;
    middles.y[n] = ay + dy / 2;
    middles.z[n] = az + dz / 2;
    this.#reaches[n] = reach;
    this.#firsts.set([i, j, k], 3 * n);
    if (middles.count === placesAtOnce) this.#answer(stroke);
  }

  /** Asks for the small blocks of a large one. */
  #askWithin(stroke: Stroke, i: number, j: number, k: number): void {
    for (let q = k; q < k + largeVoxels; q += smallVoxels) {
      for (let p = j; p < j + largeVoxels; p += smallVoxels) {
        for (let n = i; n < i + largeVoxels; n += smallVoxels) {
          this.#ask(stroke, n, p, q, smallVoxels);
        }
      }
    }
  }

  /** Paints the blocks that were asked for. */
  #answer(stroke: Stroke): void {
    const { count } = this.#middles;
    distancesAt(stroke.shape.distance, this.#middles, this.#middleDistances);
    this.#middles.count = 0;
    for (let n = 0; n < count; n++) {
      const middle = this.#middleDistances[n] ?? 0;
      const reach = this.#reaches[n] ?? 0;
      if (middle - reach > stroke.outsideMm) continue;
      const [i, j, k] = [this.#firsts[3 * n] ?? 0, this.#firsts[3 * n + 1] ?? 0, this.#firsts[3 * n + 2] ?? 0]; // prettier-ignore
      if (middle + reach < stroke.insideMm) this.#fill(stroke, i, j, k, smallVoxels);
      else if (stroke.look !== null) this.#lookAt(stroke, stroke.look, i, j, k);
    }
  }

  #fill({ fill }: Stroke, i: number, j: number, k: number, edge: number): void {
    const [depth, height, width] = this.shape;
    for (let q = k; q < Math.min(depth, k + edge); q++) {
      for (let p = j; p < Math.min(height, j + edge); p++) {
        const row = (q * height + p) * width;
        fill(row + i, row + Math.min(width, i + edge) - 1);
      }
    }
  }

  #lookAt(
    { frame, shape }: Stroke,
    look: (count: number) => void,
    i: number,
    j: number,
    k: number,
  ): void {
    const [depth, height, width] = this.shape;
    let count = 0;
    for (let q = k; q < Math.min(depth, k + smallVoxels); q++) {
      for (let p = j; p < Math.min(height, j + smallVoxels); p++) {
        const row = (q * height + p) * width;
        count = this.#gather(frame, row + i, row + Math.min(width, i + smallVoxels) - 1, count);
      }
    }
    this.#places.count = count;
    distancesAt(shape.distance, this.#places, this.#distances);
    look(count);
  }

  /** Puts a row of voxels behind the `count` that are there, and returns how many there are then. */
  #gather({ x, y, z }: Frame, from: number, to: number, count: number): number {
    const places = this.#places;
    let n = count;
    for (let index = from; index <= to; index++, n++) {
      this.#voxels[n] = index;
      places.x[n] = x[index] ?? 0;
      places.y[n] = y[index] ?? 0;
      places.z[n] = z[index] ?? 0;
    }
    return n;
  }

  #paintVoxels(paint: Pigment, count: number, opacity: number): void {
    const { hu, labels, edgeMm } = this;
    const { x, y, z } = this.#places;
    const { huAt, label } = paint;
    const half = (paint.sheetMm ?? 0) / 2;
    for (let n = 0; n < count; n++) {
      const index = this.#voxels[n] ?? 0;
      const d = this.#distances[n] ?? 0;
      const share = half > 0 ? sheetShare(d, half, edgeMm) : 0.5 - d / edgeMm;
      if (!(share > 0)) continue;
      const cover = (share > 1 ? 1 : share) * opacity;
      const value =
        huAt === undefined ? paint.hu : paint.hu + huAt(x[n] ?? 0, y[n] ?? 0, z[n] ?? 0);
      hu[index] = (hu[index] ?? 0) * (1 - cover) + value * cover;
      if (label !== undefined && cover >= 0.5) labels[index] = label;
    }
  }
}

/**
 * What the soft edge of a rod thinner than a voxel must be multiplied with: the edge's shares, summed over a section, are
 * π q³/3 voxels for q = 1/2 + r/edge, the rod's section is π (r/edge)².
 */
function sectionShare(radiusMm: number | undefined, edgeMm: number): number {
  if (radiusMm === undefined) return 1;
  const r = Math.max(0, radiusMm / edgeMm);
  return r >= 0.75 ? 1 : Math.min(1, (3 * r * r) / (0.5 + r) ** 3);
}
