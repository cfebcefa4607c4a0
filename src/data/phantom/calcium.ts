/** Calcium on cusps and annulus of a phantom, and the streaks it throws. */
import type { Random } from '../../base/index.ts';
import type { Vector3 } from '../volume/vector.ts';
import type { Canvas, Frame, VoxelSteps } from './canvas.ts';
import { wallAxes } from './heart.ts';
import { annulusRadiusAt, leafletHeightAt, rootToHeart, wallRadiusAt, type Root } from './root.ts';
import { ellipsoid, type Shape } from './shapes.ts';

/** One lump of calcium in the heart's frame. */
export interface Deposit {
  readonly shape: Shape;
  readonly hu: number;
  readonly diameterMm: number;
}

/** A voxel is sampled at 3 x 3 x 3 places: the share of calcium is a count of 27. */
const samplesPerAxis = 3;
const sampleCount = samplesPerAxis ** 3;

/** Draws three to nine deposits of 3 to 9 mm and 130 to 1200 HU; the first is always a large one. */
export function drawDeposits(random: Random, root: Root): Deposit[] {
  const count = 3 + random.integer(7);
  return Array.from({ length: count }, (_, n) => {
    const cusp = root.cusps[random.integer(3)] ?? root.cusps[0];
    const onAnnulus = random.uniform() < 0.35;
    const angle = cusp.angle + (random.uniform() - 0.5) * (onAnnulus ? 2 : 1.4);
    const diameterMm = n === 0 ? 6.5 + 2.5 * random.uniform() : 3 + 5.5 * random.uniform();
    const long = (diameterMm / 2) * (1 + 0.35 * random.uniform());
    const flat = (diameterMm / 2) * (0.8 + 0.2 * random.uniform());
    // Dense deposits are the rule, faint ones the tail.
    const hu = n === 0 ? 600 + 600 * random.uniform() : 130 + 1070 * Math.sqrt(random.uniform());
    const place = onAnnulus
      ? rootToHeart(root, angle, annulusRadiusAt(root, angle) * 0.98, 3 * random.uniform() - 1.5)
      : onLeaflet(random, root, angle);
    return { shape: ellipsoid(place, [flat, long, long], wallAxes(root, angle)), hu, diameterMm };
  });
}

function onLeaflet(random: Random, root: Root, angle: number): Vector3 {
  const radius = wallRadiusAt(root, angle, 3) * (0.4 + 0.5 * random.uniform());
  return rootToHeart(root, angle, radius, leafletHeightAt(root, angle, radius));
}

/**
 * Paints the deposits and returns the true label map: 1 where calcium fills at least half of the
 * voxel, and in the fullest voxel of a patient whose every deposit is thinner than that.
 */
export function paintDeposits(
  canvas: Canvas,
  frame: Frame,
  deposits: readonly Deposit[],
): Uint8Array {
  const filled = new Uint32Array(canvas.hu.length);
  const peak = new Float32Array(canvas.hu.length);
  const touched = new Set<number>();
  for (const { shape, hu } of deposits) {
    canvas.visit(frame, shape, canvas.edgeMm, (index) => {
      const place: Vector3 = [frame.x[index] ?? 0, frame.y[index] ?? 0, frame.z[index] ?? 0];
      const bits = samplesInside(shape, place, frame.steps);
      if (bits === 0) return;
      filled[index] = (filled[index] ?? 0) | bits;
      peak[index] = Math.max(peak[index] ?? 0, hu);
      touched.add(index);
    });
  }
  const truth = new Uint8Array(canvas.hu.length);
  let fullest = { index: -1, share: 0 };
  for (const index of touched) {
    const share = bitCount(filled[index] ?? 0) / sampleCount;
    canvas.hu[index] = (canvas.hu[index] ?? 0) * (1 - share) + (peak[index] ?? 0) * share;
    if (share >= 0.5) truth[index] = 1;
    if (share > fullest.share) fullest = { index, share };
  }
  if (fullest.index >= 0) truth[fullest.index] = 1;
  return truth;
}

/** One bit for each of the 27 places in a voxel that lies inside the shape. */
function samplesInside(shape: Shape, place: Vector3, steps: VoxelSteps): number {
  const [si, sj, sk] = steps;
  let bits = 0;
  let bit = 1;
  for (let c = -1; c <= 1; c++) {
    for (let b = -1; b <= 1; b++) {
      for (let a = -1; a <= 1; a++) {
        const x = place[0] + (a * si[0] + b * sj[0] + c * sk[0]) / samplesPerAxis;
        const y = place[1] + (a * si[1] + b * sj[1] + c * sk[1]) / samplesPerAxis;
        const z = place[2] + (a * si[2] + b * sj[2] + c * sk[2]) / samplesPerAxis;
        if (shape.distance(x, y, z) <= 0) bits |= bit;
        bit <<= 1;
      }
    }
  }
  return bits;
}

/**
 * Adds bright and dark rays around dense deposits, in the axial plane only as a scanner does:
 * amplitude grows with the deposit's HU and size and falls as exp(-r / 14 mm).
 */
export function addStreaks(
  hu: Float32Array,
  canvas: Canvas,
  frame: Frame,
  deposits: readonly Deposit[],
  random: Random,
): void {
  const [, height, width] = canvas.shape;
  const [sd, sh, sw] = canvas.spacingMm;
  for (const { shape, hu: depositHu, diameterMm } of deposits) {
    const amplitude = Math.max(0, depositHu - 450) * 0.012 * diameterMm;
    const phase = random.uniform() * 2 * Math.PI;
    if (amplitude < 2) continue;
    const [ci, cj, ck] = frame.toVoxel(shape.centre);
    canvas.visit(frame, { ...shape, halfMm: [30, 30, 30] }, 0, (index) => {
      const i = index % width;
      const j = Math.floor(index / width) % height;
      const k = Math.floor(index / (width * height));
      const away = Math.abs(k - ck) * sd;
      if (away > diameterMm / 2 + sd / 2) return;
      const x = (i - ci) * sw;
      const y = (j - cj) * sh;
      const r = Math.sqrt(x * x + y * y);
      if (r < diameterMm / 2 || r > 30) return;
      const rays = Math.cos(3 * Math.atan2(y, x) + phase) + 0.5 * Math.cos(5 * Math.atan2(y, x));
      hu[index] = (hu[index] ?? 0) + amplitude * rays * Math.exp(-r / 14);
    });
  }
}

function bitCount(bits: number): number {
  let count = 0;
  for (let rest = bits; rest !== 0; rest &= rest - 1) count++;
  return count;
}
