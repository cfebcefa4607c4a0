/**
 * Where a chest lies on its grid: one frame for everything, RAS with the annulus centre at 0, bent by smooth waves. Truth is
 * carried along: `toWorld` undoes the same waves.
 */
import type { Random } from '../../../base/index.ts';
import type { Rotation, Vector3 } from '../../volume/vector.ts';
import { dotProduct, scaleVector, unitVector } from '../../volume/vector.ts';
import { invertAffine, voxelCount, voxelToWorld, type Geometry } from '../../volume/volume.ts';
import type { VoxelSteps } from '../canvas.ts';
import { straightFrame, type PlacedFrame } from '../pose.ts';

/** Waves are looked up this far apart, and straight between; nearer to the root than `exactMm` each voxel is exact. */
const pitchMm = 6;
const exactMm = 45;
/** Short waves begin outside of the root. */
const stiffMm = 25;
const softMm = 50;

/** Moves a place of the straight chest to the bent one; writes into `out`. */
export type Bend = (x: number, y: number, z: number, out: Float64Array) => void;

/** Slabs that a scanner took in different beats: how far what is in the heart's region is moved at a height of the frame. */
export interface Slabs {
  readonly offsetAt: (z: number) => Vector3;
}

interface Wave {
  readonly w: Vector3;
  readonly phase: number;
  readonly heightMm: number;
  readonly axis: number;
}

function drawWaves(
  random: Random,
  count: number,
  lengthMm: readonly [number, number],
  heightMm: readonly [number, number],
): Wave[] {
  return Array.from({ length: count }, (_, n) => {
    const length = lengthMm[0] + (lengthMm[1] - lengthMm[0]) * random.uniform();
    const way = unitVector([random.normal(), random.normal(), random.normal() + 0.01]);
    return {
      w: scaleVector(way, (2 * Math.PI) / length),
      phase: 2 * Math.PI * random.uniform(),
      heightMm: heightMm[0] + (heightMm[1] - heightMm[0]) * random.uniform(),
      axis: n % 3,
    };
  });
}

/** Six numbers a wave, one wave after the other. */
function asNumbers(waves: readonly Wave[]): Float64Array {
  return Float64Array.from(
    waves.flatMap(({ w, phase, heightMm, axis }) => [...w, phase, heightMm, axis]),
  );
}

/** Long waves everywhere, the root included, and shorter ones outside of it; `variety` makes both higher. */
export function drawBend(random: Random, variety: number): Bend {
  const more = 1 + 0.6 * variety;
  const long = asNumbers(drawWaves(random, 6, [150, 260], [1 * more, 3 * more]));
  const short = asNumbers(drawWaves(random, 9, [55, 100], [0.4 * more, 1.2 * more]));
  const add = (waves: Float64Array, share: number, p: Float64Array, out: Float64Array): void => {
    const x = p[0] ?? 0;
    const y = p[1] ?? 0;
    const z = p[2] ?? 0;
    for (let n = 0; n < waves.length; n += 6) {
      const turn = (waves[n] ?? 0) * x + (waves[n + 1] ?? 0) * y + (waves[n + 2] ?? 0) * z;
      const height = (waves[n + 4] ?? 0) * Math.sin(turn + (waves[n + 3] ?? 0));
      const axis = waves[n + 5] ?? 0;
      out[axis] = (out[axis] ?? 0) + share * height;
    }
  };
  const from = new Float64Array(3);
  return (x, y, z, out) => {
    from[0] = out[0] = x;
    from[1] = out[1] = y;
    from[2] = out[2] = z;
    add(long, 1, from, out);
    const share = (Math.sqrt(x * x + y * y + z * z) - stiffMm) / (softMm - stiffMm);
    if (share > 0) add(short, share >= 1 ? 1 : share * share * (3 - 2 * share), from, out);
  };
}

/** The frame of a chest whose straight origin is at `originInWorld`. */
export function placeChest(
  geometry: Geometry,
  originInWorld: Vector3,
  rotation: Rotation,
  bend: Bend,
  slabs: Slabs | null,
): PlacedFrame {
  const inverse = invertAffine(geometry.affine);
  const { first, steps, toWorld } = straightFrame(geometry, originInWorld, rotation);
  return {
    ...coordinates(geometry, first, steps, bend, slabs),
    // Good to a tenth of a millimetre after four turns: enough to find a box.
    toVoxel: (point) => voxelToWorld(inverse, toWorld(unbend(bend, point, 4))),
    toWorld: (point) => toWorld(unbend(bend, point)),
    steps,
    marginMm: slabs === null ? 1.5 : 8,
  };
}

/** The place that `bend` moves to `point`. Waves are gentle, so that going back by what they move converges. */
export function unbend(bend: Bend, point: Vector3, turns = 60): Vector3 {
  const [px, py, pz] = point;
  let [x, y, z] = point;
  for (let turn = 0; turn < turns; turn++) {
    bend(x, y, z, bent);
    const dx = px - (bent[0] ?? 0);
    const dy = py - (bent[1] ?? 0);
    const dz = pz - (bent[2] ?? 0);
    x += dx;
    y += dy;
    z += dz;
    if (dx * dx + dy * dy + dz * dz < 1e-24) break;
  }
  return [x, y, z];
}

/** Where `unbend` keeps what `bend` answers: it is asked once for every rod, and must leave nothing behind. */
const bent = new Float64Array(3);

type Coordinates = Record<'x' | 'y' | 'z', Float32Array>;

/** The bent place of every voxel. */
function coordinates(
  { shape }: Geometry,
  first: Vector3,
  steps: VoxelSteps,
  bend: Bend,
  slabs: Slabs | null,
): Coordinates {
  const [depth, height, width] = shape;
  const count = voxelCount(shape);
  const out: Coordinates = {
    x: new Float32Array(count),
    y: new Float32Array(count),
    z: new Float32Array(count),
  };
  const [si, sj, sk] = steps;
  const strideOf = (step: Vector3): number =>
    Math.max(1, Math.round(pitchMm / Math.sqrt(dotProduct(step, step))));
  const [pi, pj, pk] = [strideOf(si), strideOf(sj), strideOf(sk)];
  const nodesI = Math.ceil((width - 1) / pi) + 1;
  const nodesJ = Math.ceil((height - 1) / pj) + 1;
  const nodesK = Math.ceil((depth - 1) / pk) + 1;
  const moved = new Float64Array(nodesI * nodesJ * nodesK * 3);
  const place = new Float64Array(3);
  const bentAt = (i: number, j: number, k: number): void => {
    const x = first[0] + i * si[0] + j * sj[0] + k * sk[0];
    const y = first[1] + i * si[1] + j * sj[1] + k * sk[1];
    const z = first[2] + i * si[2] + j * sj[2] + k * sk[2];
    bend(x, y, z, place);
    if (slabs === null) return;
    const [ox, oy, oz] = slabs.offsetAt(z);
    const share = Math.exp(-((x * x + y * y + z * z) / 9000));
    place[0] = (place[0] ?? 0) + ox * share;
    place[1] = (place[1] ?? 0) + oy * share;
    place[2] = (place[2] ?? 0) + oz * share;
  };
  for (let k = 0, n = 0; k < nodesK; k++) {
    for (let j = 0; j < nodesJ; j++) {
      for (let i = 0; i < nodesI; i++, n += 3) {
        bentAt(i * pi, j * pj, k * pk);
        moved.set(place, n);
      }
    }
  }
  const row = new Float64Array(nodesI * 3);
  for (let k = 0, index = 0; k < depth; k++) {
    for (let j = 0; j < height; j++) {
      rowBetween(moved, row, [nodesI, nodesJ, nodesK], j / pj, k / pk);
      for (let i = 0; i < width; i++, index++) {
        const node = Math.floor(i / pi);
        const share = i / pi - node;
        const a = 3 * node;
        const b = share === 0 ? a : a + 3;
        out.x[index] = (row[a] ?? 0) * (1 - share) + (row[b] ?? 0) * share;
        out.y[index] = (row[a + 1] ?? 0) * (1 - share) + (row[b + 1] ?? 0) * share;
        out.z[index] = (row[a + 2] ?? 0) * (1 - share) + (row[b + 2] ?? 0) * share;
      }
    }
  }
  makeExact(out, shape, bentAt, place);
  return out;
}

/** One row of nodes between four, in `row`. */
function rowBetween(
  moved: Float64Array,
  row: Float64Array,
  [nodesI, nodesJ, nodesK]: Vector3,
  j: number,
  k: number,
): void {
  const [jLow, kLow] = [Math.floor(j), Math.floor(k)];
  const jHigh = Math.min(nodesJ - 1, jLow + 1);
  const kHigh = Math.min(nodesK - 1, kLow + 1);
  const [b, c] = [j - jLow, k - kLow];
  const start = (jAt: number, kAt: number): number => (kAt * nodesJ + jAt) * nodesI * 3;
  const [ll, hl] = [start(jLow, kLow), start(jHigh, kLow)];
  const [lh, hh] = [start(jLow, kHigh), start(jHigh, kHigh)];
  for (let n = 0; n < row.length; n++) {
    const low = (moved[ll + n] ?? 0) * (1 - b) + (moved[hl + n] ?? 0) * b;
    const high = (moved[lh + n] ?? 0) * (1 - b) + (moved[hh + n] ?? 0) * b;
    row[n] = low * (1 - c) + high * c;
  }
}

/** Voxels near the root by the waves themselves. */
function makeExact(
  out: Coordinates,
  [depth, height, width]: readonly [number, number, number],

  bentAt: (i: number, j: number, k: number) => void,
  place: Float64Array,
): void {
  for (let k = 0, index = 0; k < depth; k++) {
    for (let j = 0; j < height; j++) {
      for (let i = 0; i < width; i++, index++) {
        const x = out.x[index] ?? 0;
        const y = out.y[index] ?? 0;
        const z = out.z[index] ?? 0;
        if (x * x + y * y + z * z > exactMm * exactMm) continue;
        bentAt(i, j, k);
        out.x[index] = place[0] ?? 0;
        out.y[index] = place[1] ?? 0;
        out.z[index] = place[2] ?? 0;
      }
    }
  }
}
