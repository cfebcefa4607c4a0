/** A slice as a PNG in colours, with what is marked drawn into it: for screens that show pictures and no pages. */
import { fromBase64 } from '../base/index.ts';
import { encodeRgbPng } from './png.ts';
import type { SlicePicture } from './run-record.ts';

/** Points further off the slice than this are left out, mm. */
const offSliceMmMax = 12;
/** A picture is enlarged to so many pixels along its longer edge at least. */
const edgeMin = 640;
const ringPixels = 7;
const letterScale = 2;
const colours = { ring: [255, 196, 0], area: [0, 220, 255], side: [220, 220, 220] } as const;

type Colour = readonly [number, number, number];

/** Five rows of three bits for each letter that a name or a side has. */
const glyphs: Readonly<Record<string, readonly number[]>> = {
  A: [2, 5, 7, 5, 5],
  C: [7, 4, 4, 4, 7],
  I: [7, 2, 2, 2, 7],
  L: [4, 4, 4, 4, 7],
  M: [5, 7, 7, 5, 5],
  N: [5, 7, 7, 7, 5],
  P: [7, 5, 7, 4, 4],
  R: [6, 5, 6, 5, 5],
  S: [7, 4, 7, 1, 7],
  1: [2, 6, 2, 2, 7],
  2: [7, 1, 7, 4, 7],
};

/** The picture, its pixels square: rings around points, brighter the nearer they are, calcium outlined, sides lettered. */
export function slicePng(slice: SlicePicture): Uint8Array {
  const gray = fromBase64(slice.gray) ?? new Uint8Array(slice.width * slice.height);
  const drawnWidth = slice.width * slice.pixelAspect;
  const scale = Math.max(1, edgeMin / Math.max(drawnWidth, slice.height));
  const canvas = new Canvas(Math.round(drawnWidth * scale), Math.round(slice.height * scale));
  const [toX, toY] = [slice.width / canvas.width, slice.height / canvas.height];
  canvas.paint((x, y) => {
    const at = Math.floor(y * toY) * slice.width + Math.floor(x * toX);
    const value = gray[at] ?? 0;
    return [value, value, value];
  });
  for (const { mask } of slice.areas) {
    const held = fromBase64(mask) ?? new Uint8Array(0);
    const isIn = (x: number, y: number): boolean =>
      (held[Math.floor(y * toY) * slice.width + Math.floor(x * toX)] ?? 0) !== 0;
    canvas.outline(isIn, colours.area);
  }
  for (const { x, y, label, offSliceMm } of slice.points) {
    if (Math.abs(offSliceMm) > offSliceMmMax) continue;
    const share = 1 - 0.5 * (Math.abs(offSliceMm) / offSliceMmMax);
    const colour = colours.ring.map((part) => Math.round(part * share)) as unknown as Colour;
    canvas.ring(x / toX, y / toY, ringPixels, colour);
    canvas.text(label, x / toX + ringPixels + 3, y / toY - 5, colour);
  }
  const { left, right, top, bottom } = slice.sides;
  canvas.text(left, 6, canvas.height / 2, colours.side);
  canvas.text(right, canvas.width - 14, canvas.height / 2, colours.side);
  canvas.text(top, canvas.width / 2, 6, colours.side);
  canvas.text(bottom, canvas.width / 2, canvas.height - 16, colours.side);
  return encodeRgbPng(canvas.rgb, canvas.width, canvas.height);
}

class Canvas {
  readonly width: number;
  readonly height: number;
  readonly rgb: Uint8Array;

  constructor(width: number, height: number) {
    this.width = width;
    this.height = height;
    this.rgb = new Uint8Array(width * height * 3);
  }

  paint(colourAt: (x: number, y: number) => Colour): void {
    for (let y = 0; y < this.height; y++) {
      for (let x = 0; x < this.width; x++) this.dot(x, y, colourAt(x, y));
    }
  }

  dot(x: number, y: number, colour: Colour): void {
    const [px, py] = [Math.round(x), Math.round(y)];
    if (px < 0 || py < 0 || px >= this.width || py >= this.height) return;
    this.rgb.set(colour, (py * this.width + px) * 3);
  }

  /** The pixels within that have a neighbour without. */
  outline(isIn: (x: number, y: number) => boolean, colour: Colour): void {
    for (let y = 0; y < this.height; y++) {
      for (let x = 0; x < this.width; x++) {
        const isEdge = !(isIn(x - 1, y) && isIn(x + 1, y) && isIn(x, y - 1) && isIn(x, y + 1));
        if (isEdge && isIn(x, y)) this.dot(x, y, colour);
      }
    }
  }

  ring(x: number, y: number, radius: number, colour: Colour): void {
    for (let step = 0; step < 64; step++) {
      const angle = (step * Math.PI) / 32;
      for (const r of [radius, radius - 1]) {
        this.dot(x + r * Math.cos(angle), y + r * Math.sin(angle), colour);
      }
    }
  }

  /** On a dark ground, so that it can be read over bright blood. */
  text(words: string, x: number, y: number, colour: Colour): void {
    const letters = Array.from(words.toUpperCase());
    const step = 4 * letterScale;
    for (let py = -2; py < 5 * letterScale + 2; py++) {
      for (let px = -2; px < letters.length * step; px++) this.dot(x + px, y + py, [0, 0, 0]);
    }
    letters.forEach((letter, n) => {
      (glyphs[letter] ?? []).forEach((bits, row) => {
        for (const column of [0, 1, 2]) {
          if ((bits & (4 >> column)) === 0) continue;
          for (let part = 0; part < letterScale ** 2; part++) {
            const dx = part % letterScale;
            const dy = Math.floor(part / letterScale);
            this.dot(x + n * step + column * letterScale + dx, y + row * letterScale + dy, colour);
          }
        }
      });
    });
  }
}
