/** A PNG of slices in gray, with what was found and what is known burnt in: marks are told apart without colour. */
import { invariant } from '../base/index.ts';
import type { MarkOnSlice, Slice } from '../distill/index.ts';
import { encodeGrayPng } from '../report/index.ts';

/** Gray values, one byte a pixel, rows from the top. */
export interface GrayPicture {
  readonly width: number;
  readonly height: number;
  readonly gray: Uint8Array;
}

/** A slice is drawn at least so wide. */
const widthMin = 360;
/** Points further off the slice than this are left out. */
export const offSliceMmMax = 12;
/** Pixels between two slices. */
const gap = 8;
/** Half the size of a cross, and of a square: it shows under a cross on the same point. */
const crossRadius = 9;
const squareRadius = 7;
/** From one line of the hatching to the next, along a row. */
const hatchPeriod = 8;
const white = 255;
const black = 0;

/** The slices side by side, as a PNG. */
export function predictionPng(slices: readonly Slice[]): Uint8Array {
  const { gray, width, height } = sideBySide(slices.map(drawSlice));
  return encodeGrayPng(gray, width, height);
}

/**
 * One slice, enlarged by whole numbers along its rows and true to mm along its columns. A cross is a point that was found, a
 * square one that an expert set; calcium that was found is hatched, calcium that is known is outlined.
 */
export function drawSlice(slice: Slice): GrayPicture {
  const scaleX = Math.ceil(widthMin / slice.width);
  const scaleY = scaleX / slice.pixelAspect;
  const width = slice.width * scaleX;
  const height = Math.max(1, Math.round(slice.height * scaleY));
  const canvas = new Canvas(width, height);
  const at = { scaleX, scaleY };
  canvas.paint((x, y) => smooth(slice, (x + 0.5) / scaleX - 0.5, (y + 0.5) / scaleY - 0.5));
  const areasOf = (wanted: 'predicted' | 'truth'): Inside[] =>
    slice.areas.filter(({ kind }) => kind === wanted).map(({ mask }) => insideOf(slice, mask, at));
  for (const inside of areasOf('predicted')) hatch(canvas, inside);
  for (const inside of areasOf('truth')) outline(canvas, inside);
  const near = slice.points.filter(({ offSliceMm }) => offSliceMm <= offSliceMmMax);
  const middle = ({ x, y }: MarkOnSlice): [number, number] => [
    Math.floor(x * scaleX),
    Math.floor(y * scaleY),
  ];
  // Crosses last: what was found lies on top.
  for (const point of near.filter(({ kind }) => kind !== 'predicted')) {
    square(canvas, ...middle(point));
  }
  for (const point of near.filter(({ kind }) => kind === 'predicted')) {
    cross(canvas, ...middle(point));
  }
  return canvas;
}

class Canvas implements GrayPicture {
  readonly width: number;
  readonly height: number;
  readonly gray: Uint8Array;

  constructor(width: number, height: number) {
    this.width = width;
    this.height = height;
    this.gray = new Uint8Array(width * height);
  }

  /** Beyond the edges nothing is drawn. */
  set(x: number, y: number, value: number): void {
    if (x < 0 || y < 0 || x >= this.width || y >= this.height) return;
    this.gray[y * this.width + x] = value;
  }

  /** @param value null leaves a pixel as it is */
  paint(value: (x: number, y: number) => number | null): void {
    for (let y = 0; y < this.height; y++) {
      for (let x = 0; x < this.width; x++) {
        const painted = value(x, y);
        if (painted !== null) this.gray[y * this.width + x] = painted;
      }
    }
  }
}

/** Bilinear between the centres of the pixels. */
function smooth({ gray, width, height }: Slice, x: number, y: number): number {
  const [left, top] = [Math.floor(x), Math.floor(y)];
  const pixel = (column: number, row: number): number =>
    gray[clamp(row, height) * width + clamp(column, width)] ?? 0;
  const row = (of: number): number =>
    pixel(left, of) + (pixel(left + 1, of) - pixel(left, of)) * (x - left);
  return Math.round(row(top) + (row(top + 1) - row(top)) * (y - top));
}

function clamp(index: number, count: number): number {
  return Math.min(count - 1, Math.max(0, index));
}

type Inside = (x: number, y: number) => boolean;

function insideOf(
  { width, height }: Slice,
  mask: Uint8Array,
  { scaleX, scaleY }: { readonly scaleX: number; readonly scaleY: number },
): Inside {
  return (x, y) => {
    const [column, row] = [Math.floor((x + 0.5) / scaleX), Math.floor((y + 0.5) / scaleY)];
    if (column < 0 || row < 0 || column >= width || row >= height) return false;
    return (mask[row * width + column] ?? 0) !== 0;
  };
}

/** A white line beside a black one: calcium is bright, and what lies round it is not. */
function hatch(canvas: Canvas, inside: Inside): void {
  canvas.paint((x, y) => {
    const place = (x + y) % hatchPeriod;
    return place > 3 || !inside(x, y) ? null : place < 2 ? white : black;
  });
}

/** The outermost pixels of the area white, those round it black. */
function outline(canvas: Canvas, inside: Inside): void {
  canvas.paint((x, y) => {
    const here = inside(x, y);
    const others = [inside(x - 1, y), inside(x + 1, y), inside(x, y - 1), inside(x, y + 1)];
    if (others.every((other) => other === here)) return null;
    return here ? white : black;
  });
}

/** White, three pixels wide, in a black border. */
function cross(canvas: Canvas, x: number, y: number): void {
  for (const [value, border] of [
    [black, 1],
    [white, 0],
  ] as const) {
    for (let step = -crossRadius - border; step <= crossRadius + border; step++) {
      for (let wide = -1 - border; wide <= 1 + border; wide++) {
        canvas.set(x + step + wide, y + step, value);
        canvas.set(x - step + wide, y + step, value);
      }
    }
  }
}

/** White, one pixel wide, in a black border. */
function square(canvas: Canvas, x: number, y: number): void {
  for (const [value, radii] of [
    [black, [squareRadius - 1, squareRadius + 1]],
    [white, [squareRadius]],
  ] as const) {
    for (const radius of radii) {
      for (let along = -radius; along <= radius; along++) {
        for (const side of [-radius, radius]) {
          canvas.set(x + along, y + side, value);
          canvas.set(x + side, y + along, value);
        }
      }
    }
  }
}

/** Pictures from left to right, their upper edges in line. */
function sideBySide(pictures: readonly GrayPicture[]): GrayPicture {
  invariant(pictures.length > 0, 'there is a slice to show');
  const width = pictures.reduce((sum, picture) => sum + picture.width + gap, -gap);
  const canvas = new Canvas(width, Math.max(...pictures.map(({ height }) => height)));
  canvas.gray.fill(white);
  let left = 0;
  for (const { gray, ...size } of pictures) {
    for (let y = 0; y < size.height; y++) {
      canvas.gray.set(gray.subarray(y * size.width, (y + 1) * size.width), y * width + left);
    }
    left += size.width + gap;
  }
  return canvas;
}
