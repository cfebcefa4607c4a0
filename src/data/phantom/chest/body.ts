/**
 * Sizes of one patient's chest: the cage, the spine's curve, the domes of the diaphragm, how thick fat and muscle are. The
 * frame is RAS in mm with the annulus centre at 0; sources are in docs/specs/phantom.md.
 */
import type { Random } from '../../../base/index.ts';
import type { Vector3 } from '../../volume/vector.ts';
import type { Shape } from '../shapes.ts';
import { withMany, type Distance } from '../places.ts';
import { solid } from './solids.ts';

/** Heights in the tables of a cage run over this. */
const lowestMm = -420;
const highestMm = 420;

/** Inner cage at a height: half its width, how far it reaches to the front and the back. */
const cageTable: readonly (readonly [number, number, number, number])[] = [
  [-420, 125, 40, -96],
  [-160, 130, 46, -102],
  [-100, 134, 56, -110],
  [-50, 132, 58, -113],
  [0, 127, 52, -112],
  [40, 119, 44, -109],
  [80, 106, 30, -102],
  [110, 90, 16, -93],
  [140, 70, -4, -82],
  [160, 50, -20, -72],
  [176, 26, -36, -62],
  [186, 8, -46, -56],
  [420, 8, -46, -56],
];

/** One patient's chest. */
export interface Body {
  readonly isMale: boolean;
  /** All lengths at scale 1 are multiplied by it. */
  readonly scale: number;
  /** Where the midline is: the annulus lies a little left of it. */
  readonly midMm: number;
  readonly fatMm: number;
  readonly muscleMm: number;
  readonly armsUp: boolean;
  /** Tops of the diaphragm: right dome, the middle on which the heart lies, left dome. */
  readonly domesMm: readonly [number, number, number];
  /** Half width, front and back of the inner cage at a height. */
  readonly cageAt: (z: number) => Cage;
  /** Parts of `cageAt`, for those who ask for every voxel. */
  readonly halfWidthAt: (z: number) => number;
  readonly frontAt: (z: number) => number;
  readonly backAt: (z: number) => number;
  /** y of the front of the vertebral bodies at a height. */
  readonly spineFrontAt: (z: number) => number;
  /** Height of the middle of the n-th thoracic vertebra, 1 to 12 and beyond on both sides. */
  readonly vertebraAt: (n: number) => number;
}

/** A section of the inner cage. */
export interface Cage {
  readonly halfWidth: number;
  readonly front: number;
  readonly back: number;
}

/** Draws a patient. */
export function drawBody(random: Random): Body {
  const even = (low: number, high: number): number => low + (high - low) * random.uniform();
  const isMale = random.uniform() < 0.55;
  const scale = (isMale ? 1.03 : 0.95) * even(0.95, 1.05);
  const wide = even(0.93, 1.05);
  const deepMm = even(-7, 9);
  const spineMm = -67.5 * scale + even(-4, 3);
  const fatMm = 8 + 24 * random.uniform() ** 1.6;
  const curve = even(0.00045, 0.00095);
  const top = even(142, 156) * scale;
  const tables = { halfWidth: [] as number[], front: [] as number[], back: [] as number[] };
  for (let z = lowestMm; z <= highestMm; z++) {
    const row = rowAt(z / scale);
    tables.halfWidth.push(row[1] * scale * wide);
    tables.front.push(row[2] * scale + (row[2] > 0 ? deepMm : 0));
    tables.back.push(spineMm + (row[3] + 71) * scale);
  }
  const halfWidth = Float32Array.from(tables.halfWidth);
  const front = Float32Array.from(tables.front);
  const back = Float32Array.from(tables.back);
  const look = (table: Float32Array, z: number): number => {
    const at = Math.min(highestMm - lowestMm - 1e-6, Math.max(0, z - lowestMm));
    const low = Math.floor(at);
    return (table[low] ?? 0) + ((table[low + 1] ?? 0) - (table[low] ?? 0)) * (at - low);
  };
  return {
    isMale,
    scale,
    midMm: even(1, 12),
    fatMm,
    muscleMm: (isMale ? 15 : 9) * even(0.7, 1.3),
    armsUp: random.uniform() < 0.85,
    domesMm: [-42 * scale, -60 * scale, -54 * scale],
    cageAt: (z) => ({
      halfWidth: look(halfWidth, z),
      front: look(front, z),
      back: look(back, z),
    }),
    halfWidthAt: (z) => look(halfWidth, z),
    frontAt: (z) => look(front, z),
    backAt: (z) => look(back, z),
    spineFrontAt: (z) => spineMm + curve * (z - 5) ** 2,
    // Vertebra and disc together: 19.5 mm at the first, 0.62 mm more for each further one.
    vertebraAt: (n) => top - scale * (19.5 * (n - 1) + 0.31 * (n - 1) * (n - 2)),
  };
}

/** The body with its diaphragm under the heart that lies on it. */
export function seatedUnder(body: Body, sac: Shape, random: Random): Body {
  const lowest = (x: number, y: number): number => {
    for (let z = -130; z < 0; z += 1) if (sac.distance(x, y, z) < 0) return z;
    return -50 * body.scale;
  };
  const s = body.scale;
  const right = Math.min(lowest(30 * s, -8), lowest(20 * s, 10));
  const left = Math.min(lowest(-40 * s, 16), lowest(-28 * s, 6), lowest(-55 * s, 28));
  const middle = Math.min(right, left, lowest(-5, 10)) + 5;
  const even = (low: number, high: number): number => low + (high - low) * random.uniform();
  return { ...body, domesMm: [right + even(4, 24), middle, left + even(-8, 8)] };
}

function rowAt(z: number): readonly [number, number, number, number] {
  for (let n = 1; n < cageTable.length; n++) {
    const [low, high] = [cageTable[n - 1], cageTable[n]];
    if (low === undefined || high === undefined || (z > high[0] && n + 1 < cageTable.length)) {
      continue;
    }
    const t = Math.min(1, Math.max(0, (z - low[0]) / (high[0] - low[0])));
    const mix = (column: 1 | 2 | 3): number => low[column] + (high[column] - low[column]) * t;
    return [z, mix(1), mix(2), mix(3)];
  }
  return [z, 8, -46, -56];
}

/** How square a section is: 0 an ellipse, 1 a box. */
const squareness = 0.5;

/** How much wider than its middle a section is at the back, and narrower in front. */
const backWider = 0.1;

/** Distance to an oval of half axes `a`, `b` about 0, boxier than an ellipse and wider at the back (y < 0). */
export function ovalDistance(x: number, y: number, a: number, b: number): number {
  const v = y / b;
  const u = x / (a * (1 - backWider * Math.max(-1, Math.min(1, v))));
  const uu = u * u;
  const vv = v * v;
  const su = squareness * Math.min(1, uu);
  const sv = squareness * Math.min(1, vv);
  const k = uu + vv - su * Math.min(1, vv);
  const gu = (u * (1 - sv)) / a;
  const gv = (v * (1 - su)) / b;
  const slope = Math.sqrt(gu * gu + gv * gv);
  return slope < 1e-9 ? -Math.min(a, b) : Math.max(-Math.min(a, b), (k - Math.sqrt(k)) / slope);
}

/** The point of the oval in the direction `turn`, 0 to the right, a quarter turn to the front, `byMm` outside of it. */
export function ovalPoint({ midMm, cageAt }: Body, turn: number, z: number, byMm: number): Vector3 {
  const { halfWidth, front, back } = cageAt(z);
  const [a, b] = [halfWidth + byMm, (front - back) / 2 + byMm];
  const [c, s] = [Math.cos(turn), Math.sin(turn)];
  const q = squareness * c * c * s * s;
  const t = q < 1e-6 ? 1 : Math.sqrt((1 - Math.sqrt(1 - 4 * q)) / (2 * q));
  return [midMm + a * c * t * (1 - backWider * s * t), (front + back) / 2 + b * s * t, z];
}

/** The cage with its surface moved out by `byMm`, between two heights. */
export function cageShape(body: Body, byMm: number, lowMm = -400, highMm = 400): Shape {
  const { midMm, halfWidthAt, frontAt, backAt } = body;
  const width = 172 * body.scale + Math.abs(byMm) + 30;
  const one: Distance = (x, y, z) => {
    const level = z - (z > 60 ? byMm * 0.6 : 0);
    const front = frontAt(level);
    const back = backAt(level);
    const d = ovalDistance(
      x - midMm,
      y - (front + back) / 2,
      Math.max(4, halfWidthAt(level) + byMm),
      Math.max(4, (front - back) / 2 + byMm),
    );
    return Math.max(d * 0.95, lowMm - z, z - highMm);
  };
  return solid(
    withMany(one, ({ x, y, z, count }, out) => {
      for (let n = 0; n < count; n++) out[n] = one(x[n] ?? 0, y[n] ?? 0, z[n] ?? 0);
    }),
    [midMm, -28, (lowMm + highMm) / 2],
    [width, 115 + Math.abs(byMm) + 20, (highMm - lowMm) / 2],
    1.7,
  );
}
